"""The tasks of a worker: run `env.py` with the host's plan, run one of Alembic's own commands, or read the headers."""
import argparse
import inspect
import os

from alembic import __version__ as _alembic_version
from alembic import command as alembic_command
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from . import application, dialects, migrations
from . import environment as environment_values
from .scripts import use_headers


def run(channel, start):
    """Carry out the task of the host's first message."""
    config = _config(start)
    task = start["task"]
    if start.get("command") in ("init", "list_templates"):
        _call_alembic(start["command"], config, start["arguments"])
        return
    dialects.register(channel)
    environment_values.install(channel, start)
    if task == "headers":
        _send_headers(channel, config)
        return
    _use_headers(start["scripts"], start["script_folders"])
    host = migrations.install(channel, start)
    application.install(config, start["application"])
    if task == "environment":
        _run_environment(config, start["arguments"], host)
    else:
        _call_alembic(start["command"], config, start["arguments"])


def _config(start):
    source = start["config"]
    options = start["options"]
    namespace = argparse.Namespace(**options)
    function = getattr(alembic_command, options["name_of_command"], None)
    del namespace.name_of_command
    namespace.cmd = (function, *_parameters(function))
    parameters = inspect.signature(Config.__init__).parameters
    arguments = {"file_": source["ini"] or None, "ini_section": source["section"], "cmd_opts": namespace}
    if "toml_file" in parameters:
        arguments["toml_file"] = source["toml"] or None
    config = Config(**arguments)
    for section, values in source["set"].items():
        for name, value in values.items():
            if section == "DEFAULT":
                config.file_config.set(section, name, value)
            else:
                config.set_section_option(section, name, value)
    if source["folder"] and not _script_location(config):
        config.set_main_option("script_location", source["folder"].replace("%", "%%"))
    return config


def _script_location(config):
    # Older versions of Alembic have no `pyproject.toml`.
    read = getattr(config, "get_alembic_option", config.get_main_option)
    return read("script_location")


def _parameters(function):
    """Return the names of a command's positional and optional arguments, as Alembic's own parser keeps them."""
    if function is None:
        return [], []
    specification = inspect.getfullargspec(function)
    names = specification.args[1:]
    count = len(names) - len(specification.defaults or ())
    # `stamp` is the only command that takes several revisions, and its option has another name.
    positional = ["revisions" if function is alembic_command.stamp else name for name in names[:count]]
    return positional, names[count:]


def _call_alembic(name, config, arguments):
    function = getattr(alembic_command, name, None)
    if function is None:
        raise CommandError("Alembic %s in this environment has no command '%s'" % (_alembic_version, name))
    known = inspect.signature(function).parameters
    # An older Alembic lacks the newest flags: limbeck drops those that have their default.
    accepted = {key: value for key, value in arguments.items() if key in known}
    missing = [key for key, value in arguments.items() if key not in known and value]
    if missing:
        raise CommandError(
            "Alembic %s in this environment has no option --%s for '%s'"
            % (_alembic_version, missing[0].replace("_", "-"), name)
        )
    function(config, **accepted)


def _use_headers(headers, folders):
    """Give the headers to each script directory of the project, also to one that Alembic's own commands make.

    The first one that is made from a configuration is the project's. Commands that run inside a run may make others, which
    read their scripts as in Alembic, as does the project's own after a script has been added.
    """
    from_config = ScriptDirectory.from_config.__func__
    known = None
    state = _folder_state(folders)

    def with_headers(cls, config):
        nonlocal known
        script_directory = from_config(cls, config)
        locations = _locations(script_directory)
        if known is None:
            known = locations
        if locations == known and _folder_state(folders) == state:
            use_headers(script_directory, headers)
        return script_directory

    ScriptDirectory.from_config = classmethod(with_headers)


def _locations(script_directory):
    """Return what decides which scripts a script directory has.

    The version locations are compared as they are configured. Alembic imports the package of `package:folder` only when it
    reads the scripts.
    """
    given = script_directory.version_locations or ()
    folders = [os.path.abspath(folder) for folder in (script_directory.dir, *given)]
    return folders, getattr(script_directory, "recursive_version_locations", False)


def _folder_state(folders):
    """Return a value that changes when a file is added to the folders."""
    return [os.stat(folder).st_mtime_ns if os.path.isdir(folder) else None for folder in folders]


def _run_environment(config, options, host):
    script_directory = ScriptDirectory.from_config(config)
    host.script_directory = script_directory
    arguments = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    environment = EnvironmentContext(config, script_directory, fn=host.plan, **arguments)
    host.environment = environment
    with environment:
        script_directory.run_env()


def _send_headers(channel, config):
    script_directory = ScriptDirectory.from_config(config)
    rows = []
    for script in script_directory._load_revisions():
        module = script.module
        rows.append(
            {
                "id": script.revision,
                "down_revisions": _as_list(script.down_revision),
                "branch_labels": _as_list(getattr(module, "branch_labels", None)),
                "dependencies": _as_list(getattr(module, "depends_on", None)),
                "doc": module.__doc__,
                "path": script.path,
            }
        )
    channel.request("headers", scripts=rows)


def _as_list(value):
    """Return the identifiers of a script's attribute, which may be None, one identifier or several."""
    if value is None:
        return []
    if isinstance(value, str):
        return [value]
    return list(value)
