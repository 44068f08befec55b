//! Checks of `alembic.ini` and `pyproject.toml`.

use std::path::Path;

use super::check::{Check, Id};
use crate::config::{Config, ConfigError, ConfigFiles};

/// Checks the files and their values. `folder` is what `script_location` leads to, where that can be told.
pub(super) fn check(
    files: &ConfigFiles,
    config: &Result<Config, ConfigError>,
    folder: Option<&Path>,
) -> Vec<Check> {
    let config = match config {
        Ok(config) => config,
        Err(error) => {
            let mut checks = vec![of_error(Id::ConfigFile, error)];
            for (id, what) in [
                (Id::ConfigScriptLocation, "`script_location`"),
                (Id::ConfigPrependSysPath, "`prepend_sys_path`"),
                (Id::ConfigPercent, "percent signs"),
            ] {
                checks.push(id.not_checked(what, "the configuration can't be read"));
            }
            return checks;
        }
    };
    let mut checks = vec![file(files, config)];
    checks.push(script_location(config, folder));
    checks.extend(prepend_sys_path(config));
    checks.extend(percent(config));
    checks
}

fn file(files: &ConfigFiles, config: &Config) -> Check {
    let named = [
        (&files.ini, config.ini().is_some()),
        (&files.toml, config.has_toml()),
    ];
    let read: Vec<String> = named
        .into_iter()
        .filter(|(_, there)| *there)
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    if read.is_empty() {
        return Id::ConfigFile
            .error(format!(
                "there is no `{}`, and no [tool.alembic] in `{}`",
                files.ini, files.toml
            ))
            .fix("run it in the project's folder, name the file with `-c`, or begin with `limbeck init migrations`");
    }
    match config.ini() {
        Some(ini) if !ini.has_section(config.section()) && !config.has_toml() => Id::ConfigFile
            .error(format!("there is no section [{}]", config.section()))
            .at(Path::new(&files.ini), None)
            .fix("name the section with `-n`, or add it"),
        _ => Id::ConfigFile.ok(format!("read from {}", read.join(" and "))),
    }
}

fn script_location(config: &Config, folder: Option<&Path>) -> Check {
    let id = Id::ConfigScriptLocation;
    let located = |check: Check| match config.place("script_location") {
        Some((file, line)) => check.at(&file, Some(line)),
        None => check,
    };
    match (config.script_location(), folder) {
        (Err(error), _) => {
            of_error(id, &error).fix("set `script_location` to the folder of `env.py`")
        }
        (Ok(location), None) => located(id.not_checked(
            &format!("`{location}`"),
            "only Python can find that package",
        )),
        (Ok(_), Some(folder)) if folder.is_dir() => {
            located(id.ok(format!("`{}` is there", folder.display())))
        }
        (Ok(location), Some(_)) => located(
            id.error(format!("the folder `{location}` is not there"))
                .fix("correct `script_location`, or create the folder with `limbeck init`"),
        ),
    }
}

fn prepend_sys_path(config: &Config) -> Vec<Check> {
    let id = Id::ConfigPrependSysPath;
    let folders = match config.prepend_sys_path() {
        Ok(folders) => folders,
        Err(error) => return vec![of_error(id, &error)],
    };
    let missing: Vec<Check> = folders
        .iter()
        .filter(|folder| !Path::new(folder).is_dir())
        .map(|folder| {
            let check = id
                .warning(format!(
                    "`{folder}` of `prepend_sys_path` is no folder; it counts from where the command runs"
                ))
                .fix("write `%(here)s/…` for a folder beside the file");
            match config.place("prepend_sys_path") {
                Some((file, line)) => check.at(&file, Some(line)),
                None => check,
            }
        })
        .collect();
    if missing.is_empty() {
        let found = if folders.is_empty() {
            "not set".into()
        } else {
            format!("there: {}", super::quoted(&folders))
        };
        return vec![id.ok(found)];
    }
    missing
}

/// Each value that can't be filled in: `get_section`, with which `env.py` begins, reads all of them.
fn percent(config: &Config) -> Vec<Check> {
    let id = Id::ConfigPercent;
    let Some(ini) = config.ini() else {
        return vec![id.ok("there is no ini")];
    };
    let mut sections = vec![config.section().to_owned()];
    sections.extend(databases(config));
    let mut checks: Vec<Check> = Vec::new();
    for section in sections {
        for key in ini.keys(&section) {
            if let Err(error) = ini.get(&section, key) {
                checks.push(of_error(id, &error).fix("double each single `%` of the value"));
            }
        }
    }
    if checks.is_empty() {
        checks.push(id.ok("each value can be read"));
    }
    checks
}

/// The names of the template `multidb`, each of which is a section.
pub(super) fn databases(config: &Config) -> Vec<String> {
    let names = config.ini_text("databases").ok().flatten();
    let names = names.unwrap_or_default();
    names
        .split(',')
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

/// An error with its place taken out of its text.
fn of_error(id: Id, error: &ConfigError) -> Check {
    match error {
        ConfigError::Ini {
            path,
            line,
            problem,
        }
        | ConfigError::Toml {
            path,
            line,
            problem,
        } => id.error(problem.clone()).at(path, Some(*line)),
        ConfigError::Interpolation {
            path,
            line,
            key,
            problem,
        } => id
            .error(format!("the value of `{key}` can't be used: {problem}"))
            .at(path, Some(*line)),
        ConfigError::Read { path, source } => id
            .error(format!("it can't be read: {source}"))
            .at(path, None),
        other => id.error(other.to_string()),
    }
}
