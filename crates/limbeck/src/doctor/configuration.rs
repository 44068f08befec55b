//! Checks of `alembic.ini` and `pyproject.toml`.

use std::path::Path;

use super::check::{Check, CheckId};
use crate::config::{Config, ConfigError, ConfigFiles};

/// Checks the files and their values. `script_folder` is the folder of `script_location`, if limbeck can find it.
pub(super) fn check(
    files: &ConfigFiles,
    config: &Result<Config, ConfigError>,
    script_folder: Option<&Path>,
) -> Vec<Check> {
    let config = match config {
        Ok(config) => config,
        Err(error) => {
            let mut checks = vec![from_error(CheckId::ConfigFile, error)];
            for (id, subject) in [
                (CheckId::ConfigScriptLocation, "`script_location`"),
                (CheckId::ConfigPrependSysPath, "`prepend_sys_path`"),
                (CheckId::ConfigPercent, "percent signs"),
            ] {
                checks.push(id.not_checked(subject, "the configuration can't be read"));
            }
            return checks;
        }
    };
    let mut checks = vec![check_files(files, config)];
    checks.push(check_script_location(config, script_folder));
    checks.extend(check_prepend_sys_path(config));
    checks.extend(check_percent_signs(config));
    checks
}

fn check_files(files: &ConfigFiles, config: &Config) -> Check {
    let files_read = [
        (&files.ini, config.ini().is_some()),
        (&files.toml, config.has_toml()),
    ];
    let names: Vec<String> = files_read
        .into_iter()
        .filter(|(_, was_read)| *was_read)
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    if names.is_empty() {
        return CheckId::ConfigFile
            .error(format!(
                "there is no `{}`, and no [tool.alembic] in `{}`",
                files.ini, files.toml
            ))
            .fix("run `limbeck doctor` in the project's folder, name the file with `-c`, or create a project with `limbeck init migrations`");
    }
    match config.ini() {
        Some(ini) if !ini.has_section(config.section()) && !config.has_toml() => {
            CheckId::ConfigFile
                .error(format!("the ini has no section [{}]", config.section()))
                .at(Path::new(&files.ini), None)
                .fix("name the section with `-n`, or add the section")
        }
        _ => CheckId::ConfigFile.ok(format!("read from {}", names.join(" and "))),
    }
}

fn check_script_location(config: &Config, script_folder: Option<&Path>) -> Check {
    let id = CheckId::ConfigScriptLocation;
    let located = |check: Check| match config.location_of("script_location") {
        Some((file, line)) => check.at(&file, Some(line)),
        None => check,
    };
    match (config.script_location(), script_folder) {
        (Err(error), _) => {
            from_error(id, &error).fix("set `script_location` to the folder of `env.py`")
        }
        (Ok(location), None) => located(id.not_checked(
            &format!("`{location}`"),
            "only Python can find this package",
        )),
        (Ok(_), Some(folder)) if folder.is_dir() => {
            located(id.ok(format!("the folder `{}` exists", folder.display())))
        }
        (Ok(location), Some(_)) => located(
            id.error(format!("the folder `{location}` does not exist"))
                .fix("correct `script_location`, or create the folder with `limbeck init`"),
        ),
    }
}

fn check_prepend_sys_path(config: &Config) -> Vec<Check> {
    let id = CheckId::ConfigPrependSysPath;
    let folders = match config.prepend_sys_path() {
        Ok(folders) => folders,
        Err(error) => return vec![from_error(id, &error)],
    };
    let missing: Vec<Check> = folders
        .iter()
        .filter(|folder| !Path::new(folder).is_dir())
        .map(|folder| {
            let check = id
                .warning(format!(
                    "`{folder}` of `prepend_sys_path` is not a folder; a relative path starts at the current folder"
                ))
                .fix("write `%(here)s/…` for a folder beside the ini");
            match config.location_of("prepend_sys_path") {
                Some((file, line)) => check.at(&file, Some(line)),
                None => check,
            }
        })
        .collect();
    if missing.is_empty() {
        let message = if folders.is_empty() {
            "not set".into()
        } else {
            format!("each folder exists: {}", super::quoted(&folders))
        };
        return vec![id.ok(message)];
    }
    missing
}

/// Checks every value for interpolation: `env.py` usually starts with `get_section`, which reads all values.
fn check_percent_signs(config: &Config) -> Vec<Check> {
    let id = CheckId::ConfigPercent;
    let Some(ini) = config.ini() else {
        return vec![id.ok("the project has no ini")];
    };
    let mut sections = vec![config.section().to_owned()];
    sections.extend(databases(config));
    let mut checks: Vec<Check> = Vec::new();
    for section in sections {
        for key in ini.keys(&section) {
            if let Err(error) = ini.get(&section, key) {
                checks.push(from_error(id, &error).fix("double each single `%` in the value"));
            }
        }
    }
    if checks.is_empty() {
        checks.push(id.ok("all values can be read"));
    }
    checks
}

/// Returns the names in `databases`, a key of the template `multidb`. Each name is a section.
pub(super) fn databases(config: &Config) -> Vec<String> {
    let names = config.ini_text("databases").ok().flatten();
    let names = names.unwrap_or_default();
    names
        .split(',')
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

/// Returns the check of an error. The error's location goes to the fields of the check.
fn from_error(id: CheckId, error: &ConfigError) -> Check {
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
            .error(format!("the file can't be read: {source}"))
            .at(path, None),
        other => id.error(other.to_string()),
    }
}
