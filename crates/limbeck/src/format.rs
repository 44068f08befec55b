//! How Alembic prints a revision: the short form of listings and the long form of `show` and `-v`.

use std::fmt::Write as _;
use std::path::Path;

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
    /// The revisions that have this one as `down_revision`; looked at where there are several.
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
    /// Adds one line, without its end.
    pub fn short(&self, form: ShortForm, text: &mut String) {
        if form.parents {
            self.parents_text(text);
            if !self.dependencies.is_empty() {
                *text += " (";
                list(text, self.dependencies);
                *text += ")";
            }
            *text += " -> ";
        }
        *text += self.id;
        if form.labels && !self.labels.is_empty() {
            *text += " (";
            list(text, &self.labels);
            *text += ")";
        }
        let marks = [
            (self.is_real_head, " (head)"),
            (self.is_head && !self.is_real_head, " (effective head)"),
            (self.is_current, " (current)"),
            (form.tree_marks && self.is_branch_point, " (branchpoint)"),
            (form.tree_marks && self.is_merge_point, " (mergepoint)"),
        ];
        add_marks(text, &marks);
        if form.doc {
            *text += ", ";
            *text += self.doc;
        }
    }

    /// Adds several lines, each with its end; `path` is the script's file.
    pub fn long(&self, path: &Path, text: &mut String) {
        *text += "Rev: ";
        *text += self.id;
        let marks = [
            (self.is_head, " (head)"),
            (self.is_branch_point, " (branchpoint)"),
            (self.is_merge_point, " (mergepoint)"),
            (self.is_current, " (current)"),
        ];
        add_marks(text, &marks);
        *text += if self.is_merge_point {
            "\nMerges: "
        } else {
            "\nParent: "
        };
        self.parents_text(text);
        *text += "\n";
        if !self.dependencies.is_empty() {
            line(text, "Also depends on: ", self.dependencies);
        }
        if self.is_branch_point {
            line(text, "Branches into: ", &self.children);
        }
        if !self.labels.is_empty() {
            line(text, "Branch names: ", &self.labels);
        }
        // Writing to a `String` can't fail.
        let _ = write!(text, "Path: {}\n\n", path.display());
        for (number, line) in self.long_doc.lines().enumerate() {
            *text += if number > 0 { "\n    " } else { "    " };
            *text += line;
        }
        *text += "\n";
    }

    fn parents_text(&self, text: &mut String) {
        if self.parents.is_empty() {
            *text += "<base>";
        } else {
            list(text, self.parents);
        }
    }
}

fn add_marks(text: &mut String, marks: &[(bool, &str)]) {
    let shown = marks.iter().filter(|(shown, _)| *shown);
    text.extend(shown.map(|(_, mark)| *mark));
}

/// A line of a name and a list.
fn line<T: AsRef<str>>(text: &mut String, name: &str, parts: &[T]) {
    *text += name;
    list(text, parts);
    *text += "\n";
}

/// The parts with commas between them.
fn list<T: AsRef<str>>(text: &mut String, parts: &[T]) {
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            *text += ", ";
        }
        *text += part.as_ref();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{RevisionFacts, ShortForm};

    fn short(facts: &RevisionFacts<'_>, form: ShortForm) -> String {
        let mut text = String::new();
        facts.short(form, &mut text);
        text
    }

    fn facts() -> RevisionFacts<'static> {
        RevisionFacts {
            id: "c3",
            doc: "third",
            long_doc: "third\n\nmore",
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
            short(&merge, history),
            "a1, b2 (net) -> c3 (blog) (effective head) (mergepoint), third"
        );
        assert_eq!(
            short(
                &merge,
                ShortForm {
                    labels: true,
                    ..ShortForm::default()
                }
            ),
            "c3 (blog) (effective head)"
        );
        let base = RevisionFacts {
            is_head: true,
            is_real_head: true,
            is_current: true,
            ..facts()
        };
        assert_eq!(
            short(&base, history),
            "<base> -> c3 (head) (current), third"
        );
    }

    #[test]
    fn long_form() {
        let mut text = String::new();
        facts().long(Path::new("/p/c3.py"), &mut text);
        assert_eq!(
            text,
            "Rev: c3\nParent: <base>\nPath: /p/c3.py\n\n    third\n    \n    more\n",
        );
    }
}
