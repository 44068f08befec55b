//! libpq's password file: `host:port:database:user:password`, a line each.

use std::fs;
use std::path::Path;

use limbeck_url::Secret;

use super::options::HostAddress;

/// What a password file has for a place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Password(Secret),
    /// Others can read it, so it is not used, as libpq has it.
    Readable,
    Nothing,
}

/// Looks the password for a place up.
pub(super) fn lookup(file: &Path, target: &HostAddress, database: &str, user: &str) -> Found {
    match fs::metadata(file) {
        Ok(metadata) if !metadata.is_file() => Found::Nothing,
        Ok(metadata) if others_may_read(&metadata) => Found::Readable,
        Ok(_) => {
            let found = search(file, target, database, user);
            found.map_or(Found::Nothing, Found::Password)
        }
        Err(_) => Found::Nothing,
    }
}

fn search(file: &Path, target: &HostAddress, database: &str, user: &str) -> Option<Secret> {
    let text = fs::read_to_string(file).ok()?;
    let local = target.host == "/var/run/postgresql" || target.host == "/tmp";
    let host = if target.is_socket() && local {
        "localhost"
    } else {
        &target.host
    };
    let port = target.port.to_string();
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

/// The five fields of a line; `None` for a lone `*`. A backslash takes the next character as it is.
fn fields(line: &str) -> Vec<Option<String>> {
    let mut fields = vec![String::new()];
    let mut starred = vec![true];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let count = fields.len();
        let (Some(field), Some(plain)) = (fields.last_mut(), starred.last_mut()) else {
            break;
        };
        match character {
            // What follows the password belongs to nothing.
            ':' if count == 5 => break,
            ':' => {
                fields.push(String::new());
                starred.push(true);
            }
            '\\' => {
                field.extend(characters.next());
                *plain = false;
            }
            other => field.push(other),
        }
    }
    let star = |(field, plain): (String, bool)| (!(plain && field == "*")).then_some(field);
    fields.into_iter().zip(starred).map(star).collect()
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
    fn a_line_is_taken_apart() {
        let shown = |line: &str| {
            fields(line)
                .into_iter()
                .map(|field| field.unwrap_or_else(|| "<any>".into()))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            shown("h:*:d:u:p\\:q\\\\"),
            ["h", "<any>", "d", "u", "p:q\\"]
        );
        assert_eq!(shown("h:1:d:u:p:q"), ["h", "1", "d", "u", "p"]);
        assert_eq!(shown("a\\:b:1:\\*:u:p"), ["a:b", "1", "*", "u", "p"]);
    }
}
