//! The output of `--sql` for operations of each kind, on every dialect.

use limbeck_testkit::Sandbox;

use crate::replay::{On, Scenario, replays, step};
use crate::support::{INI, sync_env};

const OPERATIONS: &str = "\"\"\"operations\"\"\"
import datetime
import decimal

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None


def upgrade():
    people = op.create_table(
        'people',
        sa.Column('id', sa.Integer(), primary_key=True),
        sa.Column('name', sa.String(50), server_default='x', comment=\"the 'name'\"),
        sa.Column('active', sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column('kind', sa.Enum('a', 'b', name='kind')),
        sa.Column('made', sa.DateTime(), server_default=sa.func.now()),
        sa.Column('price', sa.Numeric(10, 2)),
        sa.Column('data', sa.JSON()),
        sa.Column('raw', sa.LargeBinary()),
        sa.Column('Group', sa.String(20)),
        sa.UniqueConstraint('name'),
        sa.CheckConstraint('price > 0', name='positive'),
    )
    op.bulk_insert(people, [
        {'id': 1, 'name': \"o'hara 100%\", 'active': True, 'made': datetime.datetime(2024, 2, 29, 1, 2, 3)},
        {'id': 2, 'name': 'b:c', 'active': False, 'price': decimal.Decimal('1.50')},
    ])
    op.create_index('ix_people_made', 'people', ['made', 'active'])
    op.add_column('people', sa.Column('chief', sa.BigInteger()))
    op.create_foreign_key(None, 'people', 'people', ['chief'], ['id'], ondelete='SET NULL')
    op.alter_column('people', 'name', existing_type=sa.String(50), type_=sa.Text(), nullable=False)
    op.alter_column('people', 'Group', existing_type=sa.String(20), new_column_name='team')
    op.execute(\"update people set name = 'a%' where name like '%\\\\:b'\")
    op.drop_index('ix_people_made', 'people')
    op.drop_constraint('positive', 'people', type_='check')
    op.drop_column('people', 'raw')
    op.rename_table('people', 'persons')


def downgrade():
    op.drop_table('persons')
"
;

fn project(sandbox: &Sandbox) {
    sandbox.write("alembic.ini", INI);
    let convention = "
import sqlalchemy
metadata = sqlalchemy.MetaData(naming_convention={
    'uq': 'uq_%(table_name)s_%(column_0_name)s',
    'fk': 'fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s',
    'ck': 'ck_%(table_name)s_%(constraint_name)s',
    'pk': 'pk_%(table_name)s',
})
";
    let env = sync_env("").replace("configure(url=", "configure(target_metadata=metadata, url=");
    sandbox.write("migrations/env.py", &format!("{convention}{env}"));
    sandbox.write("migrations/versions/0001_x.py", OPERATIONS);
}

const DIALECTS: Scenario = Scenario {
    project,
    on: On::Sqlite,
    steps: &[
        step("", "upgrade head --sql").with(&[("DATABASE_URL", "postgresql+asyncpg://a@h/d")]),
        step("", "downgrade 0001:base --sql").with(&[("DATABASE_URL", "postgresql://a@h/d")]),
        step("", "upgrade head --sql").with(&[("DATABASE_URL", "mysql+aiomysql://a@h/d")]),
        step("", "upgrade head --sql").with(&[("DATABASE_URL", "mariadb+pymysql://a@h/d")]),
        step("", "upgrade head --sql").with(&[("DATABASE_URL", "sqlite:///test.db")]),
    ],
};

/// Runs the operations on a MariaDB server, under the scheme `mariadb`.
const ON_MARIADB: Scenario = Scenario {
    project,
    on: On::MariaDb {
        real: "mariadb+pymysql",
        ours: "mariadb+aiomysql",
    },
    steps: &[
        step("", "upgrade head"),
        step("", "current"),
        step("", "downgrade base"),
    ],
};

replays! {
    statements_on_mariadb: ON_MARIADB;
    statements_of_every_dialect: DIALECTS;
}
