"""The identity of limbeck's dialects: each is a subclass of SQLAlchemy's own dialect for the mirrored driver."""

# The drivers that a synchronous engine mirrors under the URL of an asynchronous driver, as after converting the URL.
SYNCHRONOUS = {
    "asyncpg": "psycopg2", "psycopg_async": "psycopg", "aiomysql": "pymysql", "asyncmy": "pymysql", "aiosqlite": "pysqlite",
}
# The names of the drivers' modules, if they differ. SQLAlchemy's adapters of asynchronous drivers are not modules.
_MODULES = {
    "psycopg_async": "psycopg", "mysqldb": "MySQLdb", "mysqlconnector": "mysql.connector", "mariadbconnector": "mariadb",
    "pygresql": "pgdb", "pysqlite": "sqlite3.dbapi2", "asyncpg": None, "aiomysql": None, "asyncmy": None, "aiosqlite": None,
}
# Attributes of a class that belong to this class alone.
_PRIVATE = ("__dict__", "__weakref__", "__module__", "__qualname__", "__doc__", "__init__", "__slots__", "dispatch")


def module_name(driver):
    """Return the name of a driver's module, or None for an adapter of SQLAlchemy."""
    return _MODULES.get(driver, driver)


def own_dialect(name):
    """Return SQLAlchemy's own dialect for a name of its registry, or None if this version has none."""
    from sqlalchemy import dialects

    found = dialects._auto_fn(name)
    # For MariaDB this is the class, for the others a function that returns it.
    return found if found is None or isinstance(found, type) else found()


def derive(dialect, own, behaviour, attributes):
    """Return a subclass of limbeck's class `dialect` and of SQLAlchemy's class `own`.

    `own` gives the name and the answers of `isinstance`. What it changes for the driver's sake is as in `behaviour`.
    """
    if own is None:
        return type("%s_%s" % (behaviour.__name__, attributes["driver"]), (dialect, behaviour), attributes)
    changed = [base for base in own.__mro__ if base not in behaviour.__mro__]
    changed += [base for base in behaviour.__mro__ if base not in own.__mro__]
    names = {name for base in changed for name in vars(base) if name not in _PRIVATE}
    neutral = {}
    for name in names:
        for base in behaviour.__mro__:
            if name in vars(base):
                neutral[name] = vars(base)[name]
                break
    # A constructor calls the next one, so it must belong to a class that both have.
    shared = [base for base in behaviour.__mro__ if base in own.__mro__ and "__init__" in vars(base)]
    neutral["__init__"] = vars(shared[0])["__init__"]
    neutral["supports_statement_cache"] = True
    plain = type("_Plain", (own,), neutral)
    names = {"__module__": own.__module__, "__qualname__": own.__qualname__, "__doc__": own.__doc__}
    return type(own.__name__, (dialect, plain), {**attributes, **names})
