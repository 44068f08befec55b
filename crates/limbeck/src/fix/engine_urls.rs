//! Facts about database URLs for `fix`: whether an engine accepts a URL unchanged, and whether a module doubles `%`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use limbeck_script::repair::EngineKind;
use limbeck_url::{ensure_async_database_url, ensure_sync_database_url};

use crate::config::Config;

const URL_KEY: &str = "sqlalchemy.url";

/// Drivers that only an asynchronous engine accepts.
const ONLY_ASYNC: [&str; 5] = [
    "asyncpg",
    "psycopg_async",
    "aiomysql",
    "asyncmy",
    "aiosqlite",
];

/// Returns whether the configuration has URLs and an engine accepts each of them.
pub(super) fn accepts_configuration(config: &Config, engine: EngineKind) -> bool {
    let Some(ini) = config.ini() else {
        return false;
    };
    let mut found = false;
    for section in ini.sections() {
        match ini.get(section, URL_KEY) {
            Ok(None) => {}
            Ok(Some(text)) if accepts(&text, engine) => found = true,
            // `env.py` may complete a URL that limbeck can't read.
            Ok(Some(_)) | Err(_) => return false,
        }
    }
    found
}

/// Returns whether an engine accepts a URL. A text that is not a URL counts as accepted: SQLAlchemy decides.
pub(super) fn accepts(text: &str, engine: EngineKind) -> bool {
    let Some((scheme, _)) = text.split_once("://") else {
        return true;
    };
    let (dialect, driver) = scheme.split_once('+').unwrap_or((scheme, ""));
    let is_async = ONLY_ASYNC.contains(&driver);
    let accepts_driver = match engine {
        EngineKind::Sync => !is_async,
        EngineKind::Async => is_async || driver == "psycopg",
    };
    if dialect == "postgres" {
        return false;
    }
    let converted = match engine {
        EngineKind::Sync => ensure_sync_database_url(text),
        EngineKind::Async => ensure_async_database_url(text),
    };
    match converted {
        Ok(converted) => accepts_driver && parameters(text) == parameters(converted.reveal_url()),
        Err(_) => engine == EngineKind::Async || !is_async,
    }
}

/// Returns whether the module of a dotted path contains `'%%'`: `app.config` for `app.config.settings.url`.
pub(super) fn doubles_percent(sources: &[PathBuf], path: &str) -> bool {
    let parts: Vec<&str> = path.split('.').collect();
    let modules = (1..=parts.len()).rev().flat_map(|length| {
        let module: PathBuf = parts[..length].iter().collect();
        [module.with_extension("py"), module.join("__init__.py")]
    });
    let files = modules.flat_map(|module| sources.iter().map(move |source| source.join(&module)));
    // A file that can't be read is not a module of the project.
    let texts = files.filter_map(|file| std::fs::read_to_string(file).ok());
    texts
        .into_iter()
        .any(|text| ["'%%'", "\"%%\""].iter().any(|word| text.contains(word)))
}

/// Returns the names of a URL's parameters.
fn parameters(url: &str) -> BTreeSet<&str> {
    let after = url.rsplit('@').next().unwrap_or(url);
    let query = after.split_once('?').map_or("", |(_, query)| query);
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split('=').next().unwrap_or(pair))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{EngineKind, accepts, doubles_percent};

    #[test]
    fn detects_modules_that_double_percent_signs() {
        let folder = tempfile::tempdir().unwrap();
        let app = folder.path().join("app");
        fs::create_dir(&app).unwrap();
        fs::write(app.join("__init__.py"), "").unwrap();
        fs::write(app.join("config.py"), "url = u.replace('%', '%%')\n").unwrap();
        fs::write(app.join("plain.py"), "url = '100%'\n").unwrap();
        let sources = [folder.path().join("src"), folder.path().to_owned()];
        for (path, expected) in [
            ("app.config.settings.url", true),
            ("app.config", true),
            ("app.plain.url", false),
            ("os.environ", false),
            (".config.url", false),
        ] {
            assert_eq!(doubles_percent(&sources, path), expected, "{path}");
        }
    }

    #[test]
    fn knows_the_urls_that_each_engine_accepts() {
        for (text, sync, asynchronous) in [
            ("postgresql+asyncpg://u:p@h/d", false, true),
            ("postgresql+asyncpg://u:p@h/d?ssl=require", false, true),
            ("postgresql+asyncpg://u:p@h/d?sslmode=require", false, false),
            ("postgresql+psycopg2://u:p@h/d?sslmode=require", true, false),
            ("postgresql+psycopg2://u:p@h/d?ssl=require", false, false),
            ("postgresql+psycopg://u:p@h/d", true, true),
            ("postgresql://u:p%40@h/d", true, false),
            ("postgres://u:p@h/d", false, false),
            ("mysql+aiomysql://u:p@h/d?charset=utf8mb4", false, true),
            ("mysql+pymysql://u:p@h/d", true, false),
            ("sqlite:///a.db", true, false),
            ("sqlite+aiosqlite:///a.db", false, true),
            ("driver://user:pass@localhost/dbname", true, true),
            ("not a url", true, true),
        ] {
            assert_eq!(accepts(text, EngineKind::Sync), sync, "{text}");
            assert_eq!(accepts(text, EngineKind::Async), asynchronous, "{text}");
        }
    }
}
