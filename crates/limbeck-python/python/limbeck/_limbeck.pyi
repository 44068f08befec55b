"""The types of the extension module."""

import os
from collections.abc import Mapping
from typing import ClassVar, Literal, Protocol, Union, final

from ._errors import ConversionWarning

__all__ = [
    "Conversion",
    "DatabaseConfigProvider",
    "Origin",
    "Policy",
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
    """The URL that means to `target` what `url` means.

    `target` is a driver as `postgresql+psycopg2` (`docs/urls.md` lists them), or `sync` or `async` for the
    driver that `ensure_sync_database_url` or `ensure_async_database_url` would take. What would weaken TLS,
    lose a credential or change the server raises `ConvertError`.
    """

def ensure_sync_database_url(url: _Url, driver: str | None = None) -> str:
    """The URL for migrations with a synchronous driver; one that has such a driver keeps it.

    asyncpg becomes psycopg2, aiomysql and asyncmy become PyMySQL, aiosqlite becomes `sqlite3`. `driver`
    names another one, as `psycopg`. The URL holds the password: it is for the driver, not for output.
    Raises `ConvertError`, also where keyword arguments are needed beside the URL: see `convert`.
    """

def ensure_async_database_url(url: _Url, driver: str | None = None) -> str:
    """The URL for an application with SQLAlchemy's asyncio extension; one with such a driver keeps it.

    The counterpart of `ensure_sync_database_url`: psycopg2 becomes asyncpg, PyMySQL becomes aiomysql,
    `sqlite3` becomes aiosqlite.
    """

@final
class Conversion:
    """A URL for a driver, and what goes beside it. `str()` and `repr()` hide the passwords."""

    @property
    def url(self) -> str:
        """The URL with its password, for the driver alone; never for output."""

    @property
    def url_for_ini(self) -> str:
        """The URL with its password as Alembic's `set_main_option` takes it, where a `%` is written twice."""

    @property
    def connect_args(self) -> dict[str, object]:
        """Keyword arguments for the driver's `connect`, for `create_engine(url, connect_args=…)`.

        An `ssl.SSLContext` among them is made anew at each access, from files as they then are.
        """

    @property
    def is_complete(self) -> bool:
        """Whether the URL says everything, so that it can be used without `connect_args`."""

    @property
    def warnings(self) -> tuple[ConversionWarning, ...]:
        """What was left out without harm, and how what could be read in two ways was read."""

@final
class Policy:
    """What an environment demands of a connection."""

    PRODUCTION: ClassVar[Policy]
    """The server's certificate and name are verified, and it is another machine."""

    def __new__(
        cls,
        *,
        tls: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] | None = None,
        refuses_local: bool = False,
    ) -> Policy:
        """`tls` is the least protection, in libpq's words for `sslmode`."""

    @property
    def tls(self) -> str | None:
        """The least protection."""

    @property
    def refuses_local(self) -> bool:
        """Whether the server may not be on this machine."""

@final
class Origin:
    """Where a value was found; `str()` names the variables."""

    @property
    def kind(self) -> Literal["given", "variable", "dotenv", "parts"]:
        """Handed over, a variable of the process, one of the `.env` file, or several, each a part."""

@final
class DatabaseConfigProvider:
    """The synchronous URL for migrations and the asynchronous one for the application, from one place.

    `repr()` shows where the URLs come from, and no URL.
    """

    def __new__(
        cls, url: _Url, *, migration_url: _Url | None = None, policy: Policy | None = None
    ) -> DatabaseConfigProvider:
        """With the application's URL, and another one for migrations: past a pooler, with another user."""

    @staticmethod
    def from_env(
        *,
        environ: Mapping[str, str] | None = None,
        env_file: str | os.PathLike[str] | None = ".env",
        policy: Policy | None = None,
    ) -> DatabaseConfigProvider:
        """From the variables of the process (or of `environ`), and of `env_file` where it exists.

        For migrations `MIGRATION_DATABASE_URL`, then `DIRECT_URL`; for the application, and for migrations
        where neither is set, `DATABASE_URL`, `POSTGRES_URL`, then `SQLALCHEMY_DATABASE_URI`; then parts:
        `POSTGRES_HOST`, `POSTGRES_PORT`, `POSTGRES_USER`, `POSTGRES_PASSWORD`, `POSTGRES_DB`,
        `POSTGRES_SSLMODE`, or the same behind `DATABASE_`, `DB_` or `PG`. A variable of the process counts
        before the same one in the file.
        """

    @property
    def application_origin(self) -> Origin:
        """Where the application's URL comes from."""

    @property
    def migration_origin(self) -> Origin:
        """Where the URL for migrations comes from."""

    def get_sync_database_url(self, driver: str | None = None) -> str:
        """The synchronous URL, for migrations, as `ensure_sync_database_url` makes it.

        Raises `ConvertError`, also when the policy is not kept to.
        """

    def get_async_database_url(self, driver: str | None = None) -> str:
        """The asynchronous URL, for the application; raises `ConvertError` as the other does."""

    def sync_database_url(self, driver: str | None = None) -> str:
        """`get_sync_database_url` under its other name."""

    def async_database_url(self, driver: str | None = None) -> str:
        """`get_async_database_url` under its other name."""

    def sync_conversion(self, driver: str | None = None) -> Conversion:
        """The synchronous URL with the `connect_args` that it needs."""

    def async_conversion(self, driver: str | None = None) -> Conversion:
        """The asynchronous URL with the `connect_args` that it needs."""
