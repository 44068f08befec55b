"""What a `Config` of Alembic's, a path or nothing means to the command: arguments, and values that go before the file's."""

from __future__ import annotations

import os
from configparser import RawConfigParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Union

    from alembic.config import Config

    _Overrides = dict[str, dict[str, str]]
    ConfigLike = Union[Config, str, os.PathLike[str], None]



def arguments(config: ConfigLike) -> tuple[list[str], _Overrides]:
    """The options before the command, and the values for `--overrides`.

    Raises `ValueError` for what a `Config` holds and another process can't be given.
    """
    if config is None:
        return [], {}
    if isinstance(config, (str, os.PathLike)):
        return ["--config=" + os.fspath(config)], {}
    return _of(config)


def _of(config: Config) -> tuple[list[str], _Overrides]:
    attributes = ", ".join(f"`{name}`" for name in config.attributes)
    if attributes:
        raise ValueError(
            f"the `attributes` of the Config ({attributes}) can't be given to another process: "
            "use `alembic.command`, or leave them out"
        )
    options = []
    if config.config_file_name:
        options.append("--config=" + os.fspath(config.config_file_name))
    else:
        options.append("--no-ini")
    # Before Alembic 1.16 there is none.
    toml = getattr(config, "toml_file_name", None)
    if not toml:
        options.append("--no-pyproject")
    elif os.path.basename(toml) == "pyproject.toml":
        options.append("--config=" + os.fspath(toml))
    else:
        raise ValueError(f"the `toml_file_name` of the Config must be a `pyproject.toml`, and is `{toml}`")
    options.append("--name=" + config.config_ini_section)
    for x in getattr(config.cmd_opts, "x", None) or ():
        options += ["-x", x]
    return options, _overrides(config)


def _overrides(config: Config) -> _Overrides:
    """The values that are not the file's: those of `set_main_option` and of `config_args`."""
    file = RawConfigParser()
    name = config.config_file_name
    if name:
        file.read_dict({"DEFAULT": {"here": os.path.dirname(os.path.abspath(name))}})
        file.read([name], encoding="utf-8")
    found: _Overrides = {}
    for section in config.file_config.sections():
        values = dict(config.file_config.items(section, raw=True))
        known = dict(file.items(section)) if file.has_section(section) else {}
        for option in known:
            if option not in values:
                raise ValueError(f"`{option}` was removed from `[{section}]` of the Config, and `{name}` still has it")
        changed = {option: value for option, value in values.items() if known.get(option) != value}
        if changed:
            found[section] = changed
    return found
