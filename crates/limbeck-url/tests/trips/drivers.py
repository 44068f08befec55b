"""Tells what the real drivers make of a URL and of what stands beside it: a case a line in, its meaning a line out."""

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

# Nobody's files and variables are read; who is not named shows.
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
    # A context does not give back what it was told to load. The files need not exist, but asyncpg looks for some.
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


def of_context(context, level=None):
    """What a context makes sure of; the level where its maker had a word for it that says more."""
    if context.verify_mode != ssl.CERT_REQUIRED:
        made = "require"
    else:
        made = "verify-full" if context.check_hostname else "verify-ca"
    files = list(getattr(context, "files", []))
    revoked = files.pop() if context.verify_flags & ssl.VERIFY_CRL_CHECK_CHAIN else None
    root = files.pop() if files else None
    assert not files
    if root and root.startswith("/nowhere/"):
        # libpq's words mean the same file: `require` verifies if it is there.
        made, root = level, None
    elif level in ("allow", "prefer"):
        assert made == "require"
        made = level
    if getattr(context, "system", False) and made != "require":
        root = "system"
    certificate, key, password = getattr(context, "client", (None, None, None))
    return protection(made, root, certificate, key, password, revoked)


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
    """What the driver was called with, in place of the call."""


def call(*arguments, **keywords):
    raise Called(arguments, keywords)


ADAPTED = {}


def arguments_of(url, beside):
    """What SQLAlchemy calls the driver with."""
    url = make_url(url)
    dialect = url.get_dialect()()
    if dialect.driver == "mysqldb":
        # It is not installed.
        dialect._found_rows_client_flag = lambda: None
    arguments, keywords = dialect.create_connect_args(url)
    keywords = {**keywords, **beside}
    if dialect.is_async and dialect.driver != "psycopg":
        # What SQLAlchemy keeps for itself does not reach the driver.
        if dialect.driver not in ADAPTED:
            ADAPTED[dialect.driver] = type(dialect).import_dbapi()
        try:
            ADAPTED[dialect.driver].connect(*arguments, async_creator_fn=call, **keywords)
        except Called as called:
            arguments, keywords = called.args
    return list(arguments), keywords


def server_options(text):
    """The settings in `options`, as the server splits them."""
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


def of_libpq(words):
    words = {key: value for key, value in words.items() if value != ""}
    names = words.pop("host", "").split(",")
    ports = words.pop("port", "").split(",")
    if len(ports) == 1:
        ports *= len(names)
    assert len(names) == len(ports), "libpq: could not match port numbers to hosts"
    # libpq reads a number when it connects.
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


def libpq(url, beside):
    assert not beside
    newer = {
        option.keyword.decode(): option.val.decode()
        for option in psycopg.pq.Conninfo.parse(url.encode())
        if option.val is not None
    }
    older = psycopg2.extensions.parse_dsn(url)
    assert newer == older, (newer, older)
    return of_libpq(newer)


def psycopg2_(url, beside):
    arguments, keywords = arguments_of(url, beside)
    assert arguments in ([], [""]), arguments
    return of_libpq(psycopg2.extensions.parse_dsn(psycopg2.extensions.make_dsn(**keywords)))


OF_PSYCOPG = ["prepare_threshold", "context", "row_factory", "cursor_factory", "autocommit"]


def psycopg_(url, beside):
    arguments, keywords = arguments_of(url, beside)
    assert arguments in ([], [""]), arguments
    own = {key: keywords.pop(key) for key in OF_PSYCOPG if key in keywords}
    text = psycopg.conninfo.make_conninfo(**keywords)
    # psycopg hands its text to libpq.
    read = {key: str(value) for key, value in psycopg.conninfo.conninfo_to_dict(text).items()}
    return {**of_libpq(read), "pooler": own.get("prepare_threshold", "") is None}


# What stands in asyncpg's own signature goes to its parser unless it has to do with the connection's life alone.
SIGNATURE = inspect.signature(asyncpg.connect).parameters
PARSER = inspect.signature(asyncpg.connect_utils._parse_connect_arguments).parameters
DEFAULT_PLACES = ["/run/postgresql", "/var/run/postgresql", "/tmp", "/private/tmp", "localhost"]


def asyncpg_(url, beside):
    arguments, keywords = arguments_of(url, beside)
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
            assert not place[0].startswith("@"), "asyncpg takes it for a server's name"
        hosts.append(list(place))
    if [name for name, _ in hosts] == DEFAULT_PLACES:
        hosts = [[None, hosts[0][1]]]
    settings = dict(read.server_settings or {})
    settings.update(server_options(settings.pop("options", "")))
    level = read.sslmode.name.replace("_", "-")
    is_word = not isinstance(given["ssl"], ssl.SSLContext)
    context = read.ssl
    user = None if read.user == "the default user" else read.user
    timeout = keywords.get("timeout")
    assert timeout is None or isinstance(timeout, int)
    # Only the asyncpg connection itself says what is done without a cache; SQLAlchemy has one of its own.
    query = make_url(url).query
    caches = (query.get("prepared_statement_cache_size"), configuration.statement_cache_size)
    session = read.target_session_attrs.value
    return {
        "user": user,
        "password": read.password or None,
        "hosts": hosts,
        "database": None if read.database == read.user else read.database,
        "tls": of_context(context, level if is_word else None) if context else protection(level),
        "settings": settings,
        "timeout": timeout,
        "pooler": caches == ("0", 0),
        "extra": {} if session == "any" else {"target_session_attrs": session},
    }


OF_PG8000 = inspect.signature(pg8000.dbapi.connect).parameters.keys()


def pg8000_(url, beside):
    """pg8000 has no parser: its keywords are what it connects with."""
    arguments, keywords = arguments_of(url, beside)
    assert not arguments and not keywords.keys() - OF_PG8000, keywords
    socket, context = keywords.get("unix_sock"), keywords.get("ssl_context")
    if socket is not None:
        folder, port = socket.rsplit("/.s.PGSQL.", 1)
        assert folder.startswith("/") or not folder, "pg8000 takes it for a file"
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
        "tls": of_context(context) if is_context else protection(words[context]),
        "settings": settings,
        "timeout": keywords.get("timeout"),
        "extra": {},
    }


def of_mysql(user, password, host, port, socket, database, protected, timeout, extra):
    return {
        "user": user,
        "password": password.decode("utf-8") or None,
        "hosts": [[socket, None]] if socket else [[host, port]],
        "database": database or None,
        "tls": protected,
        "timeout": timeout,
        "extra": {key: value for key, value in extra.items() if value},
    }


def pymysql_(url, beside):
    arguments, keywords = arguments_of(url, beside)
    assert not arguments
    connection = pymysql.connect(defer_connect=True, **keywords)
    if not connection.ssl:
        protected = protection("disable")
    elif connection._ssl_required:
        protected = of_context(connection.ctx)
    else:
        protected = protection("prefer")
    timeout = connection.connect_timeout if "connect_timeout" in keywords else None
    extra = {name: getattr(connection, name) for name in ("init_command", "sql_mode")}
    extra.update(charset=keywords.get("charset"), collation=connection.collation)
    extra.update(program_name=connection._connect_attrs.get("program_name"))
    return of_mysql(
        default(connection.user, pymysql.connections.DEFAULT_USER),
        connection.password,
        default(connection.host, "localhost"),
        connection.port,
        connection.unix_socket,
        connection.db,
        protected,
        timeout,
        extra,
    )


def default(value, usual):
    return None if value == usual else value


def aiomysql_(url, beside):
    arguments, keywords = arguments_of(url, beside)
    assert not arguments
    inspect.signature(aiomysql.connect).bind(**keywords)
    connection = aiomysql.connection.Connection(**keywords, loop=LOOP)
    context = connection._ssl_context
    assert context is None or isinstance(context, ssl.SSLContext), "aiomysql wraps its streams with it"
    extra = {name: getattr(connection, name) for name in ("init_command", "sql_mode")}
    extra.update(charset=keywords.get("charset"), program_name=connection._connect_attrs.get("program_name"))
    meaning = of_mysql(
        default(connection._user, aiomysql.connection.DEFAULT_USER),
        connection._password.encode("latin1"),
        default(connection._host, "localhost"),
        connection._port,
        connection._unix_socket,
        connection._db,
        of_context(context) if context else protection("disable"),
        connection.connect_timeout,
        extra,
    )
    connection._writer = None
    return meaning


def asyncmy_(url, beside):
    arguments, keywords = arguments_of(url, beside)
    assert not arguments
    connection = asyncmy.connection.Connection(**keywords)
    context = connection._ssl_context
    extra = dict(init_command=connection._init_command, sql_mode=connection._sql_mode)
    extra.update(charset=keywords.get("charset"), program_name=connection._connect_attrs.get("program_name"))
    password = connection._password
    return of_mysql(
        default(connection._user, pymysql.connections.DEFAULT_USER),
        password.encode("latin1") if isinstance(password, str) else password,
        default(connection._host, "localhost"),
        connection._port,
        connection._unix_socket,
        connection._db,
        of_context(context) if context else protection("disable"),
        connection._connect_timeout if "connect_timeout" in keywords else None,
        extra,
    )


def mysqldb_(url, beside):
    """mysqlclient is not installed: what SQLAlchemy would call it with."""
    _, keywords = arguments_of(url, beside)
    words = {
        None: "disable",
        "DISABLED": "disable",
        "PREFERRED": "prefer",
        "REQUIRED": "require",
        "VERIFY_CA": "verify-ca",
        "VERIFY_IDENTITY": "verify-full",
    }
    level, files = words[keywords.get("ssl_mode")], keywords.get("ssl", {})
    # It may have authorities that it does not ask.
    root = files.get("ca") if level.startswith("verify") else None
    return of_mysql(
        keywords.get("user"),
        keywords.get("password", keywords.get("passwd", "")).encode(),
        default(keywords.get("host"), "localhost"),
        keywords.get("port", 3306),
        keywords.get("unix_socket"),
        keywords.get("database", keywords.get("db")),
        protection(level, root, files.get("cert"), files.get("key")),
        keywords.get("connect_timeout"),
        {name: keywords.get(name) for name in ("init_command", "sql_mode", "charset", "program_name")},
    )


def of_sqlite(connection, folder):
    """Which file is open, and whether it can be written to."""
    file = connection.execute("PRAGMA database_list").fetchone()[2]
    connection.execute("PRAGMA synchronous = OFF")
    try:
        connection.execute("PRAGMA user_version = 1")
        writes = True
    except sqlite3.OperationalError as error:
        assert "readonly" in str(error), error
        writes = False
    return {"database": os.path.relpath(file, folder) if file else None, "writes": writes}


def pysqlite_(url, beside):
    arguments, keywords = arguments_of(url, beside)
    with contextlib.closing(sqlite3.connect(*arguments, **keywords)) as connection:
        return of_sqlite(connection, os.getcwd())


def aiosqlite_(url, beside):
    arguments, keywords = arguments_of(url, beside)

    async def look():
        async with aiosqlite.connect(*arguments, **keywords) as connection:
            return await connection._execute(of_sqlite, connection._conn, os.getcwd())

    return LOOP.run_until_complete(look())


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
    beside = {name: argument(value) for name, value in case["beside"]}
    try:
        driver = DRIVERS[case["target"].replace("mariadb", "mysql")]
        answer = driver(case["url"], beside)
    except Exception as error:
        answer = {"refused": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=False)
LOOP.close()
