//! Formats a revision as Alembic prints it: the short form of listings and the long form of `show` and `-v`.

use std::fmt::Write as _;
use std::path::Path;

/// The properties of a revision that a listing prints. Lists are in the order in which they are printed.
#[derive(Debug, Clone, Default)]
pub struct RevisionDetails<'a> {
    /// The revision's id.
    pub id: &'a str,
    /// The value of `down_revision`, as declared.
    pub parents: &'a [String],
    /// The value of `depends_on`, as declared: labels are not resolved.
    pub dependencies: &'a [String],
    /// The branch labels, declared or inherited.
    pub labels: Vec<&'a str>,
    /// The revisions that have this one as `down_revision`. Used only if `is_branch_point` is set.
    pub children: Vec<&'a str>,
    /// `true` if no revision has this one as `down_revision`.
    pub is_head: bool,
    /// `true` if, in addition, no revision depends on this one.
    pub is_real_head: bool,
    /// `true` if more than one revision has this one as `down_revision`.
    pub is_branch_point: bool,
    /// `true` if the revision has more than one `down_revision`.
    pub is_merge_point: bool,
    /// `true` if the version table has a row of the revision.
    pub is_current: bool,
    /// The script's docstring up to its first blank line.
    pub doc: &'a str,
    /// The script's whole docstring.
    pub long_doc: &'a str,
}

/// The parts that the short form of a listing shows in addition to the id.
#[derive(Debug, Clone, Copy, Default)]
pub struct ShortForm {
    /// Shows the branch labels.
    pub labels: bool,
    /// Shows the docstring's first paragraph.
    pub doc: bool,
    /// Shows parents and dependencies.
    pub parents: bool,
    /// Shows `(branchpoint)` and `(mergepoint)`.
    pub tree_marks: bool,
}

impl RevisionDetails<'_> {
    /// Appends the short form to `text`: one line, without a line break.
    pub fn write_short(&self, form: ShortForm, text: &mut String) {
        if form.parents {
            self.push_parents(text);
            if !self.dependencies.is_empty() {
                *text += " (";
                push_list(text, self.dependencies);
                *text += ")";
            }
            *text += " -> ";
        }
        *text += self.id;
        if form.labels && !self.labels.is_empty() {
            *text += " (";
            push_list(text, &self.labels);
            *text += ")";
        }
        let marks = [
            (self.is_real_head, " (head)"),
            (self.is_head && !self.is_real_head, " (effective head)"),
            (self.is_current, " (current)"),
            (form.tree_marks && self.is_branch_point, " (branchpoint)"),
            (form.tree_marks && self.is_merge_point, " (mergepoint)"),
        ];
        push_marks(text, &marks);
        if form.doc {
            *text += ", ";
            *text += self.doc;
        }
    }

    /// Appends the long form to `text`: several lines, each with a line break. `path` is the script's file.
    pub fn write_long(&self, path: &Path, text: &mut String) {
        *text += "Rev: ";
        *text += self.id;
        let marks = [
            (self.is_head, " (head)"),
            (self.is_branch_point, " (branchpoint)"),
            (self.is_merge_point, " (mergepoint)"),
            (self.is_current, " (current)"),
        ];
        push_marks(text, &marks);
        *text += if self.is_merge_point {
            "\nMerges: "
        } else {
            "\nParent: "
        };
        self.push_parents(text);
        *text += "\n";
        if !self.dependencies.is_empty() {
            push_line(text, "Also depends on: ", self.dependencies);
        }
        if self.is_branch_point {
            push_line(text, "Branches into: ", &self.children);
        }
        if !self.labels.is_empty() {
            push_line(text, "Branch names: ", &self.labels);
        }
        // Writing to a `String` can't fail.
        let _ = write!(text, "Path: {}\n\n", path.display());
        for (number, line) in self.long_doc.lines().enumerate() {
            *text += if number > 0 { "\n    " } else { "    " };
            *text += line;
        }
        *text += "\n";
    }

    fn push_parents(&self, text: &mut String) {
        if self.parents.is_empty() {
            *text += "<base>";
        } else {
            push_list(text, self.parents);
        }
    }
}

fn push_marks(text: &mut String, marks: &[(bool, &str)]) {
    let shown = marks.iter().filter(|(is_shown, _)| *is_shown);
    text.extend(shown.map(|(_, mark)| *mark));
}

/// Appends a line with a name and a list.
fn push_line<T: AsRef<str>>(text: &mut String, name: &str, parts: &[T]) {
    *text += name;
    push_list(text, parts);
    *text += "\n";
}

/// Appends the parts, separated by commas.
fn push_list<T: AsRef<str>>(text: &mut String, parts: &[T]) {
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

    use super::{RevisionDetails, ShortForm};

    fn short(details: &RevisionDetails<'_>, form: ShortForm) -> String {
        let mut text = String::new();
        details.write_short(form, &mut text);
        text
    }

    fn details() -> RevisionDetails<'static> {
        RevisionDetails {
            id: "c3",
            doc: "third",
            long_doc: "third\n\nmore",
            ..RevisionDetails::default()
        }
    }

    #[test]
    fn formats_the_short_form() {
        let history = ShortForm {
            labels: true,
            doc: true,
            parents: true,
            tree_marks: true,
        };
        let parents = ["a1".to_owned(), "b2".to_owned()];
        let dependencies = ["net".to_owned()];
        let merge = RevisionDetails {
            parents: &parents,
            dependencies: &dependencies,
            labels: vec!["blog"],
            is_merge_point: true,
            is_head: true,
            ..details()
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
        let base = RevisionDetails {
            is_head: true,
            is_real_head: true,
            is_current: true,
            ..details()
        };
        assert_eq!(
            short(&base, history),
            "<base> -> c3 (head) (current), third"
        );
    }

    #[test]
    fn formats_the_long_form() {
        let mut text = String::new();
        details().write_long(Path::new("/p/c3.py"), &mut text);
        assert_eq!(
            text,
            "Rev: c3\nParent: <base>\nPath: /p/c3.py\n\n    third\n    \n    more\n",
        );
    }
}
