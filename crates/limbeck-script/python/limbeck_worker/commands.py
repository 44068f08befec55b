"""What the host can ask for: the environment with a plan of the host's, or one of Alembic's own commands."""
import argparse
import inspect

from alembic import __version__ as _alembic_version
from alembic import command as alembic_command
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from . import dialects, migrations
from .scripts import use_headers


def run(channel, start):
    config = _config(start)
    name = start["command"]
    if name in ("init", "list_templates"):
        _call_alembic(name, config, start["arguments"])
        return
    dialects.register(channel)
    if name == "headers":
        _send_headers(channel, config)
        return
    _use_headers_everywhere(start["scripts"])
    host = migrations.install(channel, start)
    if name == "environment":
        _run_environment(config, start["environment"], host)
    else:
        _call_alembic(name, config, start["arguments"])


def _config(start):
    given = start["config"]
    options = start["options"]
    namespace = argparse.Namespace(**options)
    function = getattr(alembic_command, options["name_of_command"], None)
    del namespace.name_of_command
    namespace.cmd = (function, *_parameters(function))
    parameters = inspect.signature(Config.__init__).parameters
    arguments = {"file_": given["ini"] or None, "ini_section": given["section"], "cmd_opts": namespace}
    if "toml_file" in parameters:
        arguments["toml_file"] = given["toml"] or None
    config = Config(**arguments)
    for section, values in given["set"].items():
        for name, value in values.items():
            if section == "DEFAULT":
                config.file_config.set(section, name, value)
            else:
                config.set_section_option(section, name, value)
    return config


def _parameters(function):
    """The names of a command's positional and optional arguments, as Alembic's own parser keeps them."""
    if function is None:
        return [], []
    specification = inspect.getfullargspec(function)
    names = specification.args[1:]
    count = len(names) - len(specification.defaults or ())
    # The option's name of the only command that takes several.
    positional = ["revisions" if function is alembic_command.stamp else name for name in names[:count]]
    return positional, names[count:]


def _call_alembic(name, config, arguments):
    function = getattr(alembic_command, name, None)
    if function is None:
        raise CommandError("Alembic %s in this environment has no command '%s'" % (_alembic_version, name))
    known = inspect.signature(function).parameters
    # An older Alembic lacks the newest flags: those left at their defaults are not passed on.
    passed = {key: value for key, value in arguments.items() if key in known}
    lost = [key for key, value in arguments.items() if key not in known and value]
    if lost:
        raise CommandError(
            "Alembic %s in this environment has no option --%s for '%s'"
            % (_alembic_version, lost[0].replace("_", "-"), name)
        )
    function(config, **passed)


def _use_headers_everywhere(headers):
    """Each script directory made from the configuration, also by Alembic's own commands, knows the headers."""
    from_config = ScriptDirectory.from_config.__func__

    def with_headers(cls, config):
        script_directory = from_config(cls, config)
        use_headers(script_directory, headers)
        return script_directory

    ScriptDirectory.from_config = classmethod(with_headers)


def _run_environment(config, options, host):
    script_directory = ScriptDirectory.from_config(config)
    host.script_directory = script_directory
    arguments = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    with EnvironmentContext(config, script_directory, fn=host.plan, **arguments):
        script_directory.run_env()


def _send_headers(channel, config):
    script_directory = ScriptDirectory.from_config(config)
    rows = []
    for script in script_directory._load_revisions():
        module = script.module
        rows.append(
            {
                "id": script.revision,
                "down_revisions": _texts(script.down_revision),
                "branch_labels": _texts(getattr(module, "branch_labels", None)),
                "dependencies": _texts(getattr(module, "depends_on", None)),
                "doc": module.__doc__,
                "path": script.path,
            }
        )
    channel.request("headers", scripts=rows)


def _texts(value):
    if value is None:
        return []
    if isinstance(value, str):
        return [value]
    return list(value)
