from .database import DatabaseSettings, get_database_settings

__all__ = ["DatabaseSettings", "get_database_settings"]
