"""The dialects of MySQL and MariaDB, under the names of the drivers."""
from sqlalchemy.dialects.mysql.mariadb import MariaDBDialect
from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql

from ..dbapi.async_adapter import AsyncAdapter
from ..dbapi.base import Driver
from ..dbapi.error_names import ErrorNames
from ..dbapi.mysql import MysqlConnection
from ..dbapi.placeholders import PYMYSQL
from ..roles import TRANSACTION, with_role
from .common import HostDialect, async_form, queue_pool

_ASYNC = ("aiomysql", "asyncmy")
# These drivers read a date that Python lacks (0000-00-00) as None. PyMySQL and its descendants return text.
_ZERO_DATES_AS_NONE = ("mysqldb", "mysqlconnector", "mariadbconnector")
# The connection classes that a project's event listener gets from SQLAlchemy's own dialects.
_DRIVER_CLASSES = {
    "mysqldb": ("MySQLdb.connections", "Connection"),
    "pymysql": ("pymysql.connections", "Connection"),
    "aiomysql": ("sqlalchemy.dialects.mysql.aiomysql", "AsyncAdapt_aiomysql_connection"),
    "asyncmy": ("sqlalchemy.dialects.mysql.asyncmy", "AsyncAdapt_asyncmy_connection"),
}
# The modules of the drivers' exceptions.
_ERROR_MODULES = {
    "mysqldb": "MySQLdb", "pymysql": "pymysql.err", "aiomysql": "pymysql.err", "asyncmy": "asyncmy.errors",
    "mysqlconnector": "mysql.connector.errors", "mariadbconnector": "mariadb", "cymysql": "cymysql.err",
}
_FORMAT = ("mysqldb", "mysqlconnector", "mariadbconnector", "aiomysql", "asyncmy")


class MysqlDialect(HostDialect, MySQLDialect_pymysql):
    limbeck_parts = {}
    supports_sane_rowcount = True
    supports_sane_multi_rowcount = True

    def create_connect_args(self, url):
        args, options = HostDialect.create_connect_args(self, url)
        if "autocommit" in url.query:
            # The drivers get the text, and any text but the empty one is true.
            options["autocommit"] = bool(url.query["autocommit"])
        return args, options

    def _detect_charset(self, connection):
        return connection.connection.character_set_name()

    def get_driver_connection(self, connection):
        return AsyncAdapter(connection) if self.is_async else connection

    def _extract_error_code(self, exception):
        return exception.args[0] if exception.args else None

    def on_connect(self):
        return None

    @with_role(TRANSACTION)
    def set_isolation_level(self, dbapi_connection, level):
        level = level.replace("_", " ")
        if level == "AUTOCOMMIT":
            dbapi_connection.autocommit(True)
            return
        dbapi_connection.autocommit(False)
        cursor = dbapi_connection.cursor()
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL %s" % level)
        cursor.execute("COMMIT")
        cursor.close()

    def get_isolation_level_values(self, dbapi_connection):
        return ("AUTOCOMMIT", "READ COMMITTED", "READ UNCOMMITTED", "REPEATABLE READ", "SERIALIZABLE")

    def detect_autocommit_setting(self, dbapi_connection):
        return bool(dbapi_connection.get_autocommit())

    def do_ping(self, dbapi_connection):
        dbapi_connection.ping()
        return True


_classes = {}


def dialect_class(name, channel):
    """Return the dialect of a driver. Names of MariaDB's dialects start with `mariadb`."""
    if name not in _classes:
        family, _, driver_name = name.rpartition(".")
        is_mariadb = family == "mariadb" or name == "mariadb"
        driver_name = "mysqldb" if driver_name == "mariadb" else driver_name
        paramstyle = "format" if driver_name in _FORMAT else "pyformat"
        driver = Driver(
            channel,
            MysqlConnection,
            paramstyle,
            version_info=(1, 4, 6, "final", 1),
            __version__="1.4.6",
            mismatch=PYMYSQL,
            reads_zero_dates_as_none=driver_name in _ZERO_DATES_AS_NONE,
            driver_class=_DRIVER_CLASSES.get(driver_name),
            error_names=ErrorNames(_ERROR_MODULES.get(driver_name, driver_name)),
        )
        attributes = {
            "driver": driver_name,
            "limbeck_driver": driver,
            "default_paramstyle": paramstyle,
            "supports_statement_cache": True,
        }
        # Like SQLAlchemy's own loader: MariaDB's class before the driver's.
        bases = (MariaDBDialect, MysqlDialect) if is_mariadb else (MysqlDialect,)
        dialect = type("MysqlDialect_" + name.replace(".", "_"), bases, attributes)
        if driver_name in _ASYNC:
            async_dialect = async_form("MysqlDialectAsync_" + driver_name, dialect, queue_pool)
            dialect.get_async_dialect_cls = classmethod(lambda cls, url: async_dialect)
        _classes[name] = dialect
    return _classes[name]
