//! Tests that neither `Debug` nor an error of the crate shows a secret of a project's configuration.

use limbeck::config::{Config, ConfigFiles};
use limbeck::db::ProcessEnvironment;
use limbeck::interpreter::InterpreterSearch;
use limbeck::project::{LoadedProject, Project};
use limbeck::{Migrator, ProbeTarget};
use limbeck_testkit::error_text;
use proptest::prelude::*;
use proptest::sample::select;

/// A stock `env.py`.
const ENV: &str = "\
from logging.config import fileConfig
from sqlalchemy import engine_from_config
from sqlalchemy import pool
from alembic import context
config = context.config
target_metadata = None
def run_migrations_offline():
    context.configure(url=config.get_main_option('sqlalchemy.url'))
def run_migrations_online() -> None:
    connectable = engine_from_config(
        config.get_section(config.config_ini_section, {}),
        prefix='sqlalchemy.',
        poolclass=pool.NullPool,
    )
    with connectable.connect() as connection:
        context.configure(connection=connection, target_metadata=target_metadata)
        with context.begin_transaction():
            context.run_migrations()
if context.is_offline_mode():
    run_migrations_offline()
else:
    run_migrations_online()
";

/// URLs, in which `{}` becomes the encoded secret.
const URLS: &[&str] = &[
    "postgresql+psycopg2://app:{}@127.0.0.1:1/d",
    "mysql+pymysql://app:{}@127.0.0.1:1/d",
    "postgresql+psycopg2://app:{}@127.0.0.1:x/d",
    "sqlite:///file:a.db?key={}&uri=true",
    "%(none)s{}",
    "{}%",
];

/// Returns the texts of `Debug` and of the errors for a project with this URL and pyproject file.
fn debug_and_error_texts(url: &str, toml: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_string_lossy().into_owned()
    };
    let here = folder.path().display();
    let ini = format!("[alembic]\nscript_location = {here}\nsqlalchemy.url = {url}\n");
    let files = ConfigFiles {
        ini: write("alembic.ini", &ini),
        toml: write("pyproject.toml", toml),
    };
    write("env.py", ENV);
    let mut config = match Config::load(&files, "alembic") {
        Ok(config) => config,
        Err(error) => return error_text(&error),
    };
    let mut all = format!("{config:?}");
    let option = config.text("sqlalchemy.url");
    if let Err(error) = &option {
        all += &error_text(error);
    }
    let migrator = Migrator::new(
        files,
        ProcessEnvironment::default(),
        InterpreterSearch::default(),
    );
    all += &format!(
        "{:?}",
        migrator
            .with_database_url(url)
            .with_variable("PGPASSWORD", url)
    );
    let project = match Project::read(config.clone(), Vec::new) {
        Ok(LoadedProject::Whole(project)) => project,
        Ok(LoadedProject::NeedsPython(unread)) => return all + &format!("{unread:?}"),
        Err(error) => return all + &format!("{error:?}"),
    };
    let native = ProbeTarget::read(&project, &ProcessEnvironment::default());
    assert!(
        !url.starts_with("mysql+pymysql") || matches!(native, Ok(Some(_))),
        "limbeck reads the stock `env.py` of a MySQL URL"
    );
    config.set("alembic", "sqlalchemy.url", url);
    all + &format!("{project:?} {native:?} {config:?} {:?}", config.ini())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("LIMBECK_TEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(200),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_type_shows_a_secret(
        words in ("[A-Za-z0-9]{12}", "(%%20|%%40|!|~)", "[A-Za-z0-9]{12}"),
        url in select(URLS),
        toml in select(&["", "[tool.alembic]\nurl = '{}'\nlist = ['{}']", "[tool.alembic]\nurl = '{}", "[tool]\nalembic = '{}'"]),
    ) {
        let written = format!("{}{}{}", words.0, words.1, words.2);
        let fill = |text: &str| text.replace("{}", &written);
        let all = debug_and_error_texts(&fill(url), &fill(toml));
        for word in [&words.0, &words.2] {
            prop_assert!(!all.contains(word.as_str()), "{}", all);
        }
    }
}
