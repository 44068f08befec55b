//! Tests of the scanner and the parser with typical scripts.

use super::{HeaderProblem, ScriptHeader, parse, read, scan};

const STOCK: &str = "\
\"\"\"add users

Revision ID: ab12
Revises: 
Create Date: 2024-01-01 00:00:00

\"\"\"
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'ab12'
down_revision: Union[str, Sequence[str], None] = ('a1', 'b2')
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = ['c3']


def upgrade() -> None:
    op.create_table('t')
";

fn expected() -> ScriptHeader<'static> {
    ScriptHeader {
        revision: Some("ab12".into()),
        down_revisions: Some(vec!["a1".into(), "b2".into()]),
        branch_labels: Vec::new(),
        dependencies: vec!["c3".into()],
        doc: Some(
            "add users\n\nRevision ID: ab12\nRevises: \nCreate Date: 2024-01-01 00:00:00\n\n"
                .into(),
        ),
    }
}

#[test]
fn both_readers_read_the_stock_script() {
    assert_eq!(scan(STOCK), Some(expected()));
    assert_eq!(parse(STOCK), Ok(expected()));
}

#[test]
fn reads_literal_values() {
    let check = |value: &str, parsed: Option<&[&str]>, scanned: bool| {
        let source = format!("revision = 'r'\ndown_revision = {value}\n");
        let texts = |header: ScriptHeader| header.down_revisions.unwrap();
        let expected =
            parsed.map(|texts| texts.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(parse(&source).ok().map(texts), expected, "{value}");
        assert_eq!(
            scan(&source).map(texts),
            if scanned { expected } else { None },
            "{value}"
        );
    };
    check("None", Some(&[]), true);
    check("None  # the first", Some(&[]), true);
    check("\"a\"", Some(&["a"]), true);
    check("('a')", Some(&["a"]), true);
    check("('a',)", Some(&["a"]), true);
    check("(\n    'a',  # one\n    'b',\n)", Some(&["a", "b"]), true);
    check("['a', 'b']", Some(&["a", "b"]), true);
    check("()", Some(&[]), false);
    check("[]", Some(&[]), true);
    check("{'a'}", Some(&["a"]), false);
    check("'a' 'b'", Some(&["ab"]), false);
    check("'a' + 'b'", Some(&["ab"]), false);
    check("'\\x61'", Some(&["a"]), false);
    check("r'a'", Some(&["a"]), false);
    check("revision", Some(&["r"]), false);
    check("f'{revision}'", None, false);
    check("os.environ['X']", None, false);
}

#[test]
fn a_script_that_mentions_a_declared_name_again_needs_the_parser() {
    let again = |more: &str| format!("{STOCK}{more}");
    let check = |more: &str, revision: Result<&str, usize>| {
        let source = again(more);
        assert_eq!(scan(&source), None, "{more}");
        let actual = match read(&source) {
            Ok(header) => Ok(header.revision.unwrap()),
            Err(HeaderProblem::NotStatic { line, .. } | HeaderProblem::Value { line, .. }) => {
                Err(line)
            }
            Err(problem) => panic!("{problem:?}"),
        };
        assert_eq!(actual, revision.map(str::to_owned), "{more}");
    };
    check("    print(revision)\n", Ok("ab12"));
    check("\nrevision = 'cd34'\n", Ok("cd34"));
    check("\nX = revision = 'cd34'\n", Ok("cd34"));
    check("\nTEXT = '''\nrevision = 'no'\n'''\n", Ok("ab12"));
    check("\nif True:\n    revision = 'cd34'\n", Err(24));
    check("\nfor revision in 'ab':\n    pass\n", Err(24));
    check("\nfrom x import *\n", Err(24));
    check("\nfrom x import revision\n", Err(24));
    check("\ndef revision(): pass\n", Err(24));
    check("\nx = (revision := 'cd34')\n", Err(24));
    check(
        "\ntry:\n    from x import *\nexcept ImportError:\n    pass\n",
        Err(24),
    );
    check(
        "\ntry:\n    pass\nexcept E as revision:\n    pass\n",
        Err(24),
    );
    check("\nmatch 1:\n    case revision:\n        pass\n", Err(24));
    check(
        "\ndef f():\n    global revision\n    revision = 'x'\nf()\n",
        Err(25),
    );
    check("\nglobals()['re' + 'vision'] = 'x'\n", Err(24));
    check("\ndepends_on.append('x')\n", Err(24));
    check("\ndef f():\n    depends_on.append('x')\n", Err(25));
    check("\n__doc__ = 'other'\n", Ok("ab12"));
    check("\n__doc__ = 'a'.upper()\n", Err(24));
    check("\nrevision = 12\n", Err(24));
    check("\nrevision = None\n", Err(24));
}

#[test]
fn a_list_that_may_have_changed_is_not_static() {
    let check = |source: &str, known: bool| {
        assert_eq!(read(source).is_ok(), known, "{source}");
    };
    check("revision = 'r'\ndown_revision = ['a']\n", true);
    check(
        "revision = 'r'\ndown_revision = ('a',)\nprint(down_revision)\n",
        true,
    );
    check(
        "revision = 'r'\ndown_revision = ['a']\ndown_revision.append('x')\n",
        false,
    );
    check(
        "revision = 'r'\ndown_revision = ['a']\nx = down_revision\nx += ['b']\n",
        false,
    );
    check(
        "revision = 'r'\nx = ['a']\ndown_revision = x\nx.clear()\n",
        false,
    );
    check(
        "revision = 'r'\ndown_revision = depends_on = ['a']\ndepends_on.clear()\n",
        false,
    );
    check(
        "revision = 'r'\ndown_revision = ['a']\ndown_revision = 'b'\n",
        true,
    );
}

#[test]
fn reads_all_line_endings_of_python() {
    let source = "\"\"\"a\rb\r\nc\\rd\"\"\"\r# x\rrevision = 'r'\rdown_revision = None  # y\rrevision = 's'\r";
    let header = read(source).unwrap();
    assert_eq!(header.doc.as_deref(), Some("a\nb\nc\rd"));
    assert_eq!(header.revision.as_deref(), Some("s"));
}

#[test]
fn missing_declarations_are_none() {
    let header = read("x = 1\n").unwrap();
    assert_eq!(header, ScriptHeader::default());
}

#[test]
fn reports_the_line_of_a_syntax_error() {
    let problem = read("revision = 'a'\ndown_revision = (\n").unwrap_err();
    let HeaderProblem::Syntax { line, .. } = problem else {
        panic!("{problem:?}")
    };
    assert!(line >= 2, "{line}");
}

#[test]
fn reports_the_first_problem() {
    let source = "down_revision = f()\nrevision = f()\ndepends_on = f()\nbranch_labels = f()\n";
    // The order must not depend on a hash: one try could be right by chance.
    for _ in 0..20 {
        let problem = read(source).unwrap_err();
        let HeaderProblem::NotStatic { line: 1, .. } = problem else {
            panic!("{problem:?}")
        };
    }
}

#[test]
fn a_docstring_must_be_text() {
    let problem = read("revision = 'a'\n__doc__ = ['b']\n").unwrap_err();
    assert!(matches!(problem, HeaderProblem::Value { line: 2, .. }));
}

#[test]
fn names_of_inner_scopes_are_not_declarations() {
    let check = |more: &str, revision: Option<&str>| {
        let source = format!("revision = 'a'\n{more}");
        let found = read(&source).ok().and_then(|header| header.revision);
        assert_eq!(found.as_deref(), revision, "{more}");
    };
    check("def f(revision): return revision\n", Some("a"));
    check("class C:\n    revision = 'b'\n", Some("a"));
    check("f = lambda: (revision := 'b')\n", Some("a"));
    check("@(revision := f)\ndef g(): ...\n", None);
    check("def g(x=(revision := 'b')): ...\n", None);
    check("class C(f(revision := 'b')): ...\n", None);
}
