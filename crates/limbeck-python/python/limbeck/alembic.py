"""What an `env.py` needs so that plain Alembic runs with the URL that the application has.

Either in a synchronous `env.py`, after `config = context.config`:

    from limbeck.alembic import use_sync_url
    use_sync_url(config)

(`use_async_url` in an asynchronous one), or with `engine_from_config` or `async_engine_from_config` of this
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
    """Lets `config` hold the synchronous URL, for `engine_from_config` and a synchronous driver.

    The URL is `sqlalchemy.url` of the section (the main one unless it is named); where none is set or
    it is the template's, `DatabaseConfigProvider.from_env` finds it. `driver` is another one than the usual,
    as `psycopg`. Raises `ConvertError`, also where a URL alone can't say what this one does.
    """
    return _use(config, section, "sync", driver, policy)


def use_async_url(
    config: Config, section: str | None = None, *, driver: str | None = None, policy: Policy | None = None
) -> Conversion:
    """`use_sync_url` for an `env.py` with `async_engine_from_config`."""
    return _use(config, section, "async", driver, policy)


def engine_from_config(
    configuration: Mapping[str, Any],
    prefix: str = "sqlalchemy.",
    *,
    driver: str | None = None,
    policy: Policy | None = None,
    **kwargs: Any,
) -> Engine:
    """SQLAlchemy's `engine_from_config` for any URL: a synchronous driver, with the `connect_args` it needs.

    Without a URL in `configuration` (or in `kwargs`) the one of `DatabaseConfigProvider.from_env` counts.
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
    """SQLAlchemy's `async_engine_from_config` for any URL; see `engine_from_config`."""
    from sqlalchemy.ext.asyncio import async_engine_from_config as make

    return make(dict(configuration), prefix, **_arguments("async", configuration, prefix, driver, policy, kwargs))


def _use(
    config: Config, section: str | None, side: str, driver: str | None, policy: Policy | None
) -> Conversion:
    section = section or config.config_ini_section
    converted = _convert(side, _url_of(config, section), driver, policy)
    if not converted.is_complete:
        names = ", ".join(f"`{name}`" for name in converted.connect_args)
        function = "engine_from_config" if side == "sync" else "async_engine_from_config"
        raise ConvertError(
            f"`{converted}` can't say {names}: keyword arguments are needed beside it",
            "inexpressible_parameter",
            next(iter(converted.connect_args)),
            f"use `limbeck.alembic.{function}` in place of SQLAlchemy's, which passes them",
        )
    config.set_section_option(section, _OPTION, converted.url_for_ini)
    return converted


def _url_of(config: Config, section: str) -> str | None:
    if not config.file_config.has_option(section, _OPTION):
        return None
    try:
        url = config.file_config.get(section, _OPTION)
    except InterpolationError:
        # Its own message would quote the URL.
        raise ConvertError(
            f"`{_OPTION}` in `[{section}]` has a `%` that stands for nothing",
            "invalid_url",
            None,
            "write each `%` of the URL twice",
        ) from None
    return url if _is_set(url) else None


def _is_set(url: object) -> bool:
    return bool(url) and url != _PLACEHOLDER


def _convert(side: str, url: Any, driver: str | None, policy: Policy | None) -> Conversion:
    if url is None:
        provider = DatabaseConfigProvider.from_env(policy=policy)
    else:
        provider = DatabaseConfigProvider(url, policy=policy)
    converted = provider.sync_conversion(driver) if side == "sync" else provider.async_conversion(driver)
    for each in converted.warnings:
        # The caller of the function that was called.
        warnings.warn(each, stacklevel=4)
    return converted


def _arguments(
    side: str,
    configuration: Mapping[str, Any],
    prefix: str,
    driver: str | None,
    policy: Policy | None,
    given: dict[str, Any],
) -> dict[str, Any]:
    """The keyword arguments that were given, with the URL, and with its `connect_args` among them."""
    url = given.get("url", configuration.get(f"{prefix}url"))
    converted = _convert(side, url if _is_set(url) else None, driver, policy)
    needed = converted.connect_args
    own = dict(given.get("connect_args") or {})
    for name in needed:
        if name in own and own[name] != needed[name]:
            raise ConvertError(
                f"the URL and `connect_args` both say what `{name}` is",
                "conflicting_parameters",
                name,
                f"leave `{name}` out of one of them",
            )
    return {**given, "url": converted.url, "connect_args": {**needed, **own}}
