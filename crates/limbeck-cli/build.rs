//! Links the stack unwinder into the program.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=CC");
    let target = |part: &str| env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    // As a shared library it is found, opened and set up at each start, which takes a twentieth of what
    // the shortest commands do.
    if target("OS") == "linux" && target("ENV") == "gnu" && is_there("libgcc_eh.a") {
        println!("cargo:rustc-link-lib=static=gcc_eh");
    }
}

/// Whether the C compiler, which Rust links with, has a library.
fn is_there(library: &str) -> bool {
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".into());
    let asked = Command::new(compiler)
        .arg(format!("-print-file-name={library}"))
        .output();
    // The bare name comes back when it isn't found.
    asked.is_ok_and(|answer| {
        let found = String::from_utf8_lossy(&answer.stdout);
        Path::new(found.trim()).is_absolute()
    })
}
