"""The function that `limbeck fix` writes into an asynchronous `env.py`, from the first marker on."""


# ---- limbeck fix: ensure_async_database_url (undo: `limbeck fix --undo`) ----
def ensure_async_database_url(url):
    """Return the URL of the same database for an asynchronous driver.

    `postgres://`, `postgresql://`, psycopg2 and pg8000 become asyncpg, or psycopg if
    only that is installed. MySQL's drivers become aiomysql or asyncmy. SQLite becomes
    aiosqlite. For asyncpg, `sslmode` becomes `ssl` of the same level, the paths of
    certificates move to its `dsn`, and parameters that only libpq has are removed.
    User, password, host and database don't change. The driver rejects any other
    parameter that it doesn't know.
    """
    import re
    from importlib.util import find_spec
    from urllib.parse import parse_qsl, quote, urlencode

    from sqlalchemy.engine import URL, make_url

    if url is None:
        return None
    if isinstance(url, URL):
        name, place, query = url.drivername, "", urlencode(dict(url.query), doseq=True)
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

    # Choose the first driver that is installed. aiomysql doesn't enforce TLS.
    drivers = [driver]
    if dialect == "postgresql" and driver in ("", "psycopg2", "psycopg2cffi", "pg8000"):
        drivers = ["asyncpg", "psycopg"]
    elif dialect in ("mysql", "mariadb") and driver in ("", "pymysql", "mysqldb"):
        drivers = ["asyncmy"] if "ssl" in query else ["aiomysql", "asyncmy"]
    elif dialect == "sqlite" and driver in ("", "pysqlite"):
        drivers = ["aiosqlite"]
    installed = [one for one in drivers if one and find_spec(one)]
    chosen = (installed or drivers)[0]

    # Convert the parameters for asyncpg.
    parameters = given
    if chosen == "asyncpg":
        only_libpq = [
            "channel_binding",
            "client_encoding",
            "connect_timeout",
            "fallback_application_name",
            "keepalives",
            "keepalives_count",
            "keepalives_idle",
            "keepalives_interval",
            "sslcompression",
            "sslsni",
            "tcp_user_timeout",
        ]
        for_dsn = [
            "application_name",
            "options",
            "ssl_max_protocol_version",
            "ssl_min_protocol_version",
            "sslcert",
            "sslcrl",
            "sslkey",
            "sslpassword",
            "sslrootcert",
        ]
        words = dict.fromkeys(("true", "1", "yes", "on"), "require")
        words.update(dict.fromkeys(("false", "0", "no", "off"), "disable"))
        parameters, levels, dsn = [], set(), []
        for key, value in given:
            if key in ("ssl", "sslmode"):
                levels.add(words.get(value.lower(), value) if key == "ssl" else value)
            elif (key, value) == ("sslrootcert", "system"):
                raise ValueError(
                    "asyncpg has no equivalent of `sslrootcert=system`, which is in the"
                    " database URL"
                )
            elif key in for_dsn:
                dsn.append((key, value))
            elif key not in only_libpq and not (
                key == "gssencmode" and value != "require"
            ):
                parameters.append((key, value))
        if len(levels) > 1:
            raise ValueError("the database URL has two different levels of `ssl`")
        parameters += [("ssl", level) for level in levels]
        if dsn:
            parameters.append(
                ("dsn", "postgresql://?" + urlencode(dsn, quote_via=quote))
            )

    name = dialect + "+" + chosen if chosen else dialect
    if isinstance(url, URL):
        query = make_url(name + "://?" + urlencode(parameters)).query
        return url.set(drivername=name, query=query)
    if sorted(parameters) != sorted(given):
        query = urlencode(parameters, quote_via=quote, safe="/:,")
    return name + place + ("?" + query if query else "")


# ---- limbeck fix: end ----
