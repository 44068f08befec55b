"""Database URLs for Alembic and for applications: one URL in, the right one out.

`ensure_sync_database_url` and `ensure_async_database_url` give the URL for migrations and the one for an
application; `DatabaseConfigProvider` finds both. `limbeck.alembic` is for `env.py`, `limbeck.command` and
`limbeck.aio` run migrations.
"""

from ._errors import CommandError, ConversionWarning, ConvertError
from ._limbeck import (
    Conversion,
    DatabaseConfigProvider,
    Origin,
    Policy,
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
    "Origin",
    "Policy",
    "__version__",
    "convert",
    "ensure_async_database_url",
    "ensure_sync_database_url",
]
