//! URLs with secrets, and the places in a project to put them.

use proptest::prelude::*;
use proptest::sample::select;

use super::secret::Secret;

/// Valid and invalid URLs, and URLs of other programs. `{}` is the secret.
const URLS: &[&str] = &[
    "postgresql+asyncpg://app:{}@127.0.0.1:1/d",
    "postgresql://app:{}@127.0.0.1:1/d",
    "postgresql+psycopg2://app:{}@127.0.0.1:1/d?sslmode=require",
    "postgresql+psycopg://app:{}@256.256.256.256:1/d",
    "postgres://app:{}@127.0.0.1:1/d",
    "mysql+aiomysql://app:{}@127.0.0.1:1/d",
    "mysql+pymysql://app:{}@127.0.0.1:1/d",
    "mariadb+asyncmy://app:{}@127.0.0.1:1/d",
    "mysql://app:{}@256.256.256.256:1/d",
    "oracle+oracledb://app:{}@127.0.0.1:1/d",
    "nothing://app:{}@127.0.0.1:1/d",
    "postgresql+nothing://app:{}@127.0.0.1:1/d",
    "sqlite://app:{}@h/a.db",
    "sqlite+aiosqlite:///nowhere/a.db?password={}",
    "sqlite:///file:nowhere/a.db?key={}&mode=ro&uri=true",
    "postgresql+asyncpg://app@127.0.0.1:1/d?password={}",
    "postgresql+asyncpg://app:x@127.0.0.1:1/d?ssl=require&sslmode=disable&password={}",
    "postgresql+psycopg2://app@127.0.0.1:1/d?sslmode=require&sslkey=/nowhere/k&sslpassword={}",
    "postgresql+psycopg2://app@127.0.0.1:1/d?passfile=/nowhere/p&password={}",
    "mysql+pymysql://app@127.0.0.1:1/d?passwd={}",
    "mysql+pymysql://app@127.0.0.1:1/d?ssl_key=/nowhere/k&ssl_key_password={}",
    "postgresql://app@127.0.0.1:1/d?api_token={}",
    "postgresql://127.0.0.1:1/d?user=app&password={}",
    "postgresql://app:{}@127.0.0.1:x/d",
    "postgresql+asyncpg://app:{}@127.0.0.1:99999/d",
    "postgresql://app:{}@[::1/d",
    "postgresql+asyncpg://app:{}@h1:1,h2:1/d",
    "postgresql://app:{}",
    "postgresql+asyncpg://app:{}/d",
    "postgresql:/app:{}@127.0.0.1:1/d",
    "postgresql:app:{}@127.0.0.1:1/d",
    "postgresql//app:{}@127.0.0.1:1/d",
    " postgresql+asyncpg://app:{}@127.0.0.1:1/d",
    "'postgresql://app:{}@127.0.0.1:1/d'",
    "\"postgresql://app:{}@127.0.0.1:1/d\"",
    "jdbc:postgresql://127.0.0.1:1/d?user=app&password={}",
    "DATABASE_URL=postgresql://app:{}@127.0.0.1:1/d",
    "host=127.0.0.1 port=1 user=app password={}",
    "host=127.0.0.1 port=1 user=app password='{}'",
    "host=127.0.0.1 port=1 user=app password='{} x",
    "password={} host=127.0.0.1 port=x",
];

/// URLs with a secret as the value of another parameter. `limbeck url` shows no values. A connection error does, like
/// `psql`: such a value is not a secret, and users have to find typing errors.
const MISPLACED: &[&str] = &[
    "postgresql://app@127.0.0.1:1/d?sslmode={}",
    "postgresql+asyncpg://app@127.0.0.1:1/d?ssl={}",
    "postgresql+asyncpg://app@127.0.0.1:1/d?timeout={}",
    "mysql+pymysql://app@127.0.0.1:1/d?connect_timeout={}",
];

pub(super) fn urls() -> impl Strategy<Value = &'static str> {
    select(URLS)
}

/// Puts the secret into a URL. If the URL has no `@`, an `@` in the secret would start a host and is encoded.
pub(super) fn with(url: &str, written: &str) -> String {
    if url.contains('@') || url.contains('=') {
        url.replace("{}", written)
    } else {
        url.replace("{}", &written.replace('@', "%40"))
    }
}

pub(super) fn misplaced_urls() -> impl Strategy<Value = &'static str> {
    select(MISPLACED)
}

/// The place of a URL, or of the secret alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SecretPlace {
    /// `sqlalchemy.url` with single `%`.
    Ini,
    /// `sqlalchemy.url` with `%%`.
    IniDoubled,
    /// A separate value of the ini, for the password.
    IniReference,
    /// Another option of the ini, with the URL as its value.
    IniElsewhere,
    /// A line of the ini without `key = value`.
    IniBroken,
    /// A text of `[tool.alembic]`.
    Pyproject,
    /// Invalid TOML.
    PyprojectBroken,
    /// `DATABASE_URL`, which `env.py` reads.
    Variable,
    /// `PGPASSWORD` and similar variables.
    PasswordVariable,
    /// `POSTGRES_HOST`, `POSTGRES_PASSWORD`, …
    Parts,
    /// `DATABASE_URL` of `.env`.
    DotEnv,
    /// `POSTGRES_PASSWORD` of `.env`.
    DotEnvParts,
    /// `--overrides`.
    Overrides,
    /// `--overrides` with invalid JSON.
    OverridesBroken,
    /// `ALEMBIC_CONFIG`.
    ConfigVariable,
    /// `env.py` itself.
    EnvPy,
    /// An exception of `env.py` that quotes it.
    Exception,
}

impl SecretPlace {
    pub(super) const ALL: [Self; 17] = [
        Self::Ini,
        Self::IniDoubled,
        Self::IniReference,
        Self::IniElsewhere,
        Self::IniBroken,
        Self::Pyproject,
        Self::PyprojectBroken,
        Self::Variable,
        Self::PasswordVariable,
        Self::Parts,
        Self::DotEnv,
        Self::DotEnvParts,
        Self::Overrides,
        Self::OverridesBroken,
        Self::ConfigVariable,
        Self::EnvPy,
        Self::Exception,
    ];
}

/// The changes to the plain project.
#[derive(Debug, Default)]
pub(super) struct Setting {
    pub(super) files: Vec<(&'static str, String)>,
    pub(super) variables: Vec<(&'static str, String)>,
    pub(super) options: Vec<String>,
}

/// The plain project's ini and `env.py`.
#[derive(Debug, Clone)]
pub(super) struct Plain {
    pub(super) ini: String,
    pub(super) env: String,
}

const PLACEHOLDER: &str = "driver://user:pass@localhost/dbname";

impl Plain {
    fn ini(&self, url: &str) -> (&'static str, String) {
        ("alembic.ini", self.ini.replace(PLACEHOLDER, url))
    }

    /// Returns an `env.py` whose engine uses a Python expression as its URL.
    fn env(url: &str) -> (&'static str, String) {
        let start =
            "import os\nfrom alembic import context\nfrom sqlalchemy import create_engine\n";
        let rest = "\
def run(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    context.configure(url=URL, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(URL.replace('+asyncpg', '')).connect() as connection:
        run(connection)
";
        (
            "migrations/env.py",
            format!("{start}\nURL = {url}\n\n{rest}"),
        )
    }

    /// Puts a URL with this secret into the project. Returns `None` if the place can't hold the secret.
    pub(super) fn with(&self, way: SecretPlace, url: &str, secret: &Secret) -> Option<Setting> {
        let clear = secret.clear();
        let quoted = serde_json::to_string(url).expect("a text");
        let reads = Self::env("os.environ['DATABASE_URL']");
        let mut setting = Setting::default();
        let Setting {
            files,
            variables,
            options,
        } = &mut setting;
        let good = || "postgresql+asyncpg://app@127.0.0.1:1/d".to_owned();
        match way {
            SecretPlace::Ini => files.push(self.ini(url)),
            SecretPlace::IniDoubled => files.push(self.ini(&url.replace('%', "%%"))),
            SecretPlace::IniReference => {
                let password = clear?.replace('%', "%%");
                let (name, ini) = self.ini("postgresql+asyncpg://app:%(db)s@127.0.0.1:1/d");
                files.push((name, format!("[DEFAULT]\ndb = {password}\n{ini}")));
            }
            SecretPlace::IniElsewhere => {
                let key = ["script_location", "prepend_sys_path", "path_separator"][url.len() % 3];
                let doubled = url.replace('%', "%%");
                let changed = self.ini.lines().map(|line| match line.split_once('=') {
                    Some((name, _)) if name.trim() == key => format!("{key} = {doubled}\n"),
                    _ => format!("{line}\n"),
                });
                let more = format!("[alembic]\nrevision_environment = {doubled}");
                let ini = changed.collect::<String>();
                files.push(("alembic.ini", ini.replacen("[alembic]", &more, 1)));
            }
            SecretPlace::IniBroken => {
                let (name, ini) = self.ini(&good());
                let ini = ini.replacen("[alembic]", &format!("[alembic]\n{url}"), 1);
                files.push((name, ini));
            }
            SecretPlace::Pyproject => {
                let text = format!(
                    "[tool.alembic]\nscript_location = \"migrations\"\nurl = {quoted}\n\"sqlalchemy.url\" = {quoted}\nrevision_environment = {quoted}\n"
                );
                files.push(("pyproject.toml", text));
            }
            SecretPlace::PyprojectBroken => {
                files.push(("pyproject.toml", format!("[tool.alembic]\nurl = {url}\n")));
            }
            SecretPlace::Variable => {
                files.push(reads);
                variables.push(("DATABASE_URL", url.to_owned()));
            }
            SecretPlace::PasswordVariable => {
                files.push(self.ini(&good()));
                for name in ["PGPASSWORD", "MYSQL_PWD", "DB_PASSWORD"] {
                    variables.push((name, clear?.to_owned()));
                }
            }
            SecretPlace::Parts => {
                files.push(reads);
                variables.push(("POSTGRES_HOST", "127.0.0.1".into()));
                variables.push(("POSTGRES_PORT", "1".into()));
                variables.push(("POSTGRES_USER", "app".into()));
                variables.push(("POSTGRES_PASSWORD", clear?.to_owned()));
            }
            SecretPlace::DotEnv => {
                files.push(reads);
                files.push((".env", format!("DATABASE_URL={url}\n")));
            }
            SecretPlace::DotEnvParts => {
                files.push(reads);
                let password = clear?;
                files.push((
                    ".env",
                    format!("DB_HOST=127.0.0.1\nDB_PORT=1\nDB_PASSWORD={password}\n"),
                ));
            }
            SecretPlace::Overrides => {
                let doubled = serde_json::to_string(&url.replace('%', "%%")).expect("a text");
                files.push((
                    "o.json",
                    format!(r#"{{"alembic": {{"sqlalchemy.url": {doubled}}}}}"#),
                ));
                options.extend(["--overrides".to_owned(), "o.json".to_owned()]);
            }
            SecretPlace::OverridesBroken => {
                files.push((
                    "o.json",
                    format!(r#"{{"alembic": {{"sqlalchemy.url": {url}"#),
                ));
                options.extend(["--overrides".to_owned(), "o.json".to_owned()]);
            }
            SecretPlace::ConfigVariable => variables.push(("ALEMBIC_CONFIG", url.to_owned())),
            SecretPlace::EnvPy => files.push(Self::env(&quoted)),
            SecretPlace::Exception => {
                let (name, env) = Self::env(&quoted);
                let raise = "raise ValueError('no use for ' + URL)\n\n\ndef run";
                files.push((name, env.replacen("def run", raise, 1)));
            }
        }
        Some(setting)
    }
}
