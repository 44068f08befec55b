//! `revision --autogenerate` and `check`: the generated files, to the byte.

use limbeck_testkit::Sandbox;

use crate::replay::{On, Scenario, replays, step, template};
use crate::support::{INI, sync_env};

const FIRST: &str = "import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

metadata = sa.MetaData()
users = sa.Table(
    'users', metadata,
    sa.Column('id', sa.Integer, primary_key=True),
    sa.Column('name', sa.String(50), nullable=False, server_default='x', comment='cmt'),
    sa.Column('e', sa.Enum('a', 'b', name='ee')),
    sa.Column('j', postgresql.JSONB),
    sa.Column('arr', postgresql.ARRAY(sa.String)),
    sa.Column('c', sa.Integer, sa.Computed('id+1')),
    sa.Column('idn', sa.Integer, sa.Identity(start=3)),
    sa.Column('ts', sa.DateTime(timezone=True), server_default=sa.func.now()),
    sa.UniqueConstraint('name', name='uqn'),
    sa.CheckConstraint('id>0', name='ckid'),
    sa.Index('ixl', sa.text('lower(name)')),
    comment='tcomment',
)
posts = sa.Table(
    'posts', metadata,
    sa.Column('id', sa.Integer, primary_key=True),
    sa.Column('uid', sa.Integer, sa.ForeignKey('users.id', ondelete='CASCADE'), index=True),
    sa.Column('drop_me', sa.Integer),
)
";

const SECOND: &str = "import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

metadata = sa.MetaData()
users = sa.Table(
    'users', metadata,
    sa.Column('id', sa.Integer, primary_key=True),
    sa.Column('name', sa.String(80), server_default='x', comment='cmt2'),
    sa.Column('e', sa.Enum('a', 'b', name='ee')),
    sa.Column('j', postgresql.JSON),
    sa.Column('arr', postgresql.ARRAY(sa.String)),
    sa.Column('c', sa.Integer, sa.Computed('id+1')),
    sa.Column('idn', sa.Integer, sa.Identity(start=3)),
    sa.Column('ts', sa.DateTime(timezone=True), server_default=sa.func.now()),
    sa.Column('newc', sa.Boolean, nullable=False, server_default=sa.true(), index=True),
    sa.UniqueConstraint('name', 'e', name='uqn2'),
    sa.CheckConstraint('id>0', name='ckid'),
    sa.Index('ixl', sa.text('upper(name)')),
    comment='tcomment2',
)
posts = sa.Table(
    'posts', metadata,
    sa.Column('id', sa.Integer, primary_key=True),
    sa.Column('uid', sa.Integer, sa.ForeignKey('users.id')),
)
tags = sa.Table('tags', metadata, sa.Column('id', sa.Integer, primary_key=True))
";

fn project(sandbox: &Sandbox) {
    let ini = INI.replace("[loggers]", "prepend_sys_path = .\n[loggers]");
    sandbox.write("alembic.ini", &ini);
    let env = sync_env(", target_metadata=metadata");
    sandbox.write(
        "migrations/env.py",
        &format!("from models import metadata\n{env}"),
    );
    sandbox.write(
        "migrations/script.py.mako",
        &template("generic", "script.py.mako"),
    );
    sandbox.write("migrations/versions/README", "");
    sandbox.write("models.py", FIRST);
}

const ON_POSTGRESQL: Scenario = Scenario {
    project,
    on: On::Postgres {
        real: "postgresql+psycopg",
        ours: "postgresql+asyncpg",
    },
    steps: &[
        step(
            "150_autogen_1 150_autogen_1_file",
            "revision --autogenerate -m first --rev-id aaa1",
        ),
        step("151_up", "upgrade head"),
        step("152_check_clean", "check"),
        step("153_check_dirty", "check").after(|sandbox| sandbox.write("models.py", SECOND)),
        step(
            "154_autogen_2 154_autogen_2_file",
            "revision --autogenerate -m second --rev-id aaa2",
        ),
    ],
};

/// Writes the models without the types that SQLite lacks.
fn on_sqlite(sandbox: &Sandbox, models: &str) {
    let without_arrays = models
        .lines()
        .filter(|line| !line.contains("ARRAY") && !line.contains("Identity"))
        .map(|line| {
            line.replace("postgresql.JSONB", "sa.JSON")
                .replace("postgresql.JSON", "sa.Text")
                + "\n"
        });
    sandbox.write("models.py", &without_arrays.collect::<String>());
}

const ON_SQLITE: Scenario = Scenario {
    project: |sandbox| {
        project(sandbox);
        on_sqlite(sandbox, FIRST);
    },
    on: On::Sqlite,
    steps: &[
        step("", "revision --autogenerate -m first --rev-id aaa1"),
        step("", "upgrade head"),
        step("", "check"),
        step("", "check").after(|sandbox| on_sqlite(sandbox, SECOND)),
        step("", "revision --autogenerate -m second --rev-id aaa2"),
        step("", "check"),
    ],
};

replays! {
    on_postgresql: ON_POSTGRESQL;
    on_a_sqlite_file: ON_SQLITE;
}
