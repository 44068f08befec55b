//! Normalization of outputs: the order of Python's sets, dates, memory addresses and installation folders.

/// Sorts everything whose order is that of a Python set.
pub(crate) fn in_order(text: &str) -> Vec<String> {
    let mut ordered: Vec<String> = text
        .lines()
        .map(|line| line_in_order(&without_random_parts(line)))
        .collect();
    sort_runs(&mut ordered, |line| {
        line.contains("] Detected sequence named ")
    });
    parents_in_order(&mut ordered);
    ordered
}

fn sort_list(list: &str) -> String {
    let mut items: Vec<&str> = list.split(", ").collect();
    items.sort_unstable();
    items.join(", ")
}

/// Replaces memory addresses, and SQLAlchemy's times.
fn without_random_parts(line: &str) -> String {
    if let Some((head, taken)) = line.split_once("s] ")
        && let Some((head, _)) = head.rsplit_once(' ')
        && head.starts_with("INFO  [sqlalchemy.engine.Engine]")
    {
        return format!("{head} <seconds>] {taken}");
    }
    let mut parts = line.split(" at 0x");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str(" at <address>");
        kept.push_str(part.trim_start_matches(|character: char| character.is_ascii_hexdigit()));
    }
    kept
}

/// Sorts each run of consecutive lines for which `matches` holds.
pub(crate) fn sort_runs(lines: &mut [String], matches: impl Fn(&str) -> bool) {
    for run in lines.chunk_by_mut(|one, next| matches(one) && matches(next)) {
        run.sort();
    }
}

fn line_in_order(line: &str) -> String {
    for head in ["Branches into: ", "Branch names: "] {
        if let Some(list) = line.strip_prefix(head) {
            return format!("{head}{}", sort_list(list));
        }
    }
    if let Some((head, step)) = line.split_once("Running stamp_revision ")
        && let Some((from, to)) = step.split_once(" -> ")
    {
        return format!(
            "{head}Running stamp_revision {} -> {}",
            sort_list(from),
            sort_list(to)
        );
    }
    let mut sorted = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('(') {
        let (inside, after) = after.split_once(')').unwrap_or((after, ""));
        sorted.push_str(&format!("{before}({})", sort_list(inside)));
        rest = after;
    }
    sorted + rest
}

/// Sorts the parents of a merge within each step: Alembic updates a random one and deletes or inserts the others.
fn parents_in_order(lines: &mut [String]) {
    let starts: Vec<usize> = (0..lines.len())
        .filter(|index| lines[*index].starts_with("-- Running "))
        .collect();
    for (number, start) in starts.iter().enumerate() {
        let end = starts.get(number + 1).copied().unwrap_or(lines.len());
        let (before, after) = if lines[*start].starts_with("-- Running downgrade") {
            (["VALUES ('", "SET version_num='"], "'")
        } else {
            (["version_num = '", "version_num = '"], "'")
        };
        let block = &mut lines[*start..end];
        let place = |line: &str| {
            let from = before
                .iter()
                .find_map(|mark| Some(line.find(mark)? + mark.len()))?;
            Some((from, from + line[from..].find(after)?))
        };
        let places: Vec<(usize, usize, usize)> = block
            .iter()
            .enumerate()
            .filter(|(_, line)| line.contains("alembic_version"))
            .filter_map(|(index, line)| place(line).map(|(from, to)| (index, from, to)))
            .collect();
        let mut ids: Vec<String> = places
            .iter()
            .map(|(index, from, to)| block[*index][*from..*to].to_owned())
            .collect();
        ids.sort();
        for ((index, from, to), id) in places.into_iter().zip(ids) {
            block[index].replace_range(from..to, &id);
        }
    }
}

/// Prefixes of statements that only read.
const READS: [&str; 4] = ["BEGIN", "ROLLBACK", "PRAGMA ", "SELECT "];

/// Returns the log lines without statements that only read: limbeck has a few more of them (docs/differences.md).
pub(crate) fn log(text: &str, levels: &[&str]) -> Vec<String> {
    let mut is_read = false;
    in_order(text)
        .into_iter()
        .filter(|line| levels.iter().any(|level| line.starts_with(level)))
        .filter(|line| {
            let Some(statement) = line.strip_prefix("INFO  [sqlalchemy.engine.Engine] ") else {
                return true;
            };
            // The line with the parameters follows its statement.
            if !statement.starts_with('[') {
                is_read = READS.iter().any(|prefix| statement.starts_with(prefix));
            }
            !is_read
        })
        .collect()
}

/// Returns the texts of Python's warnings.
pub(crate) fn warnings(text: &str) -> Vec<&str> {
    text.lines()
        .filter_map(|line| Some(line.split_once(": UserWarning: ")?.1))
        .collect()
}

/// Replaces the folder of an interpreter's packages.
pub(crate) fn without_package_folders(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("/site-packages/") {
        let start = rest[..at]
            .rfind(|character: char| character.is_whitespace() || "'\"".contains(character))
            .map_or(0, |index| index + 1);
        kept.push_str(&rest[..start]);
        kept.push_str("<packages>/");
        rest = &rest[at + "/site-packages/".len()..];
    }
    kept + rest
}

/// Replaces each digit with a zero.
pub(crate) fn without_digits(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_ascii_digit() {
                '0'
            } else {
                character
            }
        })
        .collect()
}

/// Replaces the digits of a script's creation date.
pub(crate) fn without_date(text: &str) -> String {
    text.split_inclusive('\n')
        .map(|line| {
            if line.starts_with("Create Date: ") {
                without_digits(line)
            } else {
                line.to_owned()
            }
        })
        .collect()
}

#[test]
fn sorts_parents_within_a_step_only() {
    let step = |deleted: &str, updated: &str| {
        format!(
            "-- Running upgrade b, c -> d\nDELETE FROM alembic_version WHERE alembic_version.version_num = '{deleted}';\n\
             UPDATE alembic_version SET version_num='d' WHERE alembic_version.version_num = '{updated}';\n\
             -- Running upgrade d -> e\nUPDATE alembic_version SET version_num='e' WHERE alembic_version.version_num = 'd';"
        )
    };
    assert_eq!(in_order(&step("b", "c")), in_order(&step("c", "b")));
    assert_ne!(in_order(&step("b", "c")), in_order(&step("d", "b")));
}

#[test]
fn replaces_package_folders_and_dates() {
    assert_eq!(
        without_package_folders("in /a/b/site-packages/x y"),
        "in <packages>/x y"
    );
    assert_eq!(
        without_date("Create Date: 2024-01-02\n12\n"),
        "Create Date: 0000-00-00\n12\n"
    );
}
