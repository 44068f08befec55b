//! A throw-away PostgreSQL cluster.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::certificates::{Authority, CertificateRequest, restrict_to_owner};
use crate::process::{
    ChildGuard, change_owner, find_program, run, server_folder, start_server, unprivileged_command,
};
use crate::report_missing;
use crate::template::copy_template;

/// The connections that a new cluster accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Connections without TLS, from every user, without a password.
    Off,
    /// Connections with TLS only. The password of `postgres` is `secret`.
    Required,
}

/// A running cluster. It is ended when this value is dropped.
#[derive(Debug)]
pub struct Postgres {
    /// The port on 127.0.0.1 and `::1`.
    pub port: u16,
    /// Dropped before its folder, so that nothing is written there during the removal.
    server_process: ChildGuard,
    folder: TempDir,
    bin: PathBuf,
    tls: Tls,
    /// The number of calls of [`Self::configure`].
    generation: AtomicU32,
}

/// An open transaction. It is rolled back when this value is dropped.
#[derive(Debug)]
pub struct OpenTransaction {
    psql: Child,
    input: Option<ChildStdin>,
}

impl Drop for OpenTransaction {
    fn drop(&mut self) {
        // `psql` and its session end at the end of its input.
        drop(self.input.take());
        let _ = self.psql.wait();
    }
}

/// The rules for connections over the unix socket, which the tests' own statements use.
const LOCAL_RULES: &str = "local all all trust\nlocal replication all trust\n";

/// Options of `initdb` for the template. A small WAL segment makes its copies small.
const INITDB_OPTIONS: [&str; 10] = [
    "-A",
    "trust",
    "-U",
    "postgres",
    "-E",
    "UTF8",
    "--locale=C.UTF-8",
    "--no-sync",
    "--no-instructions",
    "--wal-segsize=1",
];

impl Postgres {
    /// Starts a cluster.
    ///
    /// All clusters are copies of one, with the same system identifier: one can't be a standby of another.
    /// [`Self::standby`] copies the primary instead.
    pub fn start(tls: Tls) -> Self {
        let Some(bin) = find_server_programs() else {
            report_missing("PostgreSQL's server programs (`initdb`, `postgres`)");
        };
        let folder = server_folder("limbeck-pg", "postgres");
        let data = folder.path().join("data");
        let initdb = bin.join("initdb");
        copy_template(&initdb, "postgres", &INITDB_OPTIONS, &data, |template| {
            run(unprivileged_command(&initdb, "postgres")
                .arg("-D")
                .arg(template)
                .args(INITDB_OPTIONS)
                .current_dir(template.parent().expect("a folder")));
        });
        let mut configuration = fs::OpenOptions::new()
            .append(true)
            .open(data.join("postgresql.conf"))
            .expect("a configuration");
        writeln!(configuration, "include_if_exists 'limbeck.conf'").expect("a file");
        // A standby needs at least as many as its primary, and it gets a copy of this file.
        writeln!(configuration, "max_prepared_transactions = 5").expect("a file");
        drop(configuration);
        if tls == Tls::Required {
            require_tls(folder.path(), &data);
        }
        let cluster = Self::run(folder, bin, tls, &[], |probe| probe.status.success());
        if tls == Tls::Required {
            cluster.sql("postgres", "alter role postgres password 'secret'");
        }
        cluster
    }

    /// Starts a standby of this cluster. With `hot_standby=off` among its settings it refuses connections.
    #[must_use]
    pub fn standby(&self, settings: &[(&str, &str)]) -> Self {
        let folder = server_folder("limbeck-pg", "postgres");
        run(
            unprivileged_command(&self.bin.join("pg_basebackup"), "postgres")
                .arg("-h")
                .arg(self.folder.path())
                .args([
                    "-p",
                    &self.port.to_string(),
                    "-U",
                    "postgres",
                    "-R",
                    "--no-sync",
                ])
                .args(["-X", "stream", "-c", "fast", "-D"])
                .arg(folder.path().join("data"))
                .current_dir(folder.path()),
        );
        Self::run(folder, self.bin.clone(), self.tls, settings, |probe| {
            probe.status.success()
                || String::from_utf8_lossy(&probe.stderr).contains("Hot standby mode is disabled")
        })
    }

    fn run(
        folder: TempDir,
        bin: PathBuf,
        tls: Tls,
        settings: &[(&str, &str)],
        is_ready: impl Fn(&Output) -> bool,
    ) -> Self {
        let log = folder.path().join("log");
        let spawn = |port: u16| {
            let mut server = unprivileged_command(&bin.join("postgres"), "postgres");
            server
                .arg("-D")
                .arg(folder.path().join("data"))
                .current_dir(folder.path());
            let number = port.to_string();
            // The second one is in Linux's abstract namespace: it has a name and no file.
            let sockets = format!("{}, @limbeck-{port}", folder.path().display());
            let base = [
                ("port", number.as_str()),
                ("listen_addresses", "127.0.0.1,::1"),
                ("unix_socket_directories", sockets.as_str()),
                ("fsync", "off"),
                ("synchronous_commit", "off"),
                ("full_page_writes", "off"),
                ("max_connections", "100"),
                ("timezone", "UTC"),
            ];
            for (name, value) in base.iter().chain(settings) {
                server.arg("-c").arg(format!("{name}={value}"));
            }
            server
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(fs::File::create(&log).expect("a log file"))
                .spawn()
                .expect("postgres starts")
        };
        let (port, server_process) = start_server(&log, spawn, |port| {
            let mut probe = client(&bin, "psql", folder.path(), port);
            probe.args(["-X", "-d", "postgres", "-c", "select 1"]);
            probe.output().is_ok_and(|output| is_ready(&output))
        });
        Self {
            port,
            folder,
            bin,
            tls,
            generation: AtomicU32::new(0),
            server_process,
        }
    }

    /// Replaces the settings of the previous call, and the rules for connections over TCP (`pg_hba.conf`). Returns when
    /// the server has loaded them.
    pub fn configure(&self, settings: &[(&str, &str)], rules: &str) {
        let generation = (self.generation.fetch_add(1, Ordering::Relaxed) + 1).to_string();
        let mut text = format!("limbeck.generation = '{generation}'\n");
        for (name, value) in settings {
            text += &format!("{name} = '{value}'\n");
        }
        let data = self.folder.path().join("data");
        fs::write(data.join("limbeck.conf"), text).expect("a file");
        fs::write(data.join("pg_hba.conf"), format!("{LOCAL_RULES}{rules}\n")).expect("a file");
        let id = self.server_process.0.id().to_string();
        run(Command::new("kill").args(["-HUP", &id]));
        let start = Instant::now();
        while self.sql("postgres", "show limbeck.generation").trim() != generation {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "the server has not loaded its settings"
            );
        }
    }

    /// Copies a file to the data folder, where the server's settings find it by `name`. Only the server can read it.
    pub fn copy_to_data_folder(&self, file: &Path, name: &str) {
        let target = self.folder.path().join("data").join(name);
        // A file of an earlier call belongs to the server's user: it can't be overwritten, but replaced.
        let _ = fs::remove_file(&target);
        fs::copy(file, &target).expect("a copy");
        restrict_to_owner(&target);
        change_owner(&target, "postgres");
    }

    /// Returns the folder of the unix socket.
    pub fn socket_folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the text of the server's log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).expect("a log file")
    }

    /// Runs a statement with `psql` over a connection string, in an environment of a home folder and `variables` alone.
    /// Returns standard output, or standard error if `psql` fails.
    pub fn psql_with(
        &self,
        connection: &str,
        home: &Path,
        variables: &[(&str, &str)],
        sql: &str,
    ) -> Result<String, String> {
        let mut command = Command::new(self.bin.join("psql"));
        command
            .env_clear()
            .env("HOME", home)
            .envs(variables.iter().copied());
        command.args([
            "-X",
            "-q",
            "-w",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            sql,
        ]);
        let output = command
            .args(["-d", connection])
            .stdin(Stdio::null())
            .output()
            .expect("psql runs");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        if output.status.success() {
            Ok(text(output.stdout))
        } else {
            Err(text(output.stderr))
        }
    }

    /// Creates an empty database.
    pub fn create_database(&self, name: &str) {
        self.sql(
            "postgres",
            &format!("create database \"{name}\" template template0"),
        );
    }

    /// Returns the URL of a database. `query` is empty or begins with `?`.
    pub fn url(&self, scheme: &str, database: &str, query: &str) -> String {
        let password = if self.tls == Tls::Required {
            ":secret"
        } else {
            ""
        };
        format!(
            "{scheme}://postgres{password}@127.0.0.1:{}/{database}{query}",
            self.port
        )
    }

    /// Runs a statement and returns the rows that `psql` prints, unaligned, without headers.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        run(&mut self.psql(database, sql))
    }

    /// Opens a transaction that has run a statement.
    pub fn open_transaction(&self, database: &str, sql: &str) -> OpenTransaction {
        let mut psql = self
            .client("psql")
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("psql starts");
        let mut input = psql.stdin.take().expect("a pipe");
        write!(input, "begin;\n{sql};\n\\echo done\n").expect("psql reads");
        let mut line = String::new();
        let output = psql.stdout.take().expect("a pipe");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("psql answers");
        assert_eq!(line, "done\n");
        OpenTransaction {
            psql,
            input: Some(input),
        }
    }

    /// Returns the output of `pg_dump --schema-only` without the lines that differ between two dumps of one schema.
    pub fn dump_schema(&self, database: &str) -> String {
        let text =
            run(self
                .client("pg_dump")
                .args(["--schema-only", "--no-owner", "-d", database]));
        let session =
            |line: &&str| !line.starts_with("--") && !line.starts_with('\\') && !line.is_empty();
        text.lines().filter(session).collect::<Vec<_>>().join("\n")
    }

    /// Returns the certificate file of the authority that signed the server's certificate.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.crt")
    }

    fn psql(&self, database: &str, sql: &str) -> Command {
        let mut command = self.client("psql");
        command.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            database,
            "-c",
            sql,
        ]);
        command
    }

    /// Returns a command of a client program that connects over the unix socket.
    fn client(&self, name: &str) -> Command {
        client(&self.bin, name, self.folder.path(), self.port)
    }
}

fn client(bin: &Path, name: &str, socket_folder: &Path, port: u16) -> Command {
    let mut command = Command::new(bin.join(name));
    command
        .arg("-h")
        .arg(socket_folder)
        .args(["-p", &port.to_string(), "-U", "postgres"])
        .env_remove("PGOPTIONS");
    command
}

/// Returns the folder with `initdb` and `postgres`, of the newest version that is installed.
fn find_server_programs() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| {
            entries
                .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
                .collect()
        })
        .unwrap_or_default();
    folders.sort();
    folders.reverse();
    find_program("initdb", &folders)?
        .parent()
        .map(Path::to_owned)
}

/// Gives the cluster a certificate for 127.0.0.1, and makes it refuse TCP connections without TLS or a password.
fn require_tls(folder: &Path, data: &Path) {
    let authority = Authority::new(&folder.join("authority"), "limbeck test authority");
    fs::copy(&authority.own.certificate, folder.join("ca.crt")).expect("a copy");
    let server = authority.issue(&CertificateRequest::new(
        "server",
        "localhost",
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
    ));
    for (file, name) in [
        (&server.certificate, "server.crt"),
        (&server.key, "server.key"),
    ] {
        let target = data.join(name);
        fs::copy(file, &target).expect("a copy");
        restrict_to_owner(&target);
    }
    fs::write(data.join("limbeck.conf"), "ssl = on\n").expect("a file");
    fs::write(
        data.join("pg_hba.conf"),
        format!("{LOCAL_RULES}hostssl all all 127.0.0.1/32 scram-sha-256\nhostnossl all all 127.0.0.1/32 reject\n"),
    )
    .expect("a file");
    change_owner(data, "postgres");
}
