//! Cases without a recording: repeated options, empty options, dangling links, an `env.py` that reads the command line
//! or ends its process.

use std::os::unix::fs::symlink;

use limbeck_testkit::Sandbox;

use crate::replay::{On, Scenario, replays, step, stock};

fn project(sandbox: &Sandbox) {
    stock(sandbox, "generic", "mig");
    // With the template's placeholder, limbeck would use the URL in `DATABASE_URL`.
    let ini = sandbox.read("alembic.ini");
    let url = "driver://user:pass@localhost/dbname";
    sandbox.write("alembic.ini", &ini.replace(url, "sqlite:///test.db"));
    sandbox.write(
        "mig/versions/a1.py",
        "\"\"\"first\"\"\"\nrevision = 'a1'\ndown_revision = None\n\n\ndef upgrade():\n    pass\n\n\n\
         def downgrade():\n    pass\n",
    );
}

/// Writes a second revision with further declarations.
fn second(sandbox: &Sandbox, declarations: &str) {
    sandbox.write(
        "mig/versions/b1.py",
        &format!(
            "\"\"\"second\"\"\"\nrevision = 'b1'\ndown_revision = 'a1'\n{declarations}\n\n\ndef upgrade():\n    pass\n\n\n\
             def downgrade():\n    pass\n"
        ),
    );
}

fn link(sandbox: &Sandbox, target: &str) {
    let link = sandbox.path().join("mig/versions/link.py");
    // The step before may have left a link.
    let _ = std::fs::remove_file(&link);
    symlink(target, link).expect("a link");
}

const OPTIONS: Scenario = Scenario {
    project,
    on: On::Sqlite,
    steps: &[
        step("", "-c '' heads"),
        step("", "-n other -n alembic heads -v -v"),
        step("", "history -r a1:a1 -r :a1"),
        step("", "upgrade head --tag a --tag b"),
        step("", "revision -m one -m two --rev-id n1 --rev-id n2"),
        step("", "history -r a:b:c").differs("`history -r`", 255, "History range requires"),
        step("", "show @").differs("`history -r`", 255, "Can't locate revision"),
    ],
};

const SCRIPTS: Scenario = Scenario {
    project,
    on: On::Sqlite,
    steps: &[
        step("", "heads").after(|sandbox| link(sandbox, "/nowhere/at-all")),
        step("", "upgrade head"),
        step("", "heads")
            .after(|sandbox| link(sandbox, "/nowhere/x.py"))
            .differs("a link in a version location", 1, "link.py"),
        step("", "history -v").after(|sandbox| {
            link(sandbox, "a1.py");
            second(sandbox, "depends_on = ''\nbranch_labels = ''");
        }),
        step("", "upgrade head"),
    ],
};

/// Creates a project whose `env.py` prints the command line's options, then does as the stock one.
fn printing_options(sandbox: &Sandbox) {
    project(sandbox);
    let stock = std::fs::read_to_string(sandbox.path().join("mig/env.py")).expect("env.py");
    sandbox.write(
        "mig/env.py",
        &format!(
            "from alembic import context as printing\n\
             options = dict(vars(printing.config.cmd_opts))\n\
             options['cmd'] = (options['cmd'][0].__name__,) + tuple(options['cmd'][1:])\n\
             print(sorted(options.items()))\n{stock}"
        ),
    );
}

const COMMAND_LINES: Scenario = Scenario {
    project: printing_options,
    on: On::Sqlite,
    steps: &[
        step("", "-x a=1 -x b upgrade head --tag t"),
        step("", "-q current --check-heads"),
        step("", "stamp --purge head"),
        step("", "revision --autogenerate -m m --rev-id b1"),
        step("", "history -i"),
        step("", "edit current").with(&[("EDITOR", "true"), ("VISUAL", "true")]),
        step("", "check"),
        step("", "ensure_version"),
        step("", "downgrade base"),
    ],
};

fn ending(sandbox: &Sandbox) {
    project(sandbox);
    sandbox.write("mig/env.py", "import os\nexec(os.environ['HOW'])\n");
}

const ENDINGS: Scenario = Scenario {
    project: ending,
    on: On::Sqlite,
    steps: &[
        step("", "upgrade head").with(&[("HOW", "raise SystemExit(3)")]),
        step("", "upgrade head").with(&[("HOW", "raise SystemExit('enough')")]),
        step("", "upgrade head").with(&[("HOW", "os._exit(5)")]),
        step("", "upgrade head")
            .with(&[("HOW", "os._exit(0)")])
            .differs("an `env.py` that ends its process", 1, "(exit status: 0)"),
    ],
};

replays! {
    options_as_argparse_takes_them: OPTIONS;
    links_and_empty_declarations: SCRIPTS;
    command_line_options: COMMAND_LINES;
    an_environment_that_ends_the_process: ENDINGS;
}
