//! How Alembic prints a revision: the short form of listings and the long form of `show` and `-v`.

use std::fmt::Write as _;

/// What is printed of a revision; lists are in the order in which they are printed.
#[derive(Debug, Clone, Default)]
pub struct RevisionFacts<'a> {
    /// The id.
    pub id: &'a str,
    /// `down_revision`, as declared.
    pub parents: &'a [String],
    /// `depends_on`, as declared: labels stay labels.
    pub dependencies: &'a [String],
    /// The branch labels that the revision carries, declared or inherited.
    pub labels: Vec<&'a str>,
    /// The revisions that have this one as `down_revision`.
    pub children: Vec<&'a str>,
    /// No revision has this one as `down_revision`.
    pub is_head: bool,
    /// Besides, no revision depends on it.
    pub is_real_head: bool,
    /// More than one revision has this one as `down_revision`.
    pub is_branch_point: bool,
    /// The revision has more than one `down_revision`.
    pub is_merge_point: bool,
    /// The version table has a row of it.
    pub is_current: bool,
    /// The docstring up to its first blank line.
    pub doc: &'a str,
    /// The whole docstring.
    pub long_doc: &'a str,
    /// The script's file.
    pub path: &'a str,
}

/// What a listing's short form has beside the id.
#[derive(Debug, Clone, Copy, Default)]
pub struct ShortForm {
    /// The branch labels.
    pub labels: bool,
    /// The docstring's first paragraph.
    pub doc: bool,
    /// Parents and dependencies.
    pub parents: bool,
    /// `(branchpoint)` and `(mergepoint)`.
    pub tree_marks: bool,
}

impl RevisionFacts<'_> {
    /// One line, without its end.
    pub fn short(&self, form: ShortForm) -> String {
        let mut text = String::new();
        if form.parents {
            text += &self.parents_text();
            if !self.dependencies.is_empty() {
                push(
                    &mut text,
                    format_args!(" ({})", self.dependencies.join(", ")),
                );
            }
            text += " -> ";
        }
        text += self.id;
        if form.labels && !self.labels.is_empty() {
            push(&mut text, format_args!(" ({})", self.labels.join(", ")));
        }
        let marks = [
            (self.is_real_head, " (head)"),
            (self.is_head && !self.is_real_head, " (effective head)"),
            (self.is_current, " (current)"),
            (form.tree_marks && self.is_branch_point, " (branchpoint)"),
            (form.tree_marks && self.is_merge_point, " (mergepoint)"),
        ];
        text.extend(
            marks
                .iter()
                .filter(|(shown, _)| *shown)
                .map(|(_, mark)| *mark),
        );
        if form.doc {
            push(&mut text, format_args!(", {}", self.doc));
        }
        text
    }

    /// Several lines, each with its end.
    pub fn long(&self) -> String {
        let mut text = format!("Rev: {}", self.id);
        let marks = [
            (self.is_head, " (head)"),
            (self.is_branch_point, " (branchpoint)"),
            (self.is_merge_point, " (mergepoint)"),
            (self.is_current, " (current)"),
        ];
        text.extend(
            marks
                .iter()
                .filter(|(shown, _)| *shown)
                .map(|(_, mark)| *mark),
        );
        let word = if self.is_merge_point {
            "Merges"
        } else {
            "Parent"
        };
        push(
            &mut text,
            format_args!("\n{word}: {}\n", self.parents_text()),
        );
        if !self.dependencies.is_empty() {
            push(
                &mut text,
                format_args!("Also depends on: {}\n", self.dependencies.join(", ")),
            );
        }
        if self.is_branch_point {
            push(
                &mut text,
                format_args!("Branches into: {}\n", self.children.join(", ")),
            );
        }
        if !self.labels.is_empty() {
            push(
                &mut text,
                format_args!("Branch names: {}\n", self.labels.join(", ")),
            );
        }
        push(&mut text, format_args!("Path: {}\n\n", self.path));
        let lines: Vec<String> = self
            .long_doc
            .lines()
            .map(|line| format!("    {line}"))
            .collect();
        text += &lines.join("\n");
        text.push('\n');
        text
    }

    fn parents_text(&self) -> String {
        if self.parents.is_empty() {
            "<base>".into()
        } else {
            self.parents.join(", ")
        }
    }
}

/// Writing to a `String` can't fail.
fn push(text: &mut String, part: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(part);
}

#[cfg(test)]
mod tests {
    use super::{RevisionFacts, ShortForm};

    fn facts() -> RevisionFacts<'static> {
        RevisionFacts {
            id: "c3",
            doc: "third",
            long_doc: "third\n\nmore",
            path: "/p/c3.py",
            ..RevisionFacts::default()
        }
    }

    #[test]
    fn short_forms() {
        let history = ShortForm {
            labels: true,
            doc: true,
            parents: true,
            tree_marks: true,
        };
        let parents = ["a1".to_owned(), "b2".to_owned()];
        let dependencies = ["net".to_owned()];
        let merge = RevisionFacts {
            parents: &parents,
            dependencies: &dependencies,
            labels: vec!["blog"],
            is_merge_point: true,
            is_head: true,
            ..facts()
        };
        assert_eq!(
            merge.short(history),
            "a1, b2 (net) -> c3 (blog) (effective head) (mergepoint), third"
        );
        assert_eq!(
            merge.short(ShortForm {
                labels: true,
                ..ShortForm::default()
            }),
            "c3 (blog) (effective head)"
        );
        let base = RevisionFacts {
            is_head: true,
            is_real_head: true,
            is_current: true,
            ..facts()
        };
        assert_eq!(base.short(history), "<base> -> c3 (head) (current), third");
    }

    #[test]
    fn long_form() {
        assert_eq!(
            facts().long(),
            "Rev: c3\nParent: <base>\nPath: /p/c3.py\n\n    third\n    \n    more\n",
        );
    }
}
