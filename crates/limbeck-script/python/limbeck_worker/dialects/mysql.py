"""The dialects of MySQL and MariaDB, under the names of the drivers."""
from sqlalchemy.dialects.mysql.base import MySQLDialect
from sqlalchemy.dialects.mysql.mariadb import MariaDBDialect
from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql

from ..dbapi.async_adapter import AsyncAdapter
from ..dbapi.base import Driver
from ..dbapi.error_names import ErrorNames
from ..dbapi.mysql import MysqlConnection
from ..dbapi.placeholders import PYMYSQL
from ..roles import TRANSACTION, with_role
from . import identity
from .common import VERSION, HostDialect, async_attributes, queue_pool, synchronous_form

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
# The connection classes of the asynchronous drivers themselves.
_ASYNC_DRIVER_CLASSES = {"aiomysql": ("aiomysql", "Connection"), "asyncmy": ("asyncmy", "Connection")}
# The modules of the drivers' exceptions.
_ERROR_MODULES = {
    "mysqldb": "MySQLdb", "pymysql": "pymysql.err", "aiomysql": "pymysql.err", "asyncmy": "asyncmy.errors",
    "mysqlconnector": "mysql.connector.errors", "mariadbconnector": "mariadb", "cymysql": "cymysql.err",
}
_FORMAT = ("mysqldb", "mariadbconnector", "aiomysql", "asyncmy", "cymysql")


class _Context(MySQLDialect_pymysql.execution_ctx_cls):
    def create_server_side_cursor(self):
        return self._dbapi_connection.server_cursor()


class MysqlDialect(HostDialect, MySQLDialect):
    limbeck_parts = {}
    supports_sane_rowcount = True
    supports_sane_multi_rowcount = True

    def __init__(self, **arguments):
        # The constructors of the drivers' dialects read the driver's version and set its style of parameters.
        if VERSION >= (2, 1) and self.is_mariadb:
            arguments["is_mariadb"] = True
        MySQLDialect.__init__(self, **arguments)

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


class _MariaDBDialect_pymysql(MariaDBDialect, MySQLDialect_pymysql):
    supports_statement_cache = True


_classes = {}


def synchronous_class(name, channel):
    """Return the dialect of a synchronous engine. Names of MariaDB's dialects start with `mariadb`."""
    family, dot, driver_name = name.rpartition(".")
    if driver_name not in _ASYNC:
        return dialect_class(name, channel)
    key = "synchronous", name
    if key not in _classes:
        dialect = dialect_class(family + dot + identity.SYNCHRONOUS[driver_name], channel)
        _classes[key] = synchronous_form(dialect, dialect_class(name, channel), dialect.limbeck_parts)
    return _classes[key]


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
            module_name=identity.module_name(driver_name),
            is_async=driver_name in _ASYNC,
            version_info=(1, 4, 6, "final", 1),
            __version__="1.4.6",
            mismatch=PYMYSQL,
            reads_zero_dates_as_none=driver_name in _ZERO_DATES_AS_NONE,
            driver_class=_DRIVER_CLASSES.get(driver_name),
            async_driver_class=_ASYNC_DRIVER_CLASSES.get(driver_name),
            error_names=ErrorNames(_ERROR_MODULES.get(driver_name, driver_name)),
        )
        attributes = {
            "driver": driver_name,
            "limbeck_driver": driver,
            "default_paramstyle": paramstyle,
            "execution_ctx_cls": _Context,
            "supports_server_side_cursors": driver_name not in ("mysqlconnector", "cymysql"),
            "supports_statement_cache": True,
        }
        if driver_name in _ASYNC:
            attributes.update(async_attributes(queue_pool))
        # SQLAlchemy creates the class of a MariaDB dialect each time, under the name of the driver's module or `base`.
        own = identity.own_dialect(name if family or name == "mariadb" else "mysql." + driver_name)
        behaviour = _MariaDBDialect_pymysql if is_mariadb else MySQLDialect_pymysql
        _classes[name] = identity.derive(MysqlDialect, own, behaviour, attributes)
    return _classes[name]
