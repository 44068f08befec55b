//! A throw-away PgBouncer before a throw-away PostgreSQL cluster.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;

use tempfile::TempDir;

use crate::process::{ChildGuard, find, free_port, hand_over, unprivileged, wait_until};
use crate::{Postgres, report_missing};

/// A running pooler; everybody is trusted.
#[derive(Debug)]
pub struct PgBouncer {
    /// The port on 127.0.0.1.
    pub port: u16,
    _folder: TempDir,
    _process: ChildGuard,
}

impl PgBouncer {
    /// Starts a pooler with at most `size` connections to the server for each database.
    pub fn start(server: &Postgres, pool_mode: &str, size: usize) -> Self {
        let Some(program) = find("pgbouncer", &[PathBuf::from("/usr/sbin")]) else {
            report_missing("the program `pgbouncer`");
        };
        let folder = tempfile::Builder::new()
            .prefix("limbeck-pb")
            .tempdir()
            .expect("a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
        let port = free_port();
        let users = folder.path().join("users");
        fs::write(&users, "\"postgres\" \"\"\n").expect("a file");
        let configuration = folder.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host={} port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = {pool_mode}\n\
             default_pool_size = {size}\n",
            server.socket_folder().display(),
            server.port,
            users.display(),
        );
        fs::write(&configuration, text).expect("a file");
        hand_over(folder.path(), "postgres");
        let log = fs::File::create(folder.path().join("log")).expect("a log file");
        let mut child = unprivileged(&program, "postgres")
            .arg(&configuration)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("pgbouncer starts");
        wait_until("pgbouncer", &mut child, || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Self {
            port,
            _folder: folder,
            _process: ChildGuard(child),
        }
    }

    /// The URL of a database behind the pooler.
    pub fn url(&self, database: &str) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{database}", self.port)
    }
}
