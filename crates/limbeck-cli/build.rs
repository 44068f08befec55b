//! Links the stack unwinder into the program.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=CC");
    let target = |part: &str| env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    // Finding, opening and initializing the shared library at each start takes a twentieth of the time of the
    // shortest commands.
    if target("OS") == "linux" && target("ENV") == "gnu" && has_library("libgcc_eh.a") {
        println!("cargo:rustc-link-lib=static=gcc_eh");
    }
}

/// Returns `true` if the C compiler that Rust links with has a library.
fn has_library(library: &str) -> bool {
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".into());
    let output = Command::new(compiler)
        .arg(format!("-print-file-name={library}"))
        .output();
    // If the compiler doesn't find the library, it prints the bare name.
    output.is_ok_and(|output| {
        let path = String::from_utf8_lossy(&output.stdout);
        Path::new(path.trim()).is_absolute()
    })
}
