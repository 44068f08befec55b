"""Settings as applications have them: a text, an object, and a URL made of parts."""
import os

from sqlalchemy.engine import URL


class Dsn:
    """A URL as pydantic has it: an object whose text is the URL."""

    def __init__(self, text):
        self._text = text

    def __str__(self):
        return self._text


class Settings:
    """Reads the environment."""

    @property
    def DATABASE_URL(self):
        return os.environ["DATABASE_URL"]

    @property
    def dsn(self):
        return Dsn(os.environ["DATABASE_URL"])

    @property
    def url_object(self):
        return URL.create(
            "postgresql+asyncpg",
            username=os.environ["DB_USER"],
            password=os.environ["DB_PASSWORD"],
            host="127.0.0.1",
            port=int(os.environ["DB_PORT"]),
            database=os.environ["DB_NAME"],
            query={"ssl": "require"},
        )


settings = Settings()
