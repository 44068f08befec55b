"""The function that `limbeck fix` writes into a synchronous `env.py`, from the first marker on."""


# ---- limbeck fix: ensure_sync_database_url (undo: `limbeck fix --undo`) ----
def ensure_sync_database_url(url):
    """Return the URL of the same database for a synchronous driver.

    asyncpg becomes psycopg2, or psycopg if only that is installed. aiomysql and asyncmy
    become PyMySQL or mysqlclient. aiosqlite becomes sqlite3. `ssl` becomes `sslmode` of
    the same level, and parameters that only asyncpg has are removed. User, password,
    host and database don't change. The driver rejects any other parameter that it
    doesn't know.
    """
    import re
    from importlib.util import find_spec
    from urllib.parse import parse_qsl, quote, unquote, urlencode

    from sqlalchemy.engine import URL, make_url

    if url is None:
        return None
    if isinstance(url, URL):
        name, place = url.drivername, url.password or ""
        query = urlencode(dict(url.query), doseq=True)
    else:
        # Split like SQLAlchemy: a password extends to the `@` and may contain anything.
        url = str(url)
        credentials = r"(?:[^:/]*(?::[^@]*)?@)?"
        place = "(://" + credentials + r"[^?]*)"
        match = re.match(r"([\w+]+)" + place + r"(?:\?(.*))?$", url, re.DOTALL)
        if match is None:
            return url
        name, place, query = match.groups("")
        if ":***@" in place:
            raise ValueError(
                "the password of the database URL is `***`: `str()` of a URL hides it, and"
                " `.render_as_string(hide_password=False)` does not"
            )
    dialect, _, driver = name.partition("+")
    dialect = "postgresql" if dialect == "postgres" else dialect
    given = parse_qsl(query)

    # Choose the first driver that is installed. Without a driver, SQLAlchemy chooses.
    postgresql, mysql = ["psycopg2", "psycopg"], ["pymysql", "mysqldb"]
    drivers = {
        "asyncpg": postgresql,
        "psycopg_async": ["psycopg"],
        "aiomysql": mysql,
        "asyncmy": mysql,
        "aiosqlite": ["pysqlite"],
    }.get(driver, [driver])
    if not driver and dialect in ("postgresql", "mysql", "mariadb"):
        drivers = postgresql if dialect == "postgresql" else mysql
        drivers = [make_url(dialect + "://").get_driver_name()] + drivers
    modules = {"mysqldb": "MySQLdb", "pysqlite": "sqlite3"}
    installed = [one for one in drivers if one and find_spec(modules.get(one, one))]
    chosen = (installed or drivers)[0]
    if chosen == "mysqldb" and driver in ("aiomysql", "asyncmy"):
        # mysqlclient may connect without TLS, and encodes a password in another way.
        if "ssl" in query or not unquote(place).isascii():
            raise ValueError("this database URL needs PyMySQL: install it")

    # Convert the parameters for a driver that uses libpq.
    parameters = given
    if chosen in ("psycopg2", "psycopg", "psycopg2cffi"):
        levels = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
        words = dict.fromkeys(("true", "1", "yes", "on"), "require")
        words.update(dict.fromkeys(("false", "0", "no", "off"), "disable"))
        only_asyncpg = [
            "async_fallback",
            "command_timeout",
            "max_cacheable_statement_size",
            "max_cached_statement_lifetime",
            "prepared_statement_cache_size",
            "prepared_statement_name_func",
            "statement_cache_size",
        ]
        parameters, found = [], set()
        for key, value in given:
            if key == "ssl":
                key = "sslmode"
                value = words.get(value.lower(), value.replace("_", "-"))
                if value not in levels:
                    raise ValueError(
                        "`ssl` of the database URL is not one of " + ", ".join(levels)
                    )
            if key == "sslmode":
                found.add(value)
            if key not in only_asyncpg and (key, value) not in parameters:
                parameters.append((key, value))
        if len(found) > 1:
            raise ValueError("the database URL has two different levels of `ssl`")

    name = dialect + "+" + chosen if chosen else dialect
    if isinstance(url, URL):
        query = make_url(name + "://?" + urlencode(parameters)).query
        return url.set(drivername=name, query=query)
    if parameters != given:
        query = urlencode(parameters, quote_via=quote, safe="/:,")
    return name + place + ("?" + query if query else "")


# ---- limbeck fix: end ----
