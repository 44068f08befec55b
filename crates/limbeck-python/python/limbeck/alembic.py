"""Functions for `env.py`, with which plain Alembic runs with the application's URL.

Either in a synchronous `env.py`, after `config = context.config`:

    from limbeck.alembic import use_sync_url
    use_sync_url(config)

(`use_async_url` in an asynchronous one), or with `engine_from_config` or `async_engine_from_config` from this
module in place of SQLAlchemy's.
"""

from __future__ import annotations

import warnings
from configparser import InterpolationError

from ._errors import ConvertError
from ._limbeck import Conversion, DatabaseConfigProvider, Policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from alembic.config import Config
    from sqlalchemy.engine import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["async_engine_from_config", "engine_from_config", "use_async_url", "use_sync_url"]

_OPTION = "sqlalchemy.url"
_PLACEHOLDER = "driver://user:pass@localhost/dbname"


def use_sync_url(
    config: Config, section: str | None = None, *, driver: str | None = None, policy: Policy | None = None
) -> Conversion:
    """Sets `sqlalchemy.url` of `config` to a URL with a synchronous driver, for `engine_from_config`.

    The URL is `sqlalchemy.url` of the section (by default the main section). If it is not set, or is the template's,
    `DatabaseConfigProvider.from_env` finds the URL. `driver` selects a driver, such as `psycopg`. Raises `ConvertError`,
    also if the driver needs keyword arguments beside the URL.
    """
    return _use(config, section, "sync", driver, policy)


def use_async_url(
    config: Config, section: str | None = None, *, driver: str | None = None, policy: Policy | None = None
) -> Conversion:
    """Sets `sqlalchemy.url` of `config` to a URL with an asynchronous driver, for `async_engine_from_config`.

    See `use_sync_url` for the arguments.
    """
    return _use(config, section, "async", driver, policy)


def engine_from_config(
    configuration: Mapping[str, Any],
    prefix: str = "sqlalchemy.",
    *,
    driver: str | None = None,
    policy: Policy | None = None,
    **kwargs: Any,
) -> Engine:
    """Creates a synchronous engine like SQLAlchemy's `engine_from_config`, from the URL of any driver.

    The engine gets the `connect_args` that its driver needs. If neither `configuration` nor `kwargs` has a URL,
    `DatabaseConfigProvider.from_env` finds it.
    """
    from sqlalchemy import engine_from_config as make

    return make(dict(configuration), prefix, **_arguments("sync", configuration, prefix, driver, policy, kwargs))


def async_engine_from_config(
    configuration: Mapping[str, Any],
    prefix: str = "sqlalchemy.",
    *,
    driver: str | None = None,
    policy: Policy | None = None,
    **kwargs: Any,
) -> AsyncEngine:
    """Creates an asynchronous engine like SQLAlchemy's `async_engine_from_config`; see `engine_from_config`."""
    from sqlalchemy.ext.asyncio import async_engine_from_config as make

    return make(dict(configuration), prefix, **_arguments("async", configuration, prefix, driver, policy, kwargs))


def _use(
    config: Config, section: str | None, side: str, driver: str | None, policy: Policy | None
) -> Conversion:
    section = section or config.config_ini_section
    converted = _convert(side, _configured_url(config, section), driver, policy)
    if not converted.is_complete:
        names = ", ".join(f"`{name}`" for name in converted.connect_args)
        function = "engine_from_config" if side == "sync" else "async_engine_from_config"
        raise ConvertError(
            f"the URL `{converted}` can't express {names}: the driver needs keyword arguments",
            "inexpressible_parameter",
            next(iter(converted.connect_args)),
            f"use `limbeck.alembic.{function}`, which passes them, in place of SQLAlchemy's function",
        )
    config.set_section_option(section, _OPTION, converted.url_for_ini)
    return converted


def _configured_url(config: Config, section: str) -> str | None:
    if not config.file_config.has_option(section, _OPTION):
        return None
    try:
        url = config.file_config.get(section, _OPTION)
    except InterpolationError:
        # The message of the original error would quote the URL.
        raise ConvertError(
            f"`{_OPTION}` in `[{section}]` has a `%` that is not an interpolation",
            "invalid_url",
            None,
            "double each `%` of the URL",
        ) from None
    return url if _is_real_url(url) else None


def _is_real_url(url: object) -> bool:
    return bool(url) and url != _PLACEHOLDER


def _convert(side: str, url: Any, driver: str | None, policy: Policy | None) -> Conversion:
    if url is None:
        provider = DatabaseConfigProvider.from_env(policy=policy)
    else:
        provider = DatabaseConfigProvider(url, policy=policy)
    converted = provider.sync_conversion(driver) if side == "sync" else provider.async_conversion(driver)
    for warning in converted.warnings:
        # The level of the caller of a public function.
        warnings.warn(warning, stacklevel=4)
    return converted


def _arguments(
    side: str,
    configuration: Mapping[str, Any],
    prefix: str,
    driver: str | None,
    policy: Policy | None,
    given: dict[str, Any],
) -> dict[str, Any]:
    """Returns the keyword arguments for SQLAlchemy, with the URL and the `connect_args` that its driver needs."""
    url = given.get("url", configuration.get(f"{prefix}url"))
    converted = _convert(side, url if _is_real_url(url) else None, driver, policy)
    needed = converted.connect_args
    own = dict(given.get("connect_args") or {})
    for name in needed:
        if name in own and own[name] != needed[name]:
            raise ConvertError(
                f"conflicting values for `{name}` in the URL and in `connect_args`",
                "conflicting_parameters",
                name,
                f"remove `{name}` from one of them",
            )
    return {**given, "url": converted.url, "connect_args": {**needed, **own}}
