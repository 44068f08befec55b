//! A throw-away MariaDB server.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::certificates::{Issued, for_owner_only};
use crate::process::{
    ChildGuard, find, free_port, hand_over, is_root, run, unprivileged, wait_until,
};
use crate::report_missing;

/// A running server; `root` has no password.
#[derive(Debug)]
pub struct MariaDb {
    /// The port on 127.0.0.1.
    pub port: u16,
    folder: TempDir,
    server_process: ChildGuard,
}

impl MariaDb {
    /// Starts a server.
    pub fn start() -> Self {
        Self::start_with(None)
    }

    /// Starts a server with TLS that knows the clients of an authority; [`Self::certificate`] changes
    /// its certificate.
    pub fn start_with_tls(certificate: &Issued, clients: &Path) -> Self {
        Self::start_with(Some((certificate, clients)))
    }

    fn start_with(tls: Option<(&Issued, &Path)>) -> Self {
        let folders = [PathBuf::from("/usr/sbin")];
        let (Some(server), Some(install)) =
            (find("mariadbd", &folders), find("mariadb-install-db", &[]))
        else {
            report_missing("MariaDB's server programs (`mariadbd`, `mariadb-install-db`)");
        };
        let folder = tempfile::Builder::new()
            .prefix("limbeck-my")
            .tempdir()
            .expect("a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
        let data = folder.path().join("data");
        // A server that starts removes what looks like a temporary table from its folder of temporary
        // files: two of them must not have one in common.
        let temporary = folder.path().join("tmp");
        fs::create_dir(&temporary).expect("a folder");
        let temporary = format!("--tmpdir={}", temporary.display());
        hand_over(folder.path(), "mysql");
        let mut command = Command::new(install);
        command
            .arg("--no-defaults")
            .arg(format!("--datadir={}", data.display()))
            .arg(&temporary);
        command.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
        if is_root() {
            command.arg("--user=mysql");
        }
        run(command.current_dir(folder.path()));
        let port = free_port();
        let mut more = Vec::new();
        if let Some((certificate, clients)) = tls {
            put_certificate(folder.path(), certificate);
            fs::copy(clients, folder.path().join("clients.crt")).expect("a copy");
            let file = |name: &str| folder.path().join(name).display().to_string();
            more.push(format!("--ssl-cert={}", file("server.crt")));
            more.push(format!("--ssl-key={}", file("server.key")));
            more.push(format!("--ssl-ca={}", file("clients.crt")));
        }
        let log = fs::File::create(folder.path().join("log")).expect("a log file");
        let child = unprivileged(&server, "mysql")
            .arg("--no-defaults")
            .arg(format!("--datadir={}", data.display()))
            .arg(&temporary)
            .arg(format!("--port={port}"))
            .arg(format!("--socket={}", folder.path().join("s").display()))
            .arg(format!(
                "--pid-file={}",
                folder.path().join("pid").display()
            ))
            .args([
                "--bind-address=127.0.0.1",
                "--innodb-flush-log-at-trx-commit=0",
                "--sync-binlog=0",
            ])
            .args([
                "--character-set-server=utf8mb4",
                "--skip-name-resolve",
                "--default-time-zone=+00:00",
            ])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("mariadbd starts");
        let mut server = Self {
            port,
            folder,
            server_process: ChildGuard(child),
        };
        let mut probe = server.client(None, "select 1");
        probe.stdout(Stdio::null()).stderr(Stdio::null());
        wait_until("mariadbd", &mut server.server_process.0, || {
            probe.status().is_ok_and(|status| status.success())
        });
        server
    }

    /// Changes the server's certificate.
    pub fn certificate(&self, certificate: &Issued) {
        put_certificate(self.folder.path(), certificate);
        self.sql("mysql", "flush ssl");
    }

    /// Creates an empty database.
    pub fn create_database(&self, name: &str) {
        run(&mut self.client(None, &format!("create database `{name}`")));
    }

    /// `scheme://…` for a database.
    pub fn url(&self, scheme: &str, database: &str) -> String {
        format!("{scheme}://root@127.0.0.1:{}/{database}", self.port)
    }

    /// What the client prints for a statement, without headers.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        run(&mut self.client(Some(database), sql))
    }

    /// `SHOW CREATE TABLE` of every table, by name.
    pub fn dump_schema(&self, database: &str) -> String {
        let tables = self.sql(database, "show tables");
        tables
            .lines()
            .map(|table| self.sql(database, &format!("show create table `{table}`")))
            .collect()
    }

    fn client(&self, database: Option<&str>, sql: &str) -> Command {
        let mut command = Command::new("mariadb");
        command
            .args([
                "--no-defaults",
                "-h",
                "127.0.0.1",
                "-u",
                "root",
                "-N",
                "-B",
                "-P",
            ])
            .arg(self.port.to_string());
        command.args(database).args(["-e", sql]);
        command
    }
}

fn put_certificate(folder: &Path, certificate: &Issued) {
    for (from, name) in [
        (&certificate.certificate, "server.crt"),
        (&certificate.key, "server.key"),
    ] {
        let target = folder.join(name);
        fs::copy(from, &target).expect("a copy");
        for_owner_only(&target);
        hand_over(&target, "mysql");
    }
}
