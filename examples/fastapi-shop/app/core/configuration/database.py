"""The database: DATABASE_URL from the environment or from .env, or else an SQLite file in the working directory."""

from functools import lru_cache

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

EMBEDDED = "sqlite+aiosqlite:///./shop.db"


class DatabaseSettings(BaseSettings):
    """The settings of the database. The application and its migrations use the same URL."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    database_url: SecretStr = SecretStr(EMBEDDED)
    database_pool_size: int = 5
    database_echo: bool = False

    @property
    def url(self) -> str:
        return self.database_url.get_secret_value()

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")


@lru_cache
def get_database_settings() -> DatabaseSettings:
    return DatabaseSettings()
