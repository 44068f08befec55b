//! Scripts that can stay unimported, and scripts that can't.

use std::path::PathBuf;

use super::{FILES_FOR_THREADS, imports_of_files, only_imports};

fn check(source: &str, expected: Option<&[&str]>) {
    let expected = expected.map(|imports| imports.iter().map(|&text| text.to_owned()).collect());
    assert_eq!(only_imports(source), expected, "{source}");
}

#[test]
fn returns_the_imports_of_a_script_without_other_effects() {
    let cases: [(&str, &[&str]); 16] = [
        ("", &[]),
        ("'''doc'''\nrevision = 'a'\ndown_revision = None", &[]),
        ("import xml.sax.saxutils", &["xml.sax.saxutils"]),
        (
            "import xml.sax as s, json\nimport json",
            &["xml.sax", "json"],
        ),
        (
            "from alembic import op, context as c",
            &["alembic:op", "alembic:context"],
        ),
        ("from __future__ import annotations\nimport a", &["a"]),
        (
            "a = ('x', -1, ['y'], {'k': (1,)}, {1, b'2'})\nb = c = a\nd = 'x' + 'y' 'z'",
            &[],
        ),
        (
            "def f(a, b=1, *c, d=None, **e) -> None:\n    anything(a)",
            &[],
        ),
        (
            "def f():\n    for x in y:\n        if x:\n            continue\n        break",
            &[],
        ),
        ("def f(a: str, b: 'C' = 1) -> 'D':\n    pass", &[]),
        (
            "from typing import Sequence, Union\nrevision: str = 'a'\ndown_revision: Union[str, Sequence[str], None] = 'b'",
            &["typing:Sequence", "typing:Union"],
        ),
        (
            "from collections.abc import Sequence\na: str | Sequence[str] | None = None",
            &["collections.abc:Sequence", "types:UnionType"],
        ),
        ("a: list[str]", &[]),
        ("pass", &[]),
        ("import a\r\nb = 1\r\n", &["a"]),
        ("\u{feff}import a", &["a"]),
    ];
    for (source, imports) in cases {
        check(source, Some(imports));
    }
}

#[test]
fn refuses_scripts_that_do_more() {
    for source in [
        "x = sa.Enum('a')",
        "import sa\nx = sa.String",
        "x = f'{y}'",
        "x = y",
        "x = {[]}",
        "x = {**y}",
        "x = 1 + 'a'",
        "x.y = 1",
        "x['y'] = 1",
        "a, b = 1, 2",
        "x += 1",
        "print('hello')",
        "from x import *",
        "from . import x",
        "if x:\n    import y",
        "try:\n    import x\nexcept ImportError:\n    x = None",
        "class A:\n    pass",
        "@decorated\ndef f():\n    pass",
        "def f(a=g()):\n    pass",
        "def f(a: sa.String):\n    pass",
        "def f() -> Undefined:\n    pass",
        "x: Undefined = 1",
        "from typing import Optional\nx: Optional[str, int] = 1",
        "from typing import Union\nx: Union = 1",
        "from m import Union\nx: Union[str, None] = 1",
        "x: None | None = 1",
        "x: 'a' | None = 1",
        "str = 1\nx: str = 1",
        "import a\nfrom __future__ import annotations",
        "from __future__ import braces",
        "__debug__ = 1",
        // Only CPython's compiler refuses these, or a Python of some versions.
        "def f():\n    await g()",
        "async def f():\n    pass",
        "def f(a, a):\n    pass",
        "def f():\n    break",
        "def f():\n    while x:\n        def g():\n            continue",
        "def f():\n    nonlocal x",
        "def f():\n    x = 1\n    global x",
        "def f():\n    from x import *",
        "def f():\n    match x:\n        case 1:\n            pass",
        "def f():\n    [x async for x in y]",
        "def f():\n    *a, *b = c",
        "def f():\n    return lambda a, a: 1",
        "def f():\n    try:\n        pass\n    except:\n        pass\n    except A:\n        pass",
        "return",
        "x = (",
        "a = 1\rb = 2",
    ] {
        check(source, None);
    }
}

#[test]
fn reads_many_files_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> = (0..=FILES_FOR_THREADS * 2)
        .map(|number| folder.path().join(format!("{number}.py")))
        .collect();
    for (number, file) in files.iter().enumerate() {
        std::fs::write(file, format!("import module_{number}\n")).unwrap();
    }
    std::fs::write(&files[1], "import module_1\nprint()\n").unwrap();
    std::fs::remove_file(&files[2]).unwrap();
    let expected: Vec<_> = (0..files.len())
        .map(|number| (!matches!(number, 1 | 2)).then(|| vec![format!("module_{number}")]))
        .collect();
    assert_eq!(imports_of_files(&files), expected);
    assert_eq!(imports_of_files(&files[..3]), expected[..3]);
    assert!(imports_of_files(&[]).is_empty());
}
