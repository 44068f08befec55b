//! Placeholders for the parts of a report that differ between machines and runs.

use std::path::Path;

/// Replacements, applied in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Redaction {
    replacements: Vec<(String, String)>,
}

impl Redaction {
    pub(super) fn text(mut self, text: &str, placeholder: &str) -> Self {
        self.replacements.push((text.into(), placeholder.into()));
        self
    }

    pub(super) fn port(self, port: u16) -> Self {
        self.text(&port.to_string(), "[port]")
    }

    pub(super) fn path(self, path: &Path, placeholder: &str) -> Self {
        let canonical = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        self.text(&canonical.display().to_string(), placeholder)
            .text(&path.display().to_string(), placeholder)
    }

    /// Replaces the environment of an interpreter.
    pub(super) fn python(self, python: &Path) -> Self {
        match python.parent().and_then(Path::parent) {
            Some(environment) => self.path(environment, "[python]"),
            None => self,
        }
    }

    /// Returns the text with all replacements, `[time]` for times and durations and `[id]` for ids of server processes.
    pub(super) fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (from, to) in &self.replacements {
            text = text.replace(from, to);
        }
        let text = replace_dates(&text);
        let is_duration = |_: &str, after: &str| {
            after
                .strip_prefix(" s")
                .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        };
        let is_process =
            |before: &str, _: &str| before.ends_with("backend ") || before.ends_with("connection ");
        let text = replace_numbers(&text, is_duration, "[time]");
        replace_numbers(&text, is_process, "[id]")
    }
}

/// Replaces each number for which `matches` holds, given the text before and after the number.
fn replace_numbers(text: &str, matches: impl Fn(&str, &str) -> bool, placeholder: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|character: char| character.is_ascii_digit()) {
        let number = rest[start..]
            .find(|character: char| !character.is_ascii_digit() && character != '.')
            .unwrap_or(rest.len() - start);
        let (before, after) = (&rest[..start], &rest[start + number..]);
        result.push_str(before);
        if matches(&result, after) {
            result.push_str(placeholder);
        } else {
            result.push_str(&rest[start..start + number]);
        }
        rest = after;
    }
    result + rest
}

/// Replaces each `2026-11-30 23:10:56+00`.
fn replace_dates(text: &str) -> String {
    const FORM: &str = "0000-00-00 00:00:00+00";
    let fits = |part: &str| {
        let mut pairs = part.chars().zip(FORM.chars());
        pairs.all(|(found, form)| found == form || found.is_ascii_digit() && form == '0')
    };
    let mut result = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if rest.get(..FORM.len()).is_some_and(fits) {
            result.push_str("[time]");
            rest = &rest[FORM.len()..];
        } else {
            result.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    result
}

#[test]
fn replaces_ports_times_and_process_ids() {
    let redaction = Redaction::default().port(54321);
    assert_eq!(
        redaction.apply("127.0.0.1:54321, held by backend 4711 since 2026-01-02 03:04:05+00 (1.5 s), step 2 of 3"),
        "127.0.0.1:[port], held by backend [id] since [time] ([time] s), step 2 of 3"
    );
}
