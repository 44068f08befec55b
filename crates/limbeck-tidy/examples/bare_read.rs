//! A lower bound for benchmarks: reads the `.py` files of a folder on two threads and prints the number of files and
//! bytes.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs, io, thread};

const THREADS: usize = 2;

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a program, not a library"
)]
fn main() -> ExitCode {
    let Some(folder) = env::args_os().nth(1) else {
        eprintln!("usage: bare_read FOLDER");
        return ExitCode::from(2);
    };
    match read_all(&PathBuf::from(folder)) {
        Ok((files, bytes)) => {
            println!("{files} files, {bytes} bytes");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Reads all `.py` files of the folder. Returns the number of files and bytes.
fn read_all(folder: &PathBuf) -> io::Result<(usize, u64)> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "py") {
            paths.push(path);
        }
    }
    let share = paths.len().div_ceil(THREADS).max(1);
    let bytes = thread::scope(|scope| {
        let readers: Vec<_> = paths
            .chunks(share)
            .map(|part| scope.spawn(move || read_part(part)))
            .collect();
        readers
            .into_iter()
            .map(|reader| {
                reader
                    .join()
                    .unwrap_or_else(|_| Err(io::Error::other("a reader thread panicked")))
            })
            .sum::<io::Result<u64>>()
    })?;
    Ok((paths.len(), bytes))
}

/// Reads the files one after the other. Returns the number of bytes.
fn read_part(paths: &[PathBuf]) -> io::Result<u64> {
    let mut buffer = Vec::new();
    let mut bytes = 0;
    for path in paths {
        buffer.clear();
        bytes += fs::File::open(path)?.read_to_end(&mut buffer)? as u64;
    }
    Ok(bytes)
}
