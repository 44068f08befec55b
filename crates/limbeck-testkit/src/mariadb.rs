//! A throw-away MariaDB server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::certificates::{IssuedCertificate, restrict_to_owner};
use crate::process::{
    ChildGuard, change_owner, find_program, is_root, run, server_folder, start_server,
    unprivileged_command,
};
use crate::report_missing;
use crate::template::copy_template;

/// A running server, whose `root` has no password. It is ended when this value is dropped.
#[derive(Debug)]
pub struct MariaDb {
    /// The port on 127.0.0.1.
    pub port: u16,
    /// Dropped before its folder, so that nothing is written there during the removal.
    _server_process: ChildGuard,
    folder: TempDir,
}

/// Options of `mariadb-install-db`.
const INSTALL_OPTIONS: [&str; 2] = ["--auth-root-authentication-method=normal", "--skip-test-db"];

impl MariaDb {
    /// Starts a server without TLS.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with TLS that accepts client certificates of the authority in the file `clients`.
    /// [`Self::replace_certificate`] replaces its own certificate.
    pub fn start_with_tls(certificate: &IssuedCertificate, clients: &Path) -> Self {
        Self::start_with(&[
            ("cert", &certificate.certificate),
            ("key", &certificate.key),
            ("ca", clients),
        ])
    }

    /// Starts a server with the `--ssl-*` options of these files.
    fn start_with(tls: &[(&str, &Path)]) -> Self {
        let (Some(server), Some(install)) = (
            find_program("mariadbd", &[PathBuf::from("/usr/sbin")]),
            find_program("mariadb-install-db", &[]),
        ) else {
            report_missing("MariaDB's server programs (`mariadbd`, `mariadb-install-db`)");
        };
        let folder = server_folder("limbeck-my", "mysql");
        let data = folder.path().join("data");
        copy_template(&server, "mysql", &INSTALL_OPTIONS, &data, |template| {
            let parent = template.parent().expect("a folder");
            let mut command = Command::new(install);
            command
                .arg("--no-defaults")
                .arg(format!("--datadir={}", template.display()))
                .arg(format!("--tmpdir={}", temporary_folder(parent).display()))
                .args(INSTALL_OPTIONS);
            if is_root() {
                command.arg("--user=mysql");
            }
            run(command.current_dir(parent));
        });
        let temporary = temporary_folder(folder.path());
        let tls: Vec<String> = tls
            .iter()
            .map(|(option, file)| {
                let copy = copy_for_server(folder.path(), file, option);
                format!("--ssl-{option}={}", copy.display())
            })
            .collect();
        let log = folder.path().join("log");
        let spawn = |port: u16| {
            unprivileged_command(&server, "mysql")
                .arg("--no-defaults")
                .arg(format!("--datadir={}", data.display()))
                .arg(format!("--tmpdir={}", temporary.display()))
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
                    "--character-set-server=utf8mb4",
                    "--skip-name-resolve",
                    "--default-time-zone=+00:00",
                ])
                .args(&tls)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(fs::File::create(&log).expect("a log file"))
                .spawn()
                .expect("mariadbd starts")
        };
        let (port, server_process) = start_server(&log, spawn, |_| {
            fs::read_to_string(&log).is_ok_and(|text| text.contains("ready for connections"))
        });
        Self {
            port,
            folder,
            _server_process: server_process,
        }
    }

    /// Replaces the server's certificate.
    pub fn replace_certificate(&self, certificate: &IssuedCertificate) {
        copy_for_server(self.folder.path(), &certificate.certificate, "cert");
        copy_for_server(self.folder.path(), &certificate.key, "key");
        self.sql("mysql", "flush ssl");
    }

    /// Creates an empty database.
    pub fn create_database(&self, name: &str) {
        run(&mut self.client(None, &format!("create database `{name}`")));
    }

    /// Returns the URL of a database.
    pub fn url(&self, scheme: &str, database: &str) -> String {
        format!("{scheme}://root@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs a statement and returns the rows that the client prints, without headers.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        run(&mut self.client(Some(database), sql))
    }

    /// Returns the results of `SHOW CREATE TABLE` for all tables, by name.
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
            .arg(self.port.to_string())
            .args(database)
            .args(["-e", sql]);
        command
    }
}

/// Creates the server's folder for temporary files. A server that starts removes files there that look like its
/// temporary tables, so two servers must not share a folder.
fn temporary_folder(parent: &Path) -> PathBuf {
    let folder = parent.join("tmp");
    fs::create_dir(&folder).expect("a folder");
    change_owner(&folder, "mysql");
    folder
}

/// Copies a PEM file to the server's folder, readable by the server alone.
fn copy_for_server(folder: &Path, file: &Path, name: &str) -> PathBuf {
    let target = folder.join(format!("{name}.pem"));
    fs::copy(file, &target).expect("a copy");
    restrict_to_owner(&target);
    change_owner(&target, "mysql");
    target
}
