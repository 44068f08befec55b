"""Database URLs for Alembic and for applications, and the commands of limbeck.

`ensure_sync_database_url` and `ensure_async_database_url` convert a URL for migrations and for an application;
`DatabaseConfigProvider` finds both URLs in the environment. `limbeck.alembic` has functions for `env.py`;
`limbeck.command` and `limbeck.aio` run migrations.
"""

from ._errors import CommandError, ConversionWarning, ConvertError
from ._limbeck import (
    Conversion,
    DatabaseConfigProvider,
    Policy,
    UrlSource,
    __version__,
    convert,
    ensure_async_database_url,
    ensure_sync_database_url,
)

__all__ = [
    "CommandError",
    "Conversion",
    "ConversionWarning",
    "ConvertError",
    "DatabaseConfigProvider",
    "Policy",
    "UrlSource",
    "__version__",
    "convert",
    "ensure_async_database_url",
    "ensure_sync_database_url",
]
