"""Where the shop keeps its data: DATABASE_URL of the environment or of .env, else a file beside the application."""

from functools import lru_cache

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

EMBEDDED = "sqlite+aiosqlite:///./shop.db"


class DatabaseSettings(BaseSettings):
    """One URL for the application and for its migrations."""

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
