//! Runs on PostgreSQL: the state after success and failure, and the statements that the server received.

use std::fs;

use limbeck_testkit::Sandbox;

use crate::replay::{On, Scenario, replays, step, template};
use crate::support::{INI, sync_env};

const SERVER: On = On::Postgres {
    real: "postgresql+psycopg",
    ours: "postgresql+asyncpg",
};

fn script(sandbox: &Sandbox, id: &str, parent: &str, doc: &str, upgrade: &str, downgrade: &str) {
    let parent = if parent.is_empty() {
        "None".to_owned()
    } else {
        format!("'{parent}'")
    };
    sandbox.write(
        &format!("migrations/versions/{id}_x.py"),
        &format!(
            "\"\"\"{doc}\"\"\"\nimport time\nimport sqlalchemy as sa\nfrom alembic import op\n\nrevision = '{id}'\n\
             down_revision = {parent}\n\n\ndef upgrade():\n    {}\n\n\ndef downgrade():\n    {}\n",
            upgrade.replace('\n', "\n    "),
            downgrade.replace('\n', "\n    "),
        ),
    );
}

fn two(sandbox: &Sandbox) {
    sandbox.write("alembic.ini", INI);
    sandbox.write("migrations/env.py", &sync_env(""));
    let table = "op.create_table('t', sa.Column('id', sa.Integer(), primary_key=True), \
                 sa.Column('k', sa.Enum('a', 'b', name='kk')))";
    script(sandbox, "aa01", "", "one", table, "op.drop_table('t')");
    let column = "op.add_column('t', sa.Column('x', sa.Integer()))";
    script(
        sandbox,
        "aa02",
        "aa01",
        "two",
        column,
        "op.drop_column('t', 'x')",
    );
}

const FAILING: Scenario = Scenario {
    project: |sandbox| {
        two(sandbox);
        script(
            sandbox,
            "aa03",
            "aa02",
            "bad",
            "op.execute('SELECT boom')",
            "pass",
        );
    },
    on: SERVER,
    steps: &[
        step("110_pg_fail_upgrade 111_pg_fail_stmtlog", "upgrade head").differs(
            "an exception in a script, in `env.py` or in the database",
            1,
            "column \"boom\" does not exist",
        ),
        step("112_pg_upgrade_ok 113_pg_ok_stmtlog", "upgrade head").after(|sandbox| {
            fs::remove_file(sandbox.path().join("migrations/versions/aa03_x.py"))
                .expect("the file is removed");
        }),
        step("114_pg_downgrade 115_pg_down_stmtlog", "downgrade base"),
        step("116_pg_upgrade_again_enum_exists", "upgrade head").differs(
            "an exception in a script, in `env.py` or in the database",
            1,
            "type \"kk\" already exists",
        ),
    ],
};

fn asynchronous(sandbox: &Sandbox) {
    two(sandbox);
    let env = template("async", "env.py").replace(
        "config = context.config\n",
        "import os\nconfig = context.config\nconfig.set_main_option('sqlalchemy.url', os.environ['DATABASE_URL'])\n",
    );
    sandbox.write("amig/env.py", &env);
    let ini = INI.replace(
        "script_location = %(here)s/migrations\n",
        "script_location = %(here)s/amig\npath_separator = os\nversion_locations = %(here)s/migrations/versions\n",
    );
    sandbox.write("async.ini", &ini);
}

const ASYNCHRONOUS: Scenario = Scenario {
    project: asynchronous,
    on: On::Postgres {
        real: "postgresql+asyncpg",
        ours: "postgresql+asyncpg",
    },
    steps: &[
        step(
            "121_asyncpg_asynctemplate 122_asyncpg_stmtlog",
            "-c async.ini upgrade head",
        ),
        step("123_async_down", "-c async.ini downgrade base"),
    ],
};

const AUTOCOMMIT: Scenario = Scenario {
    project: |sandbox| {
        two(sandbox);
        sandbox.write(
            "migrations/env.py",
            &sync_env(", transaction_per_migration=True"),
        );
        let body = "op.execute(\"select 'before'\")\n\
                    with op.get_context().autocommit_block():\n    \
                        op.execute(\"ALTER TYPE kk ADD VALUE 'c'\")\n    \
                        op.create_index('ix_t_x', 't', ['x'], postgresql_concurrently=True)\n\
                    op.execute(\"update t set k='c'\")";
        script(sandbox, "aa03", "aa02", "three: autocommit", body, "pass");
    },
    on: SERVER,
    steps: &[
        step(
            "130_tpm_autocommit 131_tpm_autocommit_stmtlog",
            "upgrade head",
        ),
        step("132_tpm_autocommit_sql", "upgrade head --sql"),
    ],
};

/// A script with two statements in one string, which psycopg accepts and asyncpg rejects.
fn several_commands(sandbox: &Sandbox) {
    asynchronous(sandbox);
    let body = "op.execute('create table m1 (id int); create table m2 (id int)')";
    script(
        sandbox,
        "aa03",
        "aa02",
        "multi",
        body,
        "op.execute('drop table m1; drop table m2')",
    );
}

const SEVERAL: Scenario = Scenario {
    project: several_commands,
    on: SERVER,
    steps: &[
        step("", "upgrade aa02"),
        step("142_multistmt_psycopg", "upgrade aa03"),
        step("", "downgrade aa02"),
    ],
};

const SEVERAL_ASYNCPG: Scenario = Scenario {
    project: several_commands,
    on: On::Postgres {
        real: "postgresql+asyncpg",
        ours: "postgresql+asyncpg",
    },
    steps: &[
        step("", "-c async.ini upgrade aa02"),
        step("143_multistmt_asyncpg", "-c async.ini upgrade aa03").differs(
            "asyncpg's strictness",
            0,
            "Running upgrade aa02 -> aa03, multi",
        ),
    ],
};

const SSLMODE: Scenario = Scenario {
    project: asynchronous,
    on: On::Postgres {
        real: "postgresql+asyncpg?sslmode=disable",
        ours: "postgresql+asyncpg?sslmode=disable",
    },
    steps: &[
        step("124_asyncpg_sslmode", "-c async.ini upgrade head").differs(
            "a libpq parameter in an asyncpg URL",
            0,
            "Running upgrade aa01 -> aa02, two",
        ),
    ],
};

const GREENLET: Scenario = Scenario {
    project: two,
    on: On::Postgres {
        real: "postgresql+asyncpg",
        ours: "postgresql+asyncpg",
    },
    steps: &[
        step("120_asyncpg_generic_MissingGreenlet", "upgrade head").differs(
            "an asynchronous URL with a synchronous `env.py`",
            0,
            "Running upgrade aa01 -> aa02, two",
        ),
    ],
};

replays! {
    failing_and_going_on: FAILING;
    asynchronous_environment: ASYNCHRONOUS;
    transaction_per_migration: AUTOCOMMIT;
    several_commands_in_a_text: SEVERAL;
    several_commands_over_asyncpg: SEVERAL_ASYNCPG;
    sslmode_over_asyncpg: SSLMODE;
    synchronous_environment_over_asyncpg: GREENLET;
}
