//! Selection of configuration files, and the effects of their values.

use std::fs;

use limbeck_testkit::Sandbox;

use crate::replay::{On, Scenario, replays, step, stock};
use crate::support::{INI, sync_env};

/// Creates a project of the pyproject template, without an ini.
fn pyproject(sandbox: &Sandbox) {
    stock(sandbox, "pyproject", "mig");
    sandbox.write(
        "pyproject.toml",
        "[tool.alembic]\nscript_location = \"%(here)s/mig\"\nprepend_sys_path = [\".\"]\n",
    );
}

const SELECTION: Scenario = Scenario {
    project: pyproject,
    on: On::Sqlite,
    steps: &[
        step("175_history_pyproject_only", "history"),
        step("176_upgrade_no_ini", "upgrade head").differs(
            "an exception in a script, in `env.py` or in the database",
            1,
            "mig/env.py:15",
        ),
        step("177_c_twice", "-c pyproject.toml -c other.ini heads"),
        step(
            "178_c_twice_toml",
            "-c pyproject.toml -c a/pyproject.toml heads",
        )
        .differs(
            "two ini files with `-c`",
            1,
            "pyproject.toml indicated more than once",
        ),
        step("179_c_two_ini", "-c a.ini -c b.ini heads").differs(
            "two ini files with `-c`",
            1,
            "only one ini file may be indicated",
        ),
        step("180_env_config", "heads")
            .with(&[("ALEMBIC_CONFIG", "custom.ini")])
            .after(|sandbox| {
                fs::remove_file(sandbox.path().join("pyproject.toml"))
                    .expect("the file is removed");
                sandbox.write("custom.ini", "[alembic]\nscript_location = mig\n");
            }),
        step("", "history").with(&[("ALEMBIC_CONFIG", "gone.ini")]),
    ],
};

const FILE_TEMPLATE: &str = "file_template = %%(year)d_%%(month).2d_%%(day).2d_\
    %%(hour).2d%%(minute).2d%%(second).2d-%%(epoch)s-%%(rev)s_%%(slug)s\ntruncate_slug_length = 12\n";

fn ini(sandbox: &Sandbox, lines: &str) {
    sandbox.write(
        "alembic.ini",
        &format!("[alembic]\nscript_location = mig\n{lines}"),
    );
}

const VALUES: Scenario = Scenario {
    project: |sandbox| stock(sandbox, "generic", "mig"),
    on: On::Sqlite,
    steps: &[
        step(
            "181_file_template",
            "revision -m 'A long message: that gets truncated' --rev-id aa683ceb2780",
        )
        .after(|sandbox| ini(sandbox, FILE_TEMPLATE))
        .dated(),
        step("", "revision -m zoned --rev-id bb683ceb2780")
            .after(|sandbox| ini(sandbox, "timezone = europe/berlin\n")),
        step("182_bad_tz", "revision -m tz")
            .after(|sandbox| ini(sandbox, "timezone = Nope/Zone\n")),
        step("183_bad_sep", "heads")
            .after(|sandbox| ini(sandbox, "path_separator = banana\nprepend_sys_path = .\n"))
            .differs(
                "two ini files with `-c`, an unknown `path_separator`",
                1,
                "`banana` is not a valid path_separator",
            ),
        step("184_no_sep", "heads").after(|sandbox| ini(sandbox, "prepend_sys_path = .\n")),
    ],
};

const LOCATIONS: Scenario = Scenario {
    project: |sandbox| {
        stock(sandbox, "generic", "mig");
        ini(sandbox, "path_separator = os\nversion_locations = a:b\n");
    },
    on: On::Sqlite,
    steps: &[
        step("185_rev_two_locations", "revision -m x"),
        step(
            "186_rev_version_path",
            "revision -m x --version-path b --rev-id bbbb",
        ),
        step(
            "187_rev_bad_version_path",
            "revision -m x --version-path nope --head bbbb",
        ),
        step("188_interp_missing", "heads").after(|sandbox| {
            ini(
                sandbox,
                "path_separator = os\nversion_locations = a:b\nunused = %(missing)s\n",
            );
        }),
        step("", "history -v"),
    ],
};

fn with_url(sandbox: &Sandbox, url: &str) {
    stock(sandbox, "generic", "mig");
    let text = sandbox.read("alembic.ini");
    sandbox.write(
        "alembic.ini",
        &text.replace("driver://user:pass@localhost/dbname", url),
    );
}

const URLS: Scenario = Scenario {
    project: |_| {},
    on: On::Sqlite,
    steps: &[
        step("125_percent_in_url", "upgrade head")
            .after(|sandbox| with_url(sandbox, "postgresql://user:p%40ss@localhost/t1"))
            .differs(
                "an exception in a script, in `env.py` or in the database",
                1,
                "'%' must be followed by '%' or '('",
            ),
        step("126_default_url", "upgrade head")
            .after(|sandbox| with_url(sandbox, "driver://user:pass@localhost/dbname"))
            // With a URL in this variable, limbeck uses that URL.
            .with(&[("DATABASE_URL", "")])
            .differs(
                "an exception in a script, in `env.py` or in the database",
                1,
                "Can't load plugin: sqlalchemy.dialects:driver",
            ),
    ],
};

const HOOKS: &str = "
[post_write_hooks]
hooks = returns, shown
returns.type = exec
returns.executable = sed
returns.options = -i s/pass/return/ REVISION_SCRIPT_FILENAME
shown.type = exec
shown.executable = basename
";

/// Values without a recording.
const MORE_VALUES: Scenario = Scenario {
    project: |sandbox| {
        stock(sandbox, "generic", "mig");
        sandbox.write("mig/env.py", &sync_env(""));
        sandbox.write("alembic.ini", INI.replace("/migrations", "/mig").as_str());
    },
    on: On::Sqlite,
    steps: &[
        step("", "revision -m one --rev-id aa01"),
        step("", "revision -m hooked --rev-id aa02").after(|sandbox| {
            sandbox.write("alembic.ini", &(sandbox.read("alembic.ini") + HOOKS));
        }),
        step("", "revision -m nohook --rev-id aa03").after(|sandbox| {
            let text = sandbox.read("alembic.ini");
            sandbox.write("alembic.ini", &text.replace("shown.type = exec\n", ""));
        }),
        step("", "revision -m looked --rev-id aa04").after(|sandbox| {
            let text = sandbox.read("alembic.ini");
            let text = text.split("[post_write_hooks]").next().unwrap_or_default();
            let text = text.replace("[loggers]", "revision_environment = true\n[loggers]");
            sandbox.write("alembic.ini", &text);
        }),
        step("", "history"),
        step("", "revision -m text --rev-id aa05 --sql"),
        step("", "upgrade head --tag t"),
        step(
            "",
            "merge -m m aa04 aa03 --splice --rev-id aa06 --branch-label joined",
        ),
        step("", "heads").after(|sandbox| {
            sandbox.write(
                "mig/versions/2024/x.py",
                "revision = 'bb'\ndown_revision = None\n",
            );
            let text = sandbox.read("alembic.ini");
            let text = text.replace("[loggers]", "recursive_version_locations = true\n[loggers]");
            sandbox.write("alembic.ini", &text);
        }),
        step("", "heads")
            .after(|sandbox| sandbox.write("alembic.ini", "[alembic\nscript_location = mig\n"))
            .differs(
                "two ini files with `-c`, an unknown `path_separator`",
                1,
                "alembic.ini",
            ),
        step("", "heads")
            .after(|sandbox| ini(sandbox, "script_location = again\n"))
            .differs(
                "two ini files with `-c`, an unknown `path_separator`",
                1,
                "alembic.ini:3",
            ),
        step("", "heads").after(|sandbox| {
            sandbox.write("alembic.ini", "[alembic]\nscript_location = gone\n");
        }),
    ],
};

replays! {
    more_values: MORE_VALUES;
    selection_of_files: SELECTION;
    values: VALUES;
    locations: LOCATIONS;
    urls_in_the_ini: URLS;
}
