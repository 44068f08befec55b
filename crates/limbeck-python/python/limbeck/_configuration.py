"""Conversion of Alembic's `Config` to arguments of the command, and to values that override the file's."""

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
    """Returns the options in front of the command's name, and the values for `--overrides` by section.

    Raises `ValueError` if the `Config` contains values that can't be passed to another process.
    """
    if config is None:
        return [], {}
    if isinstance(config, (str, os.PathLike)):
        return ["--config=" + os.fspath(config)], {}
    return _config_arguments(config)


def _config_arguments(config: Config) -> tuple[list[str], _Overrides]:
    attributes = ", ".join(f"`{name}`" for name in config.attributes)
    if attributes:
        raise ValueError(
            f"the `attributes` of the Config ({attributes}) can't be passed to another process: "
            "use `alembic.command`, or remove them"
        )
    options = []
    if config.config_file_name:
        options.append("--config=" + os.fspath(config.config_file_name))
    else:
        options.append("--no-ini")
    # The attribute exists from Alembic 1.16 on.
    toml = getattr(config, "toml_file_name", None)
    if not toml:
        options.append("--no-pyproject")
    elif os.path.basename(toml) == "pyproject.toml":
        options.append("--config=" + os.fspath(toml))
    else:
        raise ValueError(f"the `toml_file_name` of the Config must be a `pyproject.toml`, but is `{toml}`")
    options.append("--name=" + config.config_ini_section)
    for argument in getattr(config.cmd_opts, "x", None) or ():
        options += ["-x", argument]
    return options, _overrides(config)


def _overrides(config: Config) -> _Overrides:
    """Returns the values that differ from the file's: those of `set_main_option` and `config_args`."""
    file = RawConfigParser()
    name = config.config_file_name
    if name:
        file.read_dict({"DEFAULT": {"here": os.path.dirname(os.path.abspath(name))}})
        file.read([name], encoding="utf-8")
    overrides: _Overrides = {}
    for section in config.file_config.sections():
        values = dict(config.file_config.items(section, raw=True))
        known = dict(file.items(section)) if file.has_section(section) else {}
        for option in known:
            if option not in values:
                raise ValueError(f"`{option}` was removed from `[{section}]` of the Config, but `{name}` still has it")
        changed = {option: value for option, value in values.items() if known.get(option) != value}
        if changed:
            overrides[section] = changed
    return overrides
