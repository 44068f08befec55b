//! `init` from the templates, into new and existing folders.

use limbeck_testkit::Sandbox;

use crate::replay::{On, Scenario, replays, step};

fn empty(_: &Sandbox) {}

const GENERIC: Scenario = Scenario {
    project: empty,
    on: On::Sqlite,
    steps: &[
        step("003_list_templates", "list_templates"),
        step("001_init", "init alembic"),
        step("002_init_again", "init alembic"),
        step("", "-c other.ini init -t multidb several"),
        step("", "-q init quiet"),
    ],
};

const PYPROJECT: Scenario = Scenario {
    project: empty,
    on: On::Sqlite,
    steps: &[
        step(
            "170_init_pyproject 171_pyproject 171_pyproject_alembic",
            "init -t pyproject mig",
        ),
        step("172_init_pyproject_again", "init -t pyproject mig2"),
        step("173_init_async_package", "init --package -t async amig"),
        step("174_init_bad_template", "init -t nosuch zz"),
        step("", "init -t pyproject_async third")
            .after(|sandbox| sandbox.write("pyproject.toml", "[project]\nname = \"shop\"\n")),
    ],
};

replays! {
    from_the_generic_template: GENERIC;
    from_the_pyproject_template: PYPROJECT;
}
