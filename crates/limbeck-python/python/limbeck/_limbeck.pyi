"""The types of the extension module."""

import os
from collections.abc import Mapping
from typing import ClassVar, Literal, Protocol, Union, final

from ._errors import ConversionWarning

__all__ = [
    "Conversion",
    "DatabaseConfigProvider",
    "Policy",
    "UrlSource",
    "__version__",
    "convert",
    "ensure_async_database_url",
    "ensure_sync_database_url",
]

class _SqlAlchemyUrl(Protocol):
    def render_as_string(self, hide_password: bool = ...) -> str: ...

class _PydanticUrl(Protocol):
    def unicode_string(self) -> str: ...

class _PydanticSecret(Protocol):
    def get_secret_value(self) -> Union[str, _PydanticUrl]: ...

_Url = Union[str, _SqlAlchemyUrl, _PydanticUrl, _PydanticSecret]

__version__: str

def convert(url: _Url, target: str) -> Conversion:
    """Converts a URL to the URL and keyword arguments that give another driver the same connection.

    `target` is a driver such as `postgresql+psycopg2` (`docs/urls.md` lists them), or `sync` or `async` for the driver
    of `ensure_sync_database_url` or `ensure_async_database_url`. Raises `ConvertError` if the conversion would weaken
    TLS, lose a credential or change the server.
    """

def ensure_sync_database_url(url: _Url, driver: str | None = None) -> str:
    """Converts a URL to one with a synchronous driver, for migrations. A synchronous driver stays.

    asyncpg becomes psycopg2, aiomysql and asyncmy become PyMySQL, and aiosqlite becomes `sqlite3`. `driver` selects
    another driver, such as `psycopg`. The result contains the password: it is for the driver, not for output. Raises
    `ConvertError`, also if the driver needs keyword arguments beside the URL: see `convert`.
    """

def ensure_async_database_url(url: _Url, driver: str | None = None) -> str:
    """Converts a URL to one with an asynchronous driver, for an application. An asynchronous driver stays.

    The counterpart of `ensure_sync_database_url`: psycopg2 becomes asyncpg, PyMySQL becomes aiomysql,
    `sqlite3` becomes aiosqlite.
    """

@final
class Conversion:
    """A URL for a driver, with the keyword arguments that the driver needs. `str()` and `repr()` mask passwords."""

    @property
    def url(self) -> str:
        """The URL with its password. It is for the driver, not for output."""

    @property
    def url_for_ini(self) -> str:
        """The URL with its password, with every `%` doubled, as Alembic's `set_main_option` needs it."""

    @property
    def connect_args(self) -> dict[str, object]:
        """Keyword arguments for the driver's `connect`, for `create_engine(url, connect_args=…)`.

        Each access creates a new `ssl.SSLContext`, from the current content of its files.
        """

    @property
    def is_complete(self) -> bool:
        """`True` if the URL can be used without `connect_args`."""

    @property
    def warnings(self) -> tuple[ConversionWarning, ...]:
        """Notices about parameters that the conversion dropped or had to interpret."""

@final
class Policy:
    """The requirements of an environment on database connections."""

    PRODUCTION: ClassVar[Policy]
    """The policy for production: the server is another machine, and its certificate and name are verified."""

    def __new__(
        cls,
        *,
        tls: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] | None = None,
        refuses_local: bool = False,
    ) -> Policy:
        """`tls` is the weakest acceptable level of `sslmode`; `refuses_local` rejects servers on this machine."""

    @property
    def tls(self) -> str | None:
        """The weakest acceptable TLS level, or `None`."""

    @property
    def refuses_local(self) -> bool:
        """`True` if the server must not be on this machine."""

@final
class UrlSource:
    """The source of a URL. `str()` names the variables."""

    @property
    def kind(self) -> Literal["given", "variable", "dotenv", "parts"]:
        """The kind: the caller, a variable of the process, a variable of the `.env` file, or variables with parts."""

@final
class DatabaseConfigProvider:
    """A provider of two URLs from one source: a synchronous URL for migrations, and an asynchronous one for the application.

    `repr()` shows the sources of the URLs, but not the URLs.
    """

    def __new__(
        cls, url: _Url, *, migration_url: _Url | None = None, policy: Policy | None = None
    ) -> DatabaseConfigProvider:
        """Creates a provider from the application's URL.

        `migration_url` is a separate URL for migrations, such as one without the pooler or with another user.
        """

    @staticmethod
    def from_env(
        *,
        environ: Mapping[str, str] | None = None,
        env_file: str | os.PathLike[str] | None = ".env",
        policy: Policy | None = None,
    ) -> DatabaseConfigProvider:
        """Creates a provider from the variables of the process (or `environ`), and of `env_file` if it exists.

        The migration URL is `MIGRATION_DATABASE_URL` or `DIRECT_URL`. The application's URL is `DATABASE_URL`,
        `POSTGRES_URL` or `SQLALCHEMY_DATABASE_URI`; otherwise it is composed of `POSTGRES_HOST`, `POSTGRES_PORT`,
        `POSTGRES_USER`, `POSTGRES_PASSWORD`, `POSTGRES_DB` and `POSTGRES_SSLMODE`, or the same with the prefix
        `DATABASE_`, `DB_` or `PG`. If only one of the two URLs is set, both uses share it. A variable of the process
        takes precedence over the same variable in the file.
        """

    @property
    def application_source(self) -> UrlSource:
        """The source of the application's URL."""

    @property
    def migration_source(self) -> UrlSource:
        """The source of the URL for migrations."""

    def get_sync_database_url(self, driver: str | None = None) -> str:
        """Returns the URL for migrations with a synchronous driver, like `ensure_sync_database_url`.

        Raises `ConvertError`, also if the URL violates the policy.
        """

    def get_async_database_url(self, driver: str | None = None) -> str:
        """Returns the application's URL with an asynchronous driver, like `ensure_async_database_url`.

        Raises `ConvertError`, also if the URL violates the policy.
        """

    def sync_database_url(self, driver: str | None = None) -> str:
        """Returns `get_sync_database_url`."""

    def async_database_url(self, driver: str | None = None) -> str:
        """Returns `get_async_database_url`."""

    def sync_conversion(self, driver: str | None = None) -> Conversion:
        """Returns the URL for migrations with a synchronous driver and its `connect_args`."""

    def async_conversion(self, driver: str | None = None) -> Conversion:
        """Returns the application's URL with an asynchronous driver and its `connect_args`."""
