//! Fuzz target for revision scripts: nothing panics, and the fast scan returns the same header as the parser.
#![no_main]

use libfuzzer_sys::fuzz_target;
use limbeck_script::header::{HeaderProblem, parse, scan};

fuzz_target!(|source: &str| {
    let parsed = parse(source);
    if let Some(scanned) = scan(source)
        && !matches!(parsed, Err(HeaderProblem::Syntax { .. }))
    {
        assert_eq!(Ok(scanned), parsed);
    }
});
