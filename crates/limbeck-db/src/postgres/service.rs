//! libpq's service files, which hold connection parameters by service name.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{ConnectError, ConnectErrorKind, ProcessEnvironment};

/// Reads the parameters of a service, by default of the one in PGSERVICE. Returns `None` if neither names a service.
pub(super) fn settings(
    service: Option<&str>,
    process_environment: &ProcessEnvironment,
) -> Result<Option<Vec<(String, String)>>, ConnectError> {
    let variable = |name: &str| {
        let value = process_environment.variables.get(name);
        value.map(String::as_str).filter(|value| !value.is_empty())
    };
    let Some(service) = service.or_else(|| variable("PGSERVICE")) else {
        return Ok(None);
    };
    let own = match variable("PGSERVICEFILE") {
        Some(file) => Some(PathBuf::from(file)),
        None => process_environment
            .home
            .as_ref()
            .map(|home| home.join(".pg_service.conf")),
    };
    if let Some(file) = own.as_ref().filter(|file| !file.exists())
        && variable("PGSERVICEFILE").is_some()
    {
        return Err(problem(format!(
            "the service file `{}` does not exist",
            file.display()
        )));
    }
    let shared = variable("PGSYSCONFDIR").unwrap_or("/etc/postgresql-common");
    let files = own
        .into_iter()
        .chain([Path::new(shared).join("pg_service.conf")]);
    for file in files.filter(|file| file.exists()) {
        let text = fs::read_to_string(&file).map_err(|error| {
            problem(format!(
                "could not read the service file `{}`: {error}",
                file.display()
            ))
        })?;
        let found = section(&text, service).map_err(|(line, why)| {
            problem(format!(
                "the service file `{}` is malformed in line {line}: {why}",
                file.display()
            ))
        })?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Err(problem(format!(
        "no service file contains the service `{service}`"
    )))
}

type Section = Option<Vec<(String, String)>>;

/// Returns the first section of this name. An error has the line's number and not its text, which may contain a
/// password.
fn section(text: &str, service: &str) -> Result<Section, (usize, &'static str)> {
    let mut found: Section = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            if name.strip_suffix(']') == Some(service) {
                found = Some(Vec::new());
            }
            continue;
        }
        let Some(settings) = &mut found else {
            continue;
        };
        let Some((key, value)) = line.split_once('=') else {
            return Err((index + 1, "it has no `=`"));
        };
        if key == "service" {
            return Err((index + 1, "it names another service"));
        }
        // libpq uses the first of several values.
        if settings.iter().all(|(known, _)| known != key) {
            settings.push((key.to_owned(), value.to_owned()));
        }
    }
    Ok(found)
}

fn problem(message: String) -> ConnectError {
    ConnectError {
        kind: ConnectErrorKind::Parameter,
        message,
        hint: Some(
            "PGSERVICE or `service` names a section of ~/.pg_service.conf or PGSERVICEFILE".into(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::section;

    #[test]
    fn reads_the_first_section_of_a_name() {
        let text = "# ours\n[a]\nhost=h\n\n[b]\n host=one \nhost=two\nport=1\n[b]\nport=2\n[c]\nhost\n[d]\nservice=a\n";
        let check = |service: &str, expected: Option<&[(&str, &str)]>| {
            let found = section(text, service).unwrap();
            let shown = found.as_ref().map(|found| {
                let pair = |(key, value): &(String, String)| (key.clone(), value.clone());
                found.iter().map(pair).collect::<Vec<_>>()
            });
            let expected = expected.map(|pairs| {
                let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
                pairs.iter().map(pair).collect::<Vec<_>>()
            });
            assert_eq!(shown, expected, "{service}");
        };
        check("a", Some(&[("host", "h")]));
        check("b", Some(&[("host", "one"), ("port", "1")]));
        check("gone", None);
        assert_eq!(section(text, "c"), Err((12, "it has no `=`")));
        assert_eq!(section(text, "d"), Err((14, "it names another service")));
    }
}
