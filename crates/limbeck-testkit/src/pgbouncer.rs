//! A throw-away PgBouncer in front of a throw-away PostgreSQL cluster.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use tempfile::TempDir;

use crate::process::{
    ChildGuard, change_owner, find_program, server_folder, start_server, unprivileged_command,
};
use crate::{Postgres, report_missing};

/// A running pooler that accepts connections without a password. It is ended when this value is dropped.
#[derive(Debug)]
pub struct PgBouncer {
    /// The port on 127.0.0.1.
    pub port: u16,
    _process: ChildGuard,
    _folder: TempDir,
}

impl PgBouncer {
    /// Starts a pooler with at most `pool_size` connections to the server for each database.
    pub fn start(server: &Postgres, pool_mode: &str, pool_size: usize) -> Self {
        let Some(program) = find_program("pgbouncer", &[PathBuf::from("/usr/sbin")]) else {
            report_missing("the program `pgbouncer`");
        };
        let folder = server_folder("limbeck-pb", "postgres");
        let users = folder.path().join("users");
        fs::write(&users, "\"postgres\" \"\"\n").expect("a file");
        let configuration = folder.path().join("pgbouncer.ini");
        let log = folder.path().join("log");
        let spawn = |port: u16| {
            let text = format!(
                "[databases]\n* = host={} port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
                 unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = {pool_mode}\n\
                 default_pool_size = {pool_size}\n",
                server.socket_folder().display(),
                server.port,
                users.display(),
            );
            fs::write(&configuration, text).expect("a file");
            change_owner(folder.path(), "postgres");
            unprivileged_command(&program, "postgres")
                .arg(&configuration)
                .current_dir(folder.path())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(fs::File::create(&log).expect("a log file"))
                .spawn()
                .expect("pgbouncer starts")
        };
        let (port, process) = start_server(&log, spawn, |_| {
            fs::read_to_string(&log).is_ok_and(|text| text.contains("process up"))
        });
        Self {
            port,
            _process: process,
            _folder: folder,
        }
    }

    /// Returns the URL of a database behind the pooler.
    pub fn url(&self, database: &str) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{database}", self.port)
    }
}
