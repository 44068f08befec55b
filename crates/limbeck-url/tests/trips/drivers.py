"""Reports how the real drivers interpret URLs with their keyword arguments.

Standard input has a case per line, as JSON; standard output has its interpretation.
"""

import asyncio
import contextlib
import importlib.util
import inspect
import json
import os
import sqlite3
import ssl
import sys
import warnings

# The drivers must read no files of a real user. The login name makes a missing user visible.
os.environ.update(HOME="/nowhere", LOGNAME="the default user")

import aiomysql
import aiosqlite
import asyncmy.connection
import asyncpg.connect_utils
import pg8000.dbapi
import psycopg
import psycopg2.extensions
import pymysql
from sqlalchemy.engine import make_url

warnings.simplefilter("ignore", DeprecationWarning)
spec = importlib.util.spec_from_file_location("tls", sys.argv[1])
tls = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tls)


def load_verify_locations(context, cafile=None, capath=None, cadata=None):
    # A context doesn't expose the files that it loads. They need not exist, except those that asyncpg searches for.
    cafile = os.fspath(cafile)
    if cafile.startswith("/nowhere/") and not cafile.endswith("/root.crt"):
        raise FileNotFoundError(cafile)
    context.__dict__.setdefault("files", []).append(cafile)


def load_cert_chain(context, certfile, keyfile=None, password=None):
    certfile = os.fspath(certfile)
    if certfile.startswith("/nowhere/"):
        raise FileNotFoundError(certfile)
    password = password() if callable(password) else password
    context.client = (certfile, keyfile and os.fspath(keyfile), password or None)


def load_default_certs(context, purpose=None):
    context.system = True


ssl.SSLContext.load_verify_locations = load_verify_locations
ssl.SSLContext.load_cert_chain = load_cert_chain
ssl.SSLContext.load_default_certs = load_default_certs


def context_protection(context, level=None):
    """Returns the protection of a context. `level` is the driver's own level, if it has one that is more precise."""
    if context.verify_mode != ssl.CERT_REQUIRED:
        enforced = "require"
    else:
        enforced = "verify-full" if context.check_hostname else "verify-ca"
    files = list(getattr(context, "files", []))
    revoked = files.pop() if context.verify_flags & ssl.VERIFY_CRL_CHECK_CHAIN else None
    root = files.pop() if files else None
    assert not files
    if root and root.startswith("/nowhere/"):
        # libpq's levels imply the same file: `require` verifies if the file exists.
        enforced, root = level, None
    elif level in ("allow", "prefer"):
        assert enforced == "require"
        enforced = level
    if getattr(context, "system", False) and enforced != "require":
        root = "system"
    certificate, key, password = getattr(context, "client", (None, None, None))
    return protection(enforced, root, certificate, key, password, revoked)


def protection(level, root=None, certificate=None, key=None, key_password=None, revoked=None):
    return {
        "level": level,
        "root": root,
        "certificate": certificate,
        "key": key,
        "key_password": key_password,
        "revoked": revoked,
    }


class Called(Exception):
    """The arguments of a call to a driver, raised in place of the call."""


def intercept(*arguments, **keywords):
    raise Called(arguments, keywords)


ADAPTERS = {}


def driver_arguments(url, connect_args):
    """Returns the arguments that SQLAlchemy calls the driver with."""
    url = make_url(url)
    dialect = url.get_dialect()()
    if dialect.driver == "mysqldb":
        # mysqlclient is not installed.
        dialect._found_rows_client_flag = lambda: None
    arguments, keywords = dialect.create_connect_args(url)
    keywords = {**keywords, **connect_args}
    if dialect.is_async and dialect.driver != "psycopg":
        # SQLAlchemy's adapter removes its own arguments.
        if dialect.driver not in ADAPTERS:
            ADAPTERS[dialect.driver] = type(dialect).import_dbapi()
        try:
            ADAPTERS[dialect.driver].connect(*arguments, async_creator_fn=intercept, **keywords)
        except Called as called:
            arguments, keywords = called.args
    return list(arguments), keywords


def server_options(text):
    """Parses the settings in `options` like the server."""
    words, word, characters = [], None, iter(text)
    for character in characters:
        if character in " \t\n\v\f\r":
            if word is not None:
                words.append(word)
            word = None
        else:
            word = (word or "") + (next(characters, "") if character == "\\" else character)
    if word is not None:
        words.append(word)
    settings, words = {}, iter(words)
    for word in words:
        if word == "-c":
            word = next(words)
        elif word.startswith(("--", "-c")):
            word = word[2:]
        else:
            raise ValueError(f"not a setting: {word!r}")
        name, is_set, value = word.partition("=")
        assert is_set, word
        settings[name.replace("-", "_")] = value
    return settings


def libpq_meaning(words):
    """Returns the meaning of libpq's parameters."""
    words = {key: value for key, value in words.items() if value != ""}
    names = words.pop("host", "").split(",")
    ports = words.pop("port", "").split(",")
    if len(ports) == 1:
        ports *= len(names)
    assert len(names) == len(ports), "libpq: could not match port numbers to hosts"
    # libpq itself parses the numbers when it connects.
    hosts = [[name or None, int(port or 5432)] for name, port in zip(names, ports)]
    assert all(0 < port < 65536 for _, port in hosts), "libpq: invalid port number"
    settings = server_options(words.pop("options", ""))
    if "application_name" in words:
        settings["application_name"] = words.pop("application_name")
    root, level = words.pop("sslrootcert", None), words.pop("sslmode", "prefer")
    assert level in ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"), level
    if root == "system":
        level = "verify-full"
    elif root and level == "require":
        level = "verify-ca"
    timeout = words.pop("connect_timeout", None)
    return {
        "user": words.pop("user", None),
        "password": words.pop("password", None),
        "hosts": hosts,
        "database": words.pop("dbname", None),
        "tls": protection(
            level,
            root,
            words.pop("sslcert", None),
            words.pop("sslkey", None),
            words.pop("sslpassword", None),
            words.pop("sslcrl", None),
        ),
        "settings": settings,
        "timeout": timeout and int(timeout),
        "extra": words,
    }


def libpq(url, connect_args):
    assert not connect_args
    newer = {
        option.keyword.decode(): option.val.decode()
        for option in psycopg.pq.Conninfo.parse(url.encode())
        if option.val is not None
    }
    older = psycopg2.extensions.parse_dsn(url)
    assert newer == older, (newer, older)
    return libpq_meaning(newer)


def psycopg2_(url, connect_args):
    arguments, keywords = driver_arguments(url, connect_args)
    assert arguments in ([], [""]), arguments
    return libpq_meaning(psycopg2.extensions.parse_dsn(psycopg2.extensions.make_dsn(**keywords)))


PSYCOPG_ARGUMENTS = ["prepare_threshold", "context", "row_factory", "cursor_factory", "autocommit"]


def psycopg_(url, connect_args):
    arguments, keywords = driver_arguments(url, connect_args)
    assert arguments in ([], [""]), arguments
    own = {key: keywords.pop(key) for key in PSYCOPG_ARGUMENTS if key in keywords}
    text = psycopg.conninfo.make_conninfo(**keywords)
    # psycopg passes this text to libpq.
    read = {key: str(value) for key, value in psycopg.conninfo.conninfo_to_dict(text).items()}
    return {**libpq_meaning(read), "pooler": own.get("prepare_threshold", "") is None}


# The arguments of `asyncpg.connect` that its parser takes; the others concern the connection's lifetime.
SIGNATURE = inspect.signature(asyncpg.connect).parameters
PARSER = inspect.signature(asyncpg.connect_utils._parse_connect_arguments).parameters
DEFAULT_PLACES = ["/run/postgresql", "/var/run/postgresql", "/tmp", "/private/tmp", "localhost"]


def asyncpg_(url, connect_args):
    arguments, keywords = driver_arguments(url, connect_args)
    assert not arguments
    unknown = keywords.keys() - SIGNATURE.keys()
    assert not unknown, f"connect() got an unexpected keyword argument {unknown}"
    given = {name: keywords.get(name, SIGNATURE[name].default) for name in PARSER}
    places, read, configuration = asyncpg.connect_utils._parse_connect_arguments(**given)
    hosts = []
    for place in places:
        if isinstance(place, str):
            folder, port = place.rsplit("/.s.PGSQL.", 1)
            place = (folder or "/", int(port))
        else:
            assert not place[0].startswith("@"), "asyncpg would resolve it as a host name"
        hosts.append(list(place))
    if [name for name, _ in hosts] == DEFAULT_PLACES:
        hosts = [[None, hosts[0][1]]]
    settings = dict(read.server_settings or {})
    settings.update(server_options(settings.pop("options", "")))
    level = read.sslmode.name.replace("_", "-")
    has_level = not isinstance(given["ssl"], ssl.SSLContext)
    context = read.ssl
    user = None if read.user == "the default user" else read.user
    timeout = keywords.get("timeout")
    assert timeout is None or isinstance(timeout, int)
    # asyncpg and SQLAlchemy each have a cache of statements.
    query = make_url(url).query
    caches = (query.get("prepared_statement_cache_size"), configuration.statement_cache_size)
    session = read.target_session_attrs.value
    return {
        "user": user,
        "password": read.password or None,
        "hosts": hosts,
        "database": None if read.database == read.user else read.database,
        "tls": context_protection(context, level if has_level else None) if context else protection(level),
        "settings": settings,
        "timeout": timeout,
        "pooler": caches == ("0", 0),
        "extra": {} if session == "any" else {"target_session_attrs": session},
    }


PG8000_ARGUMENTS = inspect.signature(pg8000.dbapi.connect).parameters.keys()


def pg8000_(url, connect_args):
    """Returns the meaning of pg8000's arguments, with which it connects without parsing."""
    arguments, keywords = driver_arguments(url, connect_args)
    assert not arguments and not keywords.keys() - PG8000_ARGUMENTS, keywords
    socket, context = keywords.get("unix_sock"), keywords.get("ssl_context")
    if socket is not None:
        folder, port = socket.rsplit("/.s.PGSQL.", 1)
        assert folder.startswith("/") or not folder, "pg8000 would use it as a file"
        hosts = [[folder or "/", int(port)]]
    else:
        hosts = [[keywords.get("host"), keywords.get("port", 5432)]]
    settings = dict(keywords.get("startup_params", {}))
    settings.update(server_options(settings.pop("options", "")))
    if "application_name" in keywords:
        settings["application_name"] = keywords["application_name"]
    words = {None: "prefer", True: "require", False: "disable"}
    is_context = isinstance(context, ssl.SSLContext)
    return {
        "user": keywords.get("user"),
        "password": keywords.get("password"),
        "hosts": hosts,
        "database": keywords.get("database"),
        "tls": context_protection(context) if is_context else protection(words[context]),
        "settings": settings,
        "timeout": keywords.get("timeout"),
        "extra": {},
    }


def mysql_meaning(user, password, host, port, socket, database, protected, timeout, extra):
    """Returns a meaning in the common format."""
    return {
        "user": user,
        "password": password.decode("utf-8") or None,
        "hosts": [[socket, None]] if socket else [[host, port]],
        "database": database or None,
        "tls": protected,
        "timeout": timeout,
        "extra": {key: value for key, value in extra.items() if value},
    }


def pymysql_(url, connect_args):
    arguments, keywords = driver_arguments(url, connect_args)
    assert not arguments
    connection = pymysql.connect(defer_connect=True, **keywords)
    if not connection.ssl:
        protected = protection("disable")
    elif connection._ssl_required:
        protected = context_protection(connection.ctx)
    else:
        protected = protection("prefer")
    timeout = connection.connect_timeout if "connect_timeout" in keywords else None
    extra = {name: getattr(connection, name) for name in ("init_command", "sql_mode")}
    extra.update(charset=keywords.get("charset"), collation=connection.collation)
    extra.update(program_name=connection._connect_attrs.get("program_name"))
    return mysql_meaning(
        unless_default(connection.user, pymysql.connections.DEFAULT_USER),
        connection.password,
        unless_default(connection.host, "localhost"),
        connection.port,
        connection.unix_socket,
        connection.db,
        protected,
        timeout,
        extra,
    )


def unless_default(value, default):
    return None if value == default else value


def aiomysql_(url, connect_args):
    arguments, keywords = driver_arguments(url, connect_args)
    assert not arguments
    inspect.signature(aiomysql.connect).bind(**keywords)
    connection = aiomysql.connection.Connection(**keywords, loop=LOOP)
    context = connection._ssl_context
    assert context is None or isinstance(context, ssl.SSLContext), "aiomysql needs a context"
    extra = {name: getattr(connection, name) for name in ("init_command", "sql_mode")}
    extra.update(charset=keywords.get("charset"), program_name=connection._connect_attrs.get("program_name"))
    meaning = mysql_meaning(
        unless_default(connection._user, aiomysql.connection.DEFAULT_USER),
        connection._password.encode("latin1"),
        unless_default(connection._host, "localhost"),
        connection._port,
        connection._unix_socket,
        connection._db,
        context_protection(context) if context else protection("disable"),
        connection.connect_timeout,
        extra,
    )
    connection._writer = None
    return meaning


def asyncmy_(url, connect_args):
    arguments, keywords = driver_arguments(url, connect_args)
    assert not arguments
    connection = asyncmy.connection.Connection(**keywords)
    context = connection._ssl_context
    extra = dict(init_command=connection._init_command, sql_mode=connection._sql_mode)
    extra.update(charset=keywords.get("charset"), program_name=connection._connect_attrs.get("program_name"))
    password = connection._password
    return mysql_meaning(
        unless_default(connection._user, pymysql.connections.DEFAULT_USER),
        password.encode("latin1") if isinstance(password, str) else password,
        unless_default(connection._host, "localhost"),
        connection._port,
        connection._unix_socket,
        connection._db,
        context_protection(context) if context else protection("disable"),
        connection._connect_timeout if "connect_timeout" in keywords else None,
        extra,
    )


def mysqldb_(url, connect_args):
    """Returns the meaning of the arguments that SQLAlchemy would call mysqlclient with, which is not installed."""
    _, keywords = driver_arguments(url, connect_args)
    words = {
        None: "disable",
        "DISABLED": "disable",
        "PREFERRED": "prefer",
        "REQUIRED": "require",
        "VERIFY_CA": "verify-ca",
        "VERIFY_IDENTITY": "verify-full",
    }
    level, files = words[keywords.get("ssl_mode")], keywords.get("ssl", {})
    # Below `VERIFY_CA`, root certificates have no effect.
    root = files.get("ca") if level.startswith("verify") else None
    return mysql_meaning(
        keywords.get("user"),
        keywords.get("password", keywords.get("passwd", "")).encode(),
        unless_default(keywords.get("host"), "localhost"),
        keywords.get("port", 3306),
        keywords.get("unix_socket"),
        keywords.get("database", keywords.get("db")),
        protection(level, root, files.get("cert"), files.get("key")),
        keywords.get("connect_timeout"),
        {name: keywords.get(name) for name in ("init_command", "sql_mode", "charset", "program_name")},
    )


def sqlite_meaning(connection, folder):
    """Returns the open file, and `True` for `writes` if it is writable."""
    file = connection.execute("PRAGMA database_list").fetchone()[2]
    connection.execute("PRAGMA synchronous = OFF")
    try:
        connection.execute("PRAGMA user_version = 1")
        writes = True
    except sqlite3.OperationalError as error:
        assert "readonly" in str(error), error
        writes = False
    return {"database": os.path.relpath(file, folder) if file else None, "writes": writes}


def pysqlite_(url, connect_args):
    arguments, keywords = driver_arguments(url, connect_args)
    with contextlib.closing(sqlite3.connect(*arguments, **keywords)) as connection:
        return sqlite_meaning(connection, os.getcwd())


def aiosqlite_(url, connect_args):
    arguments, keywords = driver_arguments(url, connect_args)

    async def inspect_connection():
        async with aiosqlite.connect(*arguments, **keywords) as connection:
            return await connection._execute(sqlite_meaning, connection._conn, os.getcwd())

    return LOOP.run_until_complete(inspect_connection())


DRIVERS = {
    "libpq": libpq,
    "postgresql+psycopg2": psycopg2_,
    "postgresql+psycopg": psycopg_,
    "postgresql+psycopg_async": psycopg_,
    "postgresql+asyncpg": asyncpg_,
    "postgresql+pg8000": pg8000_,
    "mysql+pymysql": pymysql_,
    "mysql+aiomysql": aiomysql_,
    "mysql+asyncmy": asyncmy_,
    "mysql+mysqldb": mysqldb_,
    "sqlite": pysqlite_,
    "sqlite+pysqlite": pysqlite_,
    "sqlite+aiosqlite": aiosqlite_,
}
LOOP = asyncio.new_event_loop()


def argument(value):
    if isinstance(value, dict) and "tls" in value:
        return tls.tls_context(*value["tls"])
    return value


for line in sys.stdin:
    case = json.loads(line)
    connect_args = {name: argument(value) for name, value in case["connect_args"]}
    try:
        driver = DRIVERS[case["target"].replace("mariadb", "mysql")]
        answer = driver(case["url"], connect_args)
    except Exception as error:
        answer = {"rejected": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=False)
LOOP.close()
