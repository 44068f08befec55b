"""PostgreSQL: comparisons of COMMIT, ROLLBACK and BEGIN in the project's text under each driver."""
import sqlalchemy as sa

from . import both, test_postgresql

setUpModule = test_postgresql.setUpModule

CASES = {
    "before an index that must not be in a transaction": [
        "CREATE TABLE z (a int)", "COMMIT", "CREATE INDEX CONCURRENTLY i ON z (a)", "INSERT INTO z VALUES (1)",
    ],
    "in the middle": ["CREATE TABLE z (a int)", "COMMIT", "INSERT INTO z VALUES (1)", "INSERT INTO z VALUES (2)"],
    "first of all": ["COMMIT", "CREATE TABLE z (a int)", "CREATE INDEX CONCURRENTLY i ON z (a)"],
    "undone": ["CREATE TABLE z (a int)", "ROLLBACK", "CREATE TABLE z (b int)"],
    "begun again": ["COMMIT", "CREATE TABLE z (a int)", "BEGIN", "INSERT INTO z VALUES (1)"],
    "begun within": ["BEGIN", "CREATE TABLE z (a int)", "COMMIT", "INSERT INTO z VALUES (1)"],
    "failing": ["CREATE TABLE z (a int)", "COMMIT", "SELECT 1 / 0", "INSERT INTO z VALUES (1)"],
    "failing in a transaction": ["CREATE TABLE z (a int)", "SELECT 1 / 0", "INSERT INTO z VALUES (1)", "COMMIT"],
    "savepoints": ["CREATE TABLE z (a int)", "SAVEPOINT s", "INSERT INTO z VALUES (1)", "ROLLBACK TO s", "INSERT INTO z VALUES (2)"],
}


class Raw(both.Case):
    def left(self):
        cursor = self.psycopg2().cursor()
        cursor.execute("SELECT to_regclass('z') IS NOT NULL")
        rows = None
        if cursor.fetchone()[0]:
            cursor.execute("SELECT * FROM z ORDER BY 1")
            rows = cursor.fetchall()
            cursor.execute("DROP TABLE z")
            cursor.connection.commit()
        cursor.connection.close()
        return rows

    def test_commits_in_the_projects_text(self):
        for name in both.DRIVERS:
            for case, texts in CASES.items():
                for end in ("commit", "rollback"):

                    def act(connection):
                        ran = []
                        for text in texts:
                            ran.append(both.error_of(lambda: connection.exec_driver_sql(text).rowcount and None))
                        getattr(connection, end)()
                        # The next transaction must be a normal one.
                        connection.exec_driver_sql("SELECT 1")
                        connection.rollback()
                        return [item if item is None or item[1] is None else item[1] for item in ran]

                    with self.subTest(driver=name, case=case, end=end):
                        found = []
                        for run in (self.real, self.ours_of):
                            result, sent = run(name, lambda connection: both.statements(act, connection))
                            # The server doesn't log asyncpg's Parse, which may fail, so only the ends are compared.
                            ends = [text for text in sent if text not in texts or text in ("BEGIN", "COMMIT", "ROLLBACK")]
                            found.append((result, ends, self.left()))
                        self.assertEqual(found[1], found[0])

    def test_commit_and_begin_in_one_text(self):
        texts = ["CREATE TABLE z (a int)", "COMMIT; BEGIN", "INSERT INTO z VALUES (1)"]

        def act(connection):
            for text in texts:
                connection.exec_driver_sql(text)
            connection.rollback()

        for name in ("psycopg2", "psycopg"):
            with self.subTest(name):
                for run in (self.real, self.ours_of):
                    run(name, act)
                    self.assertEqual(self.left(), [])

    def test_a_commit_that_fails_ends_the_transaction(self):
        def act(connection):
            connection.exec_driver_sql("CREATE TEMP TABLE d (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
            connection.commit()
            connection.exec_driver_sql("INSERT INTO d VALUES (1), (1)")
            failed = both.error_of(connection.commit)
            connection.rollback()
            connection.exec_driver_sql("INSERT INTO d VALUES (2)")
            connection.commit()
            return failed, connection.execute(sa.text("SELECT a FROM d")).scalars().all()

        for name in both.DRIVERS:
            with self.subTest(name):
                self.both(name, act)


class TwoPhases(both.Case):
    def test_sqlalchemys_two_phase_transactions(self):
        def act(connection):
            connection.exec_driver_sql("CREATE TEMP TABLE kept (a int)")
            connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS t (a int)")
            connection.exec_driver_sql("DELETE FROM t")
            connection.commit()
            for number, (prepares, end) in enumerate(
                [(True, "commit"), (True, "rollback"), (False, "commit"), (False, "rollback")]
            ):
                transaction = connection.begin_twophase("it's %d" % number)
                connection.execute(sa.text("INSERT INTO t VALUES (:a)"), {"a": number})
                if prepares:
                    transaction.prepare()
                getattr(transaction, end)()
            rows = connection.exec_driver_sql("SELECT a FROM t ORDER BY a").scalars().all()
            connection.rollback()
            prepared = connection.recover_twophase()
            connection.rollback()
            connection.exec_driver_sql("DROP TABLE t")
            connection.commit()
            return rows, prepared

        for name in both.DRIVERS:
            with self.subTest(name):
                self.assertEqual(self.both(name, act), ([0, 2], []))

    def test_recovers_transactions_of_another_connection(self):
        def act(connection):
            other = self.psycopg2()
            for xid in ("one", "two"):
                other.tpc_begin(xid)
                other.cursor().execute("CREATE TABLE two_phases_%s (a int)" % xid)
                other.tpc_prepare()
                other.reset()
            found = sorted(connection.recover_twophase())
            connection.rollback()
            connection.commit_prepared("one", recover=True)
            connection.rollback()
            connection.rollback_prepared("two", recover=True)
            connection.rollback()
            connection.exec_driver_sql("DROP TABLE two_phases_one")
            connection.commit()
            left = connection.recover_twophase()
            connection.rollback()
            return found, left

        for name in both.DRIVERS:
            with self.subTest(name):
                self.assertEqual(self.both(name, act), (["one", "two"], []))

    def test_psycopg2s_two_phase_methods(self):
        def act(connection):
            seen = []

            def see(call):
                try:
                    seen.append(call())
                except Exception as error:
                    seen.append(str(error).strip())

            cursor = connection.cursor()
            see(connection.tpc_prepare)
            see(connection.tpc_commit)
            see(lambda: connection.tpc_rollback("unknown"))
            connection.rollback()
            xid = connection.xid(42, "g'tr", "bq")
            seen.append((str(xid), tuple(xid), xid.format_id))
            for begin in ("a'b", xid):
                see(lambda: connection.tpc_begin(begin))
                see(lambda: connection.tpc_begin(begin))
                see(lambda: cursor.execute("SELECT 1"))
                see(connection.commit)
                see(connection.rollback)
                see(connection.tpc_prepare)
                see(lambda: cursor.execute("SELECT 1"))
                see(connection.tpc_recover)
                see(connection.tpc_rollback)
            see(lambda: cursor.execute("SELECT 1"))
            see(lambda: connection.tpc_begin("a"))
            see(lambda: connection.tpc_commit("a"))
            connection.rollback()
            connection.autocommit = True
            see(lambda: connection.tpc_begin("a"))
            return [None if callable(item) or type(item).__name__ == "PostgresCursor" else item for item in seen]

        self.assertEqual(act(self.ours(tracks_begin=True)), act(self.psycopg2()))
