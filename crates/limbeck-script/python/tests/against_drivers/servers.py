"""Throw-away servers on a Unix socket in a temporary folder."""
import glob
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
import unittest


def find_program(name):
    found = shutil.which(name)
    if found:
        return found
    candidates = ["/usr/sbin/" + name, "/usr/local/sbin/" + name]
    candidates += sorted(glob.glob("/usr/lib/postgresql/*/bin/" + name), reverse=True)
    return next((candidate for candidate in candidates if os.access(candidate, os.X_OK)), None)


def programs(*names):
    """Return the paths of programs. If one is missing, fail, or skip the test as in `limbeck_testkit`."""
    paths = [find_program(name) for name in names]
    missing = [name for name, path in zip(names, paths) if path is None]
    if missing:
        report_missing(", ".join(missing))
    return paths


def report_missing(requirement):
    allowed = os.environ.get("LIMBECK_TEST_ALLOW_SKIP") == "1" and os.environ.get("CI") not in ("true", "1")
    if not allowed:
        raise RuntimeError(
            "missing: %s; run `./test`, or set LIMBECK_TEST_ALLOW_SKIP=1 to skip such tests" % requirement
        )
    if os.environ.get("LIMBECK_TEST_SKIPPED"):
        with open(os.environ["LIMBECK_TEST_SKIPPED"], "a") as file:
            file.write("worker tests: %s\n" % requirement)
    raise unittest.SkipTest("missing: %s" % requirement)


def without_drivers(error):
    """Return the exception for a module that can't import the drivers: a skip, but an error in the reference environment."""
    if sys.executable == os.environ.get("LIMBECK_TEST_REFERENCE_PYTHON"):
        return error
    return unittest.SkipTest("the drivers are not installed: %s" % error)


class Server:
    """A server in a temporary folder; `close` stops it and removes the folder."""

    def __init__(self):
        # The path of a socket must be short.
        self.folder = tempfile.mkdtemp(prefix="limbeck-")
        # The servers refuse to run as root.
        self.user = _unprivileged_user() if os.getuid() == 0 else None
        if self.user:
            os.chown(self.folder, *_ids(self.user))
        self.process = None

    def run(self, *command):
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=self.folder,
            timeout=120, **self._as_user(),
        )
        if done.returncode:
            raise RuntimeError("%s: %s" % (command[0], done.stdout.decode("utf-8", "replace")))

    def start(self, *command):
        self.log = open(os.path.join(self.folder, "log"), "wb")
        self.process = subprocess.Popen(
            command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, cwd=self.folder, **self._as_user()
        )

    def wait_for(self, connect):
        """Call `connect` until it succeeds."""
        until = time.monotonic() + 60
        while True:
            try:
                return connect()
            except Exception as error:
                if self.process.poll() is not None or time.monotonic() > until:
                    self.log.flush()
                    with open(self.log.name, "rb") as log:
                        text = log.read().decode("utf-8", "replace")
                    raise RuntimeError("the server did not start: %s\n%s" % (error, text[-3000:])) from error
                time.sleep(0.05)

    def close(self):
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _as_user(self):
        if self.user is None:
            return {}
        uid, gid = _ids(self.user)
        environment = {**os.environ, "HOME": self.folder, "LC_ALL": "C"}
        return {"user": uid, "group": gid, "extra_groups": [], "env": environment}


def postgresql():
    """Start a server. Its socket is in `folder`; the user and the database are `postgres`."""
    initdb, postgres = programs("initdb", "postgres")
    server = Server()
    try:
        data = os.path.join(server.folder, "data")
        server.run(initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale", "C")
        server.start(
            postgres, "-D", data, "-k", server.folder, "-c", "listen_addresses=", "-c", "fsync=off", "-p", "5432",
            "-c", "max_connections=20", "-c", "max_prepared_transactions=5", "-c", "log_statement=all",
            "-c", "log_line_prefix=%p ",
        )
    except BaseException:
        server.close()
        raise
    return server


def mariadb():
    """Start a server with the socket `s` in `folder` and the user `root` without a password."""
    install, mariadbd = programs("mariadb-install-db", "mariadbd")
    server = Server()
    try:
        # In a shared folder, a starting server would remove the temporary tables of the others.
        options = ("--no-defaults", "--datadir=" + os.path.join(server.folder, "data"), "--tmpdir=" + server.folder)
        server.run(
            install, *options, "--auth-root-authentication-method=normal", "--skip-test-db",
        )
        server.start(
            mariadbd, *options, "--socket=" + os.path.join(server.folder, "s"),
            "--pid-file=" + os.path.join(server.folder, "pid"), "--skip-networking", "--innodb-flush-log-at-trx-commit=0",
        )
    except BaseException:
        server.close()
        raise
    return server


def _unprivileged_user():
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "mysql", "nobody") if name in names)


def _ids(user):
    entry = pwd.getpwnam(user)
    return entry.pw_uid, entry.pw_gid
