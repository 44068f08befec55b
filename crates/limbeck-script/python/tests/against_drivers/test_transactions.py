"""PostgreSQL: what a project's own COMMIT, ROLLBACK and BEGIN do under each driver."""
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

    def test_own_commits(self):
        for name in both.DRIVERS:
            for case, texts in CASES.items():
                for end in ("commit", "rollback"):

                    def act(connection):
                        ran = []
                        for text in texts:
                            ran.append(both.error_of(lambda: connection.exec_driver_sql(text).rowcount and None))
                        getattr(connection, end)()
                        # And the next transaction is one again.
                        connection.exec_driver_sql("SELECT 1")
                        connection.rollback()
                        return [item if item is None or item[1] is None else item[1] for item in ran]

                    with self.subTest(driver=name, case=case, end=end):
                        found = []
                        for run in (self.real, self.ours_of):
                            result, sent = run(name, lambda connection: both.statements(act, connection))
                            # asyncpg's first step with a statement is not logged, which may be the one that fails.
                            ends = [text for text in sent if text not in texts or text in ("BEGIN", "COMMIT", "ROLLBACK")]
                            found.append((result, ends, self.left()))
                        self.assertEqual(found[1], found[0])

    def test_two_in_one_text(self):
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

    def test_the_end_of_a_transaction_that_can_not_be_committed(self):
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
