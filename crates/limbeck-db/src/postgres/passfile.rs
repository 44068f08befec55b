//! libpq's password file, with one `host:port:database:user:password` per line.

use std::fs;
use std::path::Path;

use limbeck_url::Secret;

use super::host::HostAddress;

/// The result of a lookup in a password file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PasswordLookup {
    Found(Secret),
    /// Other users can read the file, so it is ignored, as libpq does.
    ReadableByOthers,
    NotFound,
}

/// Looks up the password for a host.
pub(super) fn lookup(
    file: &Path,
    host: &HostAddress,
    database: &str,
    user: &str,
) -> PasswordLookup {
    match fs::metadata(file) {
        Ok(metadata) if !metadata.is_file() => PasswordLookup::NotFound,
        Ok(metadata) if others_may_read(&metadata) => PasswordLookup::ReadableByOthers,
        Ok(_) => {
            let found = search(file, host, database, user);
            found.map_or(PasswordLookup::NotFound, PasswordLookup::Found)
        }
        Err(_) => PasswordLookup::NotFound,
    }
}

fn search(file: &Path, address: &HostAddress, database: &str, user: &str) -> Option<Secret> {
    let text = fs::read_to_string(file).ok()?;
    let is_default_folder = address.name == "/var/run/postgresql" || address.name == "/tmp";
    let host = if address.is_socket() && is_default_folder {
        "localhost"
    } else {
        &address.name
    };
    let port = address.port.to_string();
    let wanted = [host, &port, database, user];
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| {
            let fields = fields(line);
            let (last, keys) = fields.split_last()?;
            let matches = keys.len() == wanted.len()
                && keys
                    .iter()
                    .zip(wanted)
                    .all(|(key, wanted)| key.as_deref().is_none_or(|key| key == wanted));
            matches.then(|| Secret::new(last.clone().unwrap_or_else(|| "*".into())))
        })
}

/// Splits a line into its five fields. `None` is an unescaped `*`; a backslash escapes the next character.
fn fields(line: &str) -> Vec<Option<String>> {
    let mut fields = vec![String::new()];
    let mut is_unescaped = vec![true];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let count = fields.len();
        let (Some(field), Some(plain)) = (fields.last_mut(), is_unescaped.last_mut()) else {
            break;
        };
        match character {
            // libpq ignores everything after the password.
            ':' if count == 5 => break,
            ':' => {
                fields.push(String::new());
                is_unescaped.push(true);
            }
            '\\' => {
                field.extend(characters.next());
                *plain = false;
            }
            other => field.push(other),
        }
    }
    let star = |(field, plain): (String, bool)| (!(plain && field == "*")).then_some(field);
    fields.into_iter().zip(is_unescaped).map(star).collect()
}

#[cfg(unix)]
fn others_may_read(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn others_may_read(_: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::fields;

    #[test]
    fn splits_lines_with_stars_and_escapes() {
        let split = |line: &str| {
            fields(line)
                .into_iter()
                .map(|field| field.unwrap_or_else(|| "<any>".into()))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            split("h:*:d:u:p\\:q\\\\"),
            ["h", "<any>", "d", "u", "p:q\\"]
        );
        assert_eq!(split("h:1:d:u:p:q"), ["h", "1", "d", "u", "p"]);
        assert_eq!(split("a\\:b:1:\\*:u:p"), ["a:b", "1", "*", "u", "p"]);
    }
}
