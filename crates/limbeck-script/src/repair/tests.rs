//! Repairs of many forms of `env.py`.

use proptest::prelude::*;

use super::{
    EngineKind, RepairContext, RepairPlan, UnchangedReason, UnsupportedCode, apply_edits, plan,
};

const HEAD: &str = "\
from sqlalchemy import create_engine, engine_from_config, pool
from alembic import context
import os
config = context.config
";

/// Plans the repair, given whether the engines accept the URL of the configuration.
fn planned(source: &str, configuration_suits: bool) -> RepairPlan {
    let context = RepairContext {
        url_suits: &|url, engine| url.contains("psycopg2") == (engine == EngineKind::Sync),
        configuration_suits: &|_| configuration_suits,
        doubles_percent: &|path| path.starts_with("app.escaped."),
    };
    plan(source, &context)
}

/// Returns the repaired text without the inserted functions. Checks that a second repair changes nothing.
#[track_caller]
fn repaired(source: &str) -> String {
    let RepairPlan::Edits(edits) = planned(source, false) else {
        panic!("{:?}", planned(source, false));
    };
    let text = apply_edits(source, &edits);
    assert_eq!(
        planned(&text, false),
        RepairPlan::Unchanged(UnchangedReason::AlreadyConverted),
        "{text}"
    );
    let mut rest = text.clone();
    for engine in EngineKind::ALL {
        let snippet = engine.snippet().trim_end();
        let written = format!("\n\n\n{snippet}");
        rest = rest.replace(&format!("{written}\n\n\n"), "\n");
    }
    assert!(!rest.contains("---- limbeck fix"), "{rest}");
    rest
}

#[track_caller]
fn check(body: &str, expected: &str) {
    let source = format!("{HEAD}{body}");
    let found = repaired(&source);
    let start = found.find("config = context.config\n").unwrap();
    let found = &found[start + "config = context.config\n".len()..];
    assert_eq!(found, expected);
}

#[track_caller]
fn check_unsupported(source: &str, line: usize, expected: &str) {
    let RepairPlan::Unsupported(UnsupportedCode {
        line: at, reason, ..
    }) = planned(source, false)
    else {
        panic!("{:?}", planned(source, false));
    };
    assert!(reason.contains(expected), "{reason}");
    assert_eq!(at, line, "{reason}");
}

#[test]
fn wraps_the_arguments_of_engines() {
    check(
        "e = create_engine(os.environ['U'], poolclass=pool.NullPool)\n",
        "e = create_engine(ensure_sync_database_url(os.environ['U']), poolclass=pool.NullPool)\n",
    );
    check(
        "e = create_engine(url=get())\n",
        "e = create_engine(url=ensure_sync_database_url(get()))\n",
    );
    check(
        "e = create_engine(\n    os.getenv('U', 'd'),  # why\n)\n",
        "e = create_engine(\n    ensure_sync_database_url(os.getenv('U', 'd')),  # why\n)\n",
    );
    check(
        "e = create_engine(\n    ('a'\n     'b')\n)\n",
        "e = create_engine(\n    (ensure_sync_database_url('a'\n     'b'))\n)\n",
    );
    check(
        "e = create_engine(f'postgresql+asyncpg://{user}@{host}/d')\n",
        "e = create_engine(ensure_sync_database_url(f'postgresql+asyncpg://{user}@{host}/d'))\n",
    );
    check(
        "e = create_engine(s.URL.replace('+asyncpg', ''))\n",
        "e = create_engine(ensure_sync_database_url(s.URL.replace('+asyncpg', '')))\n",
    );
    check(
        "from sqlalchemy.ext.asyncio import create_async_engine as make\ne = make(s.url)\n",
        "from sqlalchemy.ext.asyncio import create_async_engine as make\ne = make(ensure_async_database_url(s.url))\n",
    );
    check(
        "import sqlalchemy as sa\ne = sa.create_engine(s.url)\n",
        "import sqlalchemy as sa\ne = sa.create_engine(ensure_sync_database_url(s.url))\n",
    );
    check(
        "from sqlalchemy.ext.asyncio import AsyncEngine\ne = AsyncEngine(create_engine(u(), future=True))\n",
        "from sqlalchemy.ext.asyncio import AsyncEngine\ne = AsyncEngine(create_engine(ensure_async_database_url(u()), future=True))\n",
    );
}

#[test]
fn converts_the_url_of_a_section() {
    check(
        "e = engine_from_config(\n    config.get_section(config.config_ini_section, {}),\n    prefix='sqlalchemy.',\n    poolclass=pool.NullPool,  # why\n)\n",
        "e = engine_from_config(\n    config.get_section(config.config_ini_section, {}),\n    prefix='sqlalchemy.',\n    poolclass=pool.NullPool,  # why\n    url=ensure_sync_database_url(config.get_main_option(\"sqlalchemy.url\")),\n)\n",
    );
    check(
        "e = engine_from_config(config.get_section(config.config_ini_section),\n                       poolclass=pool.NullPool)\n",
        "e = engine_from_config(config.get_section(config.config_ini_section),\n                       poolclass=pool.NullPool,\n                       url=ensure_sync_database_url(config.get_main_option(\"sqlalchemy.url\")))\n",
    );
    check(
        "e = engine_from_config(\n    config.get_section('other')  # why\n)\n",
        "e = engine_from_config(\n    config.get_section('other'),  # why\n    url=ensure_sync_database_url(config.get_section_option('other', \"sqlalchemy.url\"))\n)\n",
    );
    check(
        "e = engine_from_config(c, prefix='db.')\n",
        "e = engine_from_config(c, prefix='db.', url=ensure_sync_database_url(c[\"db.url\"]))\n",
    );
    check(
        "e = engine_from_config(c, prefix='a\"\\\\é.')\n",
        "e = engine_from_config(c, prefix='a\"\\\\é.', url=ensure_sync_database_url(c[\"a\\\"\\\\é.url\"]))\n",
    );
    check(
        "c = config.get_section('x')\nc['sqlalchemy.url'] = get()\ne = engine_from_config(c)\nf = engine_from_config(c)\n",
        "c = config.get_section('x')\nc['sqlalchemy.url'] = ensure_sync_database_url(get())\ne = engine_from_config(c)\nf = engine_from_config(c)\n",
    );
    check(
        "c = config.get_section('x')\nif a:\n    c['sqlalchemy.url'] = get()\ne = engine_from_config(c)\n",
        "c = config.get_section('x')\nif a:\n    c['sqlalchemy.url'] = get()\ne = engine_from_config(c, url=ensure_sync_database_url(c[\"sqlalchemy.url\"]))\n",
    );
    check(
        "e = engine_from_config({'sqlalchemy.url': get()})\n",
        "e = engine_from_config({'sqlalchemy.url': ensure_sync_database_url(get())})\n",
    );
    check(
        "e = engine_from_config(c, url=get())\n",
        "e = engine_from_config(c, url=ensure_sync_database_url(get()))\n",
    );
}

#[test]
fn converts_the_options_of_the_configuration() {
    let end = "e = engine_from_config(config.get_section(config.config_ini_section))\n";
    let set =
        |before: &str, after: &str| check(&format!("{before}{end}"), &format!("{after}{end}"));
    set(
        "config.set_main_option('sqlalchemy.url', s.URL)\n",
        "config.set_main_option('sqlalchemy.url', ensure_sync_database_url(s.URL).replace(\"%\", \"%%\"))\n",
    );
    set(
        "config.set_main_option('sqlalchemy.url', s.URL.replace('%', '%%'))\n",
        "config.set_main_option('sqlalchemy.url', ensure_sync_database_url(s.URL).replace('%', '%%'))\n",
    );
    set(
        "u = s.URL.replace('%', '%%')\nconfig.set_main_option('sqlalchemy.url', u)\n",
        "u = s.URL.replace('%', '%%')\nconfig.set_main_option('sqlalchemy.url', ensure_sync_database_url(u.replace(\"%%\", \"%\")).replace(\"%\", \"%%\"))\n",
    );
    set(
        "from app.escaped import settings\nconfig.set_main_option('sqlalchemy.url', str(settings.url))\n",
        "from app.escaped import settings\nconfig.set_main_option('sqlalchemy.url', ensure_sync_database_url(str(settings.url).replace(\"%%\", \"%\")).replace(\"%\", \"%%\"))\n",
    );
    // An option that is set for another command doesn't count.
    check(
        "cfg.set_main_option('sqlalchemy.url', u)\ne = create_engine(config.get_main_option('sqlalchemy.url'))\n",
        "cfg.set_main_option('sqlalchemy.url', ensure_sync_database_url(u).replace(\"%\", \"%%\"))\ne = create_engine(ensure_sync_database_url(config.get_main_option('sqlalchemy.url')))\n",
    );
    // The module sets the option only sometimes, so the reader converts the URL, too.
    check(
        "if a:\n    config.set_main_option('sqlalchemy.url', a)\ne = create_engine(config.get_main_option('sqlalchemy.url'))\n",
        "if a:\n    config.set_main_option('sqlalchemy.url', ensure_sync_database_url(a).replace(\"%\", \"%%\"))\ne = create_engine(ensure_sync_database_url(config.get_main_option('sqlalchemy.url')))\n",
    );
}

#[test]
fn converts_a_url_that_makes_no_connection() {
    check(
        "u = config.get_main_option('sqlalchemy.url')\ncontext.configure(url=u)\ne = create_engine(u)\n",
        "u = config.get_main_option('sqlalchemy.url')\ncontext.configure(url=ensure_sync_database_url(u))\ne = create_engine(ensure_sync_database_url(u))\n",
    );
    check(
        "def f():\n    context.configure(url=None, dialect_name='x')\ne = create_engine(g())\n",
        "def f():\n    context.configure(url=None, dialect_name='x')\ne = create_engine(ensure_sync_database_url(g()))\n",
    );
}

#[test]
fn changes_nothing_if_each_url_suits_its_engine() {
    for body in [
        "e = create_engine('postgresql+psycopg2://h/d')\n",
        "e = create_engine(config.get_main_option('sqlalchemy.url'))\n",
        "c = config.get_section(config.config_ini_section) or {}\ne = engine_from_config(c)\n",
        "r = {}\nr['u'] = config.get_section_option(n, 'sqlalchemy.url')\ncontext.configure(url=r['u'])\ne = engine_from_config(config.get_section(n))\n",
    ] {
        let source = format!("{HEAD}{body}");
        assert_eq!(
            planned(&source, true),
            RepairPlan::Unchanged(UnchangedReason::UrlsSuit),
            "{body}"
        );
    }
    // The values of the ini file may refer to an option that the module sets.
    let body = "config.set_section_option('s', 'HOST', h)\ne = create_engine(config.get_main_option('sqlalchemy.url'))\n";
    assert!(matches!(
        planned(&format!("{HEAD}{body}"), true),
        RepairPlan::Edits(_)
    ));
    let own =
        "from limbeck.alembic import sync_database_url\ne = create_engine(sync_database_url())\n";
    assert_eq!(
        planned(&format!("{HEAD}{own}"), false),
        RepairPlan::Unchanged(UnchangedReason::AlreadyConverted)
    );
}

#[test]
fn reports_unsupported_code() {
    let source = |body: &str| format!("{HEAD}{body}");
    check_unsupported(&source("exec(open('x').read())\n"), 5, "`exec` runs code");
    check_unsupported(
        &source(
            "from app.db import engine\nwith engine.connect() as c:\n    pass\ncreate_engine(u())\n",
        ),
        6,
        "comes from `app.db.engine`",
    );
    check_unsupported(
        &source(
            "from flask import current_app\ndef get():\n    return current_app.extensions['m'].db.engine\nwith get().connect() as c:\n    pass\n",
        ),
        8,
        "comes from `flask.current_app.extensions`",
    );
    check_unsupported(&source("x = 1\n"), 1, "it makes no engine");
    check_unsupported(&source("create_engine(*a)\n"), 5, "by `*` or `**`");
    check_unsupported(
        &source("engine_from_config(c, **more)\n"),
        5,
        "by `*` or `**`",
    );
    check_unsupported(
        &source("engine_from_config(make())\n"),
        5,
        "computed in place",
    );
    check_unsupported(
        &source("\ncreate_engine(u(), connect_args={'ssl': 'require'})\n"),
        6,
        "`ssl` of asyncpg",
    );
    check_unsupported("import os\n\ndef f(:\n", 3, "not valid Python");
    check_unsupported(
        &source("def ensure_sync_database_url(u): ...\ncreate_engine(u())\n"),
        5,
        "already defines another `ensure_sync_database_url`",
    );
}

#[test]
fn inserts_the_function_below_the_imports() {
    let text = |source: &str| match planned(source, false) {
        RepairPlan::Edits(edits) => apply_edits(source, &edits),
        other => panic!("{other:?}"),
    };
    let snippet = EngineKind::Sync.snippet().trim_end();
    let end = "e = create_engine(ensure_sync_database_url(u()))\n";
    let imports = "from sqlalchemy import create_engine  # all\n";
    let call = "e = create_engine(u())\n";
    assert_eq!(
        text(&format!("{imports}\n# about\n{call}import later\n")),
        format!("{imports}\n\n{snippet}\n\n\n# about\n{end}import later\n")
    );
    // No import is above: the function goes after the docstring, or after the comments at the top.
    let late = "if a: e = create_engine(u())\nfrom sqlalchemy import create_engine\n";
    let late_end = "if a: e = create_engine(ensure_sync_database_url(u()))\nfrom sqlalchemy import create_engine\n";
    for top in ["'About.'\n", "#!/bin/python\n# coding: utf-8\n"] {
        assert_eq!(
            text(&format!("{top}{late}")),
            format!("{top}\n\n{snippet}\n\n\n{late_end}")
        );
    }
    assert_eq!(text(late), format!("{snippet}\n\n\n{late_end}"));
    check_unsupported(
        "from sqlalchemy import create_engine; e = create_engine(u())\n",
        1,
        "are on one line",
    );
    // Statements on one line stay together.
    assert_eq!(
        text(&format!("{imports}import os; x = (\n  1)\n{call}")),
        format!("{imports}import os; x = (\n  1)\n\n\n{snippet}\n\n\n{end}")
    );
}

#[test]
fn keeps_line_endings_and_indentation() {
    let plain = format!("{HEAD}def f():\n\te = create_engine(\n\t\tu(),\n\t)\n\treturn e\n");
    for end in ["\n", "\r\n", "\r"] {
        for mark in ["", "\u{feff}"] {
            let source = format!("{mark}# é\n{plain}").replace('\n', end);
            let RepairPlan::Edits(edits) = planned(&source, false) else {
                panic!("{:?}", planned(&source, false));
            };
            let text = apply_edits(&source, &edits);
            for edit in &edits {
                assert!(edit.range.is_empty(), "{edit:?}");
                let lone = edit.text.replace(end, "").contains(['\r', '\n']);
                assert!(!lone, "{edit:?}");
                let spaces = edit
                    .text
                    .split(['\r', '\n'])
                    .any(|line| line.starts_with(' '));
                assert!(!spaces, "{edit:?}");
            }
            assert_eq!(
                planned(&text, false),
                RepairPlan::Unchanged(UnchangedReason::AlreadyConverted)
            );
        }
    }
}

/// Most of the supported code, in one text.
const SHAPES: &str = "\
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
c = config.get_section(config.config_ini_section) or {}
c['sqlalchemy.url'] = os.environ['é']
def get_url():
    return f'postgresql+asyncpg://{os.getenv(\"U\")}@h/d'
if config.get_main_option('sqlalchemy.url'):
    config.set_main_option('sqlalchemy.url', (u := get_url()))
async def run():
    e = AsyncEngine(engine_from_config(
        c, prefix='sqlalchemy.', # why
        poolclass=(pool.NullPool), future=True
    ))
    async with e.connect() as connection: context.configure(connection=connection)
    async with create_async_engine(url=get_url()).connect() as other: pass
context.configure(url='x' if a else get_url(), literal_binds=True); create_engine(u)
";

#[test]
fn converts_all_urls_of_a_long_file() {
    let text = repaired(&format!("{HEAD}{SHAPES}"));
    assert_eq!(
        text.matches("ensure_sync_database_url(").count(),
        2,
        "{text}"
    );
    assert_eq!(
        text.matches("ensure_async_database_url(").count(),
        2,
        "{text}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Deletes or repeats a random part of the text. A repair then only inserts, and a second repair changes nothing.
    #[test]
    fn a_second_repair_changes_nothing(start in 0.0..1.0, length in 0_usize..60, twice: bool) {
        let text = format!("{HEAD}{SHAPES}");
        let chars: Vec<char> = text.chars().collect();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "an index into the text")]
        let start = (start * chars.len() as f64) as usize;
        let end = (start + length).min(chars.len());
        let source: String = if twice {
            chars[..end].iter().chain(&chars[start..]).collect()
        } else {
            chars[..start].iter().chain(&chars[end..]).collect()
        };
        if let RepairPlan::Edits(edits) = planned(&source, false) {
            prop_assert!(edits.iter().all(|edit| edit.range.is_empty()));
            prop_assert!(edits.is_sorted_by_key(|edit| edit.range.start));
            let repaired = apply_edits(&source, &edits);
            let again = planned(&repaired, false);
            prop_assert!(matches!(again, RepairPlan::Unchanged(_)), "{again:?}\n{source}\n{repaired}");
        }
    }
}
