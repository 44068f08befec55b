//! Random scripts: the two readers agree. `fuzz/targets/header.rs` asks the same of any bytes.

use proptest::prelude::*;
use proptest::sample::select;

use super::{HeaderProblem, parse, scan};

/// Pieces that scripts are made of, so that random texts come near to real ones.
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

/// A declaration, or another line, which is Python.
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

fn cases(usual: u32) -> ProptestConfig {
    let asked = std::env::var("LIMBECK_TEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: asked.unwrap_or(usual),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(10_000))]

    /// What is read without the parser is what the parser reads, if the rest is Python at all.
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
