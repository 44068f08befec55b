//! Batch mode on SQLite: the resulting table, and the statements in the log.

use limbeck_testkit::Sandbox;

use crate::replay::{On, Scenario, replays, step};
use crate::support::{INI, sync_env};

const CREATE: &str = "\"\"\"create\"\"\"
import datetime

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None


def upgrade():
    op.create_table('oth', sa.Column('id', sa.Integer(), primary_key=True))
    op.create_table(
        'u',
        sa.Column('id', sa.Integer(), primary_key=True),
        sa.Column('name', sa.String(20), server_default='x'),
        sa.Column('b', sa.Boolean(name='ckb', create_constraint=True)),
        sa.Column('oid', sa.Integer()),
        sa.Column('big', sa.BigInteger()),
        sa.Column('dt', sa.DateTime(), server_default=sa.func.now()),
        sa.Column('j', sa.JSON()),
        sa.Column('n', sa.Numeric(10, 2)),
        sa.Column('e', sa.Enum('a', 'b', name='ee')),
        sa.UniqueConstraint('name', name='uqn'),
        sa.CheckConstraint('id > 0', name='ckid'),
        sa.ForeignKeyConstraint(['oid'], ['oth.id'], name='fko'),
    )
    op.create_index('ixn', 'u', ['name'])
    u = sa.table('u', sa.column('id', sa.Integer), sa.column('name', sa.String), sa.column('dt', sa.DateTime))
    op.bulk_insert(u, [{'id': 1, 'name': 'n', 'dt': datetime.datetime(2024, 2, 29, 1, 2, 3, 4)}])


def downgrade():
    op.drop_table('u')
    op.drop_table('oth')
";

const BATCH: &str = "\"\"\"batch\"\"\"
import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'


def upgrade():
    op.add_column('u', sa.Column('simple', sa.Integer()))
    with op.batch_alter_table('u') as batch:
        batch.add_column(sa.Column('neu', sa.Integer(), server_default='3'))
        batch.alter_column('name', type_=sa.Text(), nullable=False)
        batch.drop_column('big')
        batch.drop_constraint('uqn', type_='unique')
        batch.create_unique_constraint('uq2', ['name', 'neu'])
        batch.create_foreign_key('fk2', 'oth', ['neu'], ['id'])
        batch.drop_index('ixn')
        batch.create_index('ix2', ['neu'])
    with op.batch_alter_table('u', recreate='always') as batch:
        batch.alter_column('name', new_column_name='nm')
    op.rename_table('u', 'u2')
    op.drop_column('u2', 'n')
    op.alter_column('u2', 'nm', new_column_name='nm3')


def downgrade():
    with op.batch_alter_table('u2') as batch:
        batch.drop_index('ix2')
        batch.drop_constraint('fk2', type_='foreignkey')
        batch.drop_constraint('uq2', type_='unique')
        batch.drop_column('neu')
";

fn project(sandbox: &Sandbox) {
    let ini = INI
        .replace("keys = root,alembic", "keys = root,alembic,sqlalchemy")
        .replace(
            "[handler_console]",
            "[logger_sqlalchemy]\nlevel = INFO\nhandlers =\nqualname = sqlalchemy.engine\n[handler_console]",
        );
    sandbox.write("alembic.ini", &ini);
    sandbox.write("migrations/env.py", &sync_env(""));
    sandbox.write("migrations/versions/0001_x.py", CREATE);
    sandbox.write("migrations/versions/0002_x.py", BATCH);
}

const BATCHES: Scenario = Scenario {
    project,
    on: On::Sqlite,
    steps: &[
        step("160_sqlite_batch", "upgrade head"),
        step("", "downgrade -1"),
        step("", "upgrade head --sql"),
    ],
};

replays! {
    sqlite_batch: BATCHES;
}
