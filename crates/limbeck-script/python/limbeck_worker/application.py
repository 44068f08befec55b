"""The application that `env.py` needs: Flask's application context, or the configuration of advanced-alchemy."""
import contextlib
import functools
import importlib
import os

from alembic.script import ScriptDirectory
from alembic.util import CommandError


def install(config, name):
    """Run `env.py` with the application `name` (`module:attribute`), or with the one that Flask finds if `env.py` needs it."""
    run_env = ScriptDirectory.run_env

    @functools.wraps(run_env)
    def run(self):
        with _application(config, name, os.path.join(self.dir, "env.py")):
            return run_env(self)

    ScriptDirectory.run_env = run


def _application(config, name, env):
    alchemy = _alchemy_config(name) if name else None
    if alchemy is not None:
        _become_alchemy_config(config, alchemy)
    elif name or _uses_flask(env):
        return _flask_context(config, name)
    return contextlib.nullcontext()


def _uses_flask(env):
    """Return whether `env.py` reads Flask's current application, and nobody has set one."""
    try:
        with open(env, "rb") as file:
            if b"current_app" not in file.read():
                return False
        from flask import has_app_context
    except (OSError, ImportError):
        # `env.py` itself will fail, and say where.
        return False
    return not has_app_context()


@contextlib.contextmanager
def _flask_context(config, name):
    try:
        from flask import cli
    except ImportError:
        # A name that is not a configuration of advanced-alchemy.
        raise CommandError(
            "`%s`, which is `app` in [tool.limbeck] of pyproject.toml, is no configuration of advanced-alchemy, and Flask"
            " is not installed" % name
        ) from None
    cli.load_dotenv()
    try:
        application = cli.ScriptInfo(app_import_path=name or os.environ.get("FLASK_APP")).load_app()
    except cli.NoAppException as error:
        problem = _sentence(str(error))
        if name:
            text = (
                "`%s`, which is `app` in [tool.limbeck] of pyproject.toml, is neither a Flask application nor a"
                " configuration of advanced-alchemy: %s" % (name, problem)
            )
        else:
            text = (
                "`env.py` needs the Flask application: %s Set FLASK_APP, or `app` in [tool.limbeck] of pyproject.toml"
                % problem
            )
        raise CommandError(text) from error
    with application.app_context():
        extension = application.extensions.get("migrate")
        if extension is not None and extension.migrate.call_configure_callbacks(config) is not config:
            raise CommandError("a function of `@migrate.configure` must return the configuration that it gets")
        yield


def _sentence(text):
    text = " ".join(text.split())
    return text if text.endswith(".") else text + "."


def _alchemy_config(name):
    """Return the object of this name if it is a configuration of advanced-alchemy."""
    module, _, attribute = name.rpartition(":" if ":" in name else ".")
    if not module or not attribute.isidentifier():
        return None
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except ModuleNotFoundError as error:
        if error.name is None or not (module + ".").startswith(error.name + "."):
            raise
        # Flask also finds modules in the working directory, and explains what is missing.
        return None
    return found if hasattr(found, "alembic_config") and hasattr(found, "get_engine") else None


def _become_alchemy_config(config, alchemy):
    """Give `config` what advanced-alchemy's own subclass of Alembic's configuration has: the engine, the tables' names."""
    from advanced_alchemy.alembic.commands import AlembicCommands

    theirs = AlembicCommands(alchemy).config
    config.__class__ = type(theirs)
    for name, value in vars(theirs).items():
        vars(config).setdefault(name, value)
