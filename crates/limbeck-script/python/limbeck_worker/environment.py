"""The URL and the variables that the host found, for code that would fail without them.

Each hook acts only where Alembic would raise an exception, so a project that works with Alembic sees no change.
"""
import functools
import os

from alembic.util import CommandError

from .import_hooks import when_imported


def install(channel, start):
    """Offer the URL and the variables of the host's first message."""
    found = start["environment"]
    environment = _Environment(channel, found)
    if found["variables"]:
        _offer_variables(environment)
    if found["url"] is not None:
        _offer_url(environment)


class _Environment:
    """What the host found; reports each use once."""

    def __init__(self, channel, found):
        self._channel = channel
        self._url = found["url"]
        self._placeholder = found["placeholder"]
        self.variables = {variable["name"]: variable for variable in found["variables"]}
        self._reported = set()

    def is_open(self, url):
        """Return whether a URL is none: missing, empty or the template's placeholder."""
        return url is None or (isinstance(url, str) and url.strip() in ("", self._placeholder))

    def url(self):
        if "problem" in self._url:
            raise CommandError(self._url["problem"])
        self._report("the URL from %s" % self._url["source"])
        return self._url["url"]

    def variable(self, name):
        variable = self.variables[name]
        self._report(variable["source"])
        return variable["value"]

    def _report(self, what):
        if what not in self._reported:
            self._reported.add(what)
            self._channel.notify("using", what=what)


def _offer_variables(environment):
    original = type(os.environ)

    class Environ(original):
        """`os.environ`, where `os.environ[name]` finds a variable that only `.env` sets. The variable is in no copy of
        the environment: code that looks for it, or that loads `.env` or another file itself, finds what it would
        find without limbeck."""

        def __getitem__(self, key):
            try:
                return super().__getitem__(key)
            except KeyError:
                if key not in environment.variables:
                    raise
            return environment.variable(key)

        def __contains__(self, key):
            return _is_set(self, key)

        def get(self, key, default=None):
            return self[key] if _is_set(self, key) else default

        def pop(self, key, *default):
            if _is_set(self, key):
                return super().pop(key)
            if default:
                return default[0]
            raise KeyError(key)

    def _is_set(environ, key):
        try:
            original.__getitem__(environ, key)
        except KeyError:
            return False
        return True

    os.environ.__class__ = Environ


def _offer_url(environment):
    import sqlalchemy
    from alembic.runtime.migration import MigrationContext
    from sqlalchemy import engine
    from sqlalchemy.engine import create, url

    make_url = url.make_url

    @functools.wraps(make_url)
    def make_known_url(name_or_url):
        return make_url(environment.url() if environment.is_open(name_or_url) else name_or_url)

    _replace("make_url", make_known_url, sqlalchemy, engine, url)
    _replace("engine_from_config", _with_url(engine.engine_from_config, environment), sqlalchemy, engine, create)
    # A synchronous project never imports the module.
    when_imported("sqlalchemy.ext.asyncio.engine", lambda module: _change_async_engine(module, environment))

    configure = MigrationContext.configure.__func__

    @functools.wraps(configure)
    def configure_with_url(cls, connection=None, url=None, dialect_name=None, dialect=None, *arguments, **options):
        if connection is None and not url and not dialect_name and not dialect:
            url = environment.url()
        return configure(cls, connection, url, dialect_name, dialect, *arguments, **options)

    MigrationContext.configure = classmethod(configure_with_url)


def _with_url(engine_from_config, environment):
    """Return `engine_from_config`, or its asynchronous form, for a section without a URL, too."""

    @functools.wraps(engine_from_config)
    def with_url(configuration, prefix="sqlalchemy.", **options):
        if prefix + "url" not in configuration:
            configuration = {**configuration, prefix + "url": environment.url()}
        return engine_from_config(configuration, prefix, **options)

    return with_url


def _change_async_engine(module, environment):
    # SQLAlchemy 1.4 got the function late.
    if hasattr(module, "async_engine_from_config"):
        module.async_engine_from_config = _with_url(module.async_engine_from_config, environment)


def _replace(name, value, *modules):
    for module in modules:
        if hasattr(module, name):
            setattr(module, name, value)
