//! Compares the scanner and the parser on random scripts. `fuzz/targets/header.rs` does so on random bytes.

use proptest::prelude::*;
use proptest::sample::select;

use super::{HeaderProblem, parse, scan};

/// Parts of scripts, from which random texts similar to real scripts are made.
const PIECES: &[&str] = &[
    "revision",
    "down_revision",
    "branch_labels",
    "depends_on",
    "__doc__",
    ": str",
    ": Union[str, None]",
    " = ",
    "=",
    " == ",
    "'a1'",
    "\"b2\"",
    "'''c\n3'''",
    "\"\"\"d\"\"\"",
    "r'x'",
    "f'{x}'",
    "b'x'",
    "None",
    "True",
    "12",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ", ",
    "\n",
    "\n\n",
    "\n    ",
    "\r\n",
    "\r",
    "\\\n",
    ";",
    "# c\n",
    "#",
    "import x\n",
    "from x import y\n",
    "from x import *\n",
    "def f(): pass\n",
    "def upgrade():\n    pass\n",
    "if x:\n    ",
    "\u{feff}",
    "\u{c}",
    "\t",
    "\u{e9}",
    "\\x61",
    "'",
    "\"",
    "+",
    "*",
    ".append('x')",
    "global revision\n",
    "revision = 'a1'\n",
    "down_revision = None\n",
    "down_revision = ('a', 'b')\n",
    "branch_labels = ['x']\n",
    "depends_on: str = 'y'\n",
    "\"\"\"doc\"\"\"\n",
    "lambda: 0",
    "x",
    " ",
    "\0",
];

/// Generates a declaration or another line of Python.
fn line() -> impl Strategy<Value = String> {
    const NAMES: &[&str] = &[
        "revision",
        "down_revision",
        "branch_labels",
        "depends_on",
        "__doc__",
        "x",
    ];
    const VALUES: &[&str] = &[
        "'a1'",
        "\"b2\"",
        "None",
        "('a', 'b')",
        "['a']",
        "'a' 'b'",
        "'a\\x61'",
        "'''a\rb'''",
        "revision",
        "(\n  'a',\r 'b')",
        "'a' # c",
        "('a')",
        "f()",
        "12",
    ];
    const OTHERS: &[&str] = &[
        "",
        "# c",
        "import x",
        "from x import *",
        "'''doc\r\nument'''",
        "\"doc\\\ns\"",
        "print(revision)",
        "if x: pass",
        "def f(): pass",
        "class C:\n  revision = 'c'",
        "# c\rrevision = 'd4'",
        "\u{c}",
        "\\",
    ];
    let declaration = (
        select(NAMES),
        select(&["", ": str", ":x"]),
        select(&["=", " = "]),
        select(VALUES),
    )
        .prop_map(|(name, of, sign, value)| format!("{name}{of}{sign}{value}"));
    let end = select(&["\n", "\n", "\r\n", "\r", ";", " \n\n"]);
    let line = prop_oneof![declaration, select(OTHERS).prop_map(str::to_owned)];
    (line, end).prop_map(|(line, end)| line + end)
}

fn script() -> impl Strategy<Value = String> {
    let piece = || select(PIECES).prop_map(str::to_owned);
    let lines = proptest::collection::vec(prop_oneof![30 => line(), 1 => piece()], 0..8);
    let pieces = proptest::collection::vec(piece(), 0..16);
    prop_oneof![4 => lines, 1 => pieces].prop_map(|parts| parts.concat())
}

fn cases(default: u32) -> ProptestConfig {
    let requested = std::env::var("LIMBECK_TEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: requested.unwrap_or(default),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(10_000))]

    /// The scanner reads what the parser reads, if the script is valid Python.
    #[test]
    fn both_readers_agree(source in script()) {
        let parsed = parse(&source);
        if let Some(scanned) = scan(&source)
            && !matches!(parsed, Err(HeaderProblem::Syntax { .. }))
        {
            prop_assert_eq!(Ok(scanned), parsed);
        }
    }
}
