//! A throw-away PostgreSQL cluster.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::certificates::{Authority, CertificateRequest, for_owner_only};
use crate::process::{ChildGuard, find, free_port, hand_over, run, unprivileged, wait_until};
use crate::report_missing;

/// What a cluster asks of its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// No TLS; everybody is trusted.
    Off,
    /// Plain connections are refused; the password is `secret` for `postgres`.
    Required,
}

/// A running cluster.
#[derive(Debug)]
pub struct Postgres {
    /// The port on 127.0.0.1 and `::1`.
    pub port: u16,
    folder: TempDir,
    bin: PathBuf,
    tls: Tls,
    /// How often the configuration was written.
    generation: AtomicU32,
    server_process: ChildGuard,
}

/// An open transaction; it is rolled back with this value.
#[derive(Debug)]
pub struct OpenTransaction {
    child: Child,
    input: Option<ChildStdin>,
}

impl Drop for OpenTransaction {
    fn drop(&mut self) {
        drop(self.input.take());
        // `psql` ends with its input, and the session with it.
        let _ = self.child.wait();
    }
}

/// Who may connect to a cluster whose tests connect over its unix socket.
const LOCAL: &str = "local all all trust\nlocal replication all trust\n";

impl Postgres {
    /// Starts a cluster.
    pub fn start(tls: Tls) -> Self {
        let Some(bin) = server_folder() else {
            report_missing("PostgreSQL's server programs (`initdb`, `postgres`)");
        };
        let folder = new_folder();
        let data = folder.path().join("data");
        hand_over(folder.path(), "postgres");
        run(unprivileged(&bin.join("initdb"), "postgres")
            .arg("-D")
            .arg(&data)
            .args([
                "-A",
                "trust",
                "-U",
                "postgres",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
                "--no-instructions",
            ])
            .current_dir(folder.path()));
        let mut configuration = fs::OpenOptions::new()
            .append(true)
            .open(data.join("postgresql.conf"))
            .expect("a configuration");
        writeln!(configuration, "include_if_exists 'limbeck.conf'").expect("a file");
        // A copy must have as many as the cluster that it follows: so it is not a setting of the start.
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

    /// Starts a copy that follows this cluster. With `hot_standby=off` among its settings it answers
    /// that it takes no connections.
    #[must_use]
    pub fn standby(&self, settings: &[(&str, &str)]) -> Self {
        let folder = new_folder();
        hand_over(folder.path(), "postgres");
        run(unprivileged(&self.bin.join("pg_basebackup"), "postgres")
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
            .current_dir(folder.path()));
        Self::run(folder, self.bin.clone(), self.tls, settings, |probe| {
            probe.status.success()
                || String::from_utf8_lossy(&probe.stderr).contains("Hot standby mode is disabled")
        })
    }

    fn run(
        folder: TempDir,
        bin: PathBuf,
        tls: Tls,
        more: &[(&str, &str)],
        is_ready: impl Fn(&Output) -> bool,
    ) -> Self {
        let port = free_port();
        let mut server = unprivileged(&bin.join("postgres"), "postgres");
        server
            .arg("-D")
            .arg(folder.path().join("data"))
            .current_dir(folder.path());
        let number = port.to_string();
        // One with a file, and one of Linux without.
        let sockets = format!("{}, @limbeck-{port}", folder.path().display());
        let settings = [
            ("port", number.as_str()),
            ("listen_addresses", "127.0.0.1,::1"),
            ("unix_socket_directories", sockets.as_str()),
            ("fsync", "off"),
            ("synchronous_commit", "off"),
            ("full_page_writes", "off"),
            ("max_connections", "100"),
            ("timezone", "UTC"),
        ];
        for (name, value) in settings.iter().chain(more) {
            server.arg("-c").arg(format!("{name}={value}"));
        }
        let log = fs::File::create(folder.path().join("log")).expect("a log file");
        let child = server
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("postgres starts");
        let mut cluster = Self {
            port,
            folder,
            bin,
            tls,
            generation: AtomicU32::new(0),
            server_process: ChildGuard(child),
        };
        let mut probe = cluster.psql("postgres", "select 1");
        wait_until("postgres", &mut cluster.server_process.0, || {
            probe.output().is_ok_and(|output| is_ready(&output))
        });
        cluster
    }

    /// Sets the server's settings, in place of those of the call before, and the rules of who may
    /// connect over TCP; returns when the server has taken them.
    pub fn configure(&self, settings: &[(&str, &str)], rules: &str) {
        let generation = (self.generation.fetch_add(1, Ordering::Relaxed) + 1).to_string();
        let mut text = format!("limbeck.generation = '{generation}'\n");
        for (name, value) in settings {
            text += &format!("{name} = '{value}'\n");
        }
        let data = self.folder.path().join("data");
        fs::write(data.join("limbeck.conf"), text).expect("a file");
        fs::write(data.join("pg_hba.conf"), format!("{LOCAL}{rules}\n")).expect("a file");
        let id = self.server_process.0.id().to_string();
        run(Command::new("kill").args(["-HUP", &id]));
        let start = Instant::now();
        while self.sql("postgres", "show limbeck.generation").trim() != generation {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "the server does not take its settings"
            );
        }
    }

    /// Copies a file into the cluster's folder, for the server alone; its settings may name it so.
    pub fn put(&self, file: &Path, name: &str) {
        let target = self.folder.path().join("data").join(name);
        // The one before belongs to the server's user; a new file takes its place.
        let _ = fs::remove_file(&target);
        fs::copy(file, &target).expect("a copy");
        for_owner_only(&target);
        hand_over(&target, "postgres");
    }

    /// The folder of the unix socket.
    pub fn socket_folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).expect("a log file")
    }

    /// `psql` with a connection string and nothing around it but a home folder and variables; its
    /// output, or what it says on standard error.
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

    /// `scheme://…` for a database; `query` begins with `?` or is empty.
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

    /// What `psql` prints for a statement, unaligned, without headers.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        run(&mut self.psql(database, sql))
    }

    /// A session that has run a statement and keeps its transaction open.
    pub fn open_transaction(&self, database: &str, sql: &str) -> OpenTransaction {
        let mut command = self.client("psql");
        let mut child = command
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("psql starts");
        let mut input = child.stdin.take().expect("a pipe");
        write!(input, "begin;\n{sql};\n\\echo held\n").expect("psql reads");
        let mut line = String::new();
        let output = child.stdout.take().expect("a pipe");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("psql answers");
        assert_eq!(line, "held\n");
        OpenTransaction {
            child,
            input: Some(input),
        }
    }

    /// `pg_dump --schema-only`, without what differs between two dumps of the same schema.
    pub fn dump_schema(&self, database: &str) -> String {
        let text =
            run(self
                .client("pg_dump")
                .args(["--schema-only", "--no-owner", "-d", database]));
        let session =
            |line: &&str| !line.starts_with("--") && !line.starts_with('\\') && !line.is_empty();
        text.lines().filter(session).collect::<Vec<_>>().join("\n")
    }
    /// The certificate of the authority that signed the server's.
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

    /// A client program, over the unix socket, where everybody is trusted.
    fn client(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.arg("-h").arg(self.folder.path()).args([
            "-p",
            &self.port.to_string(),
            "-U",
            "postgres",
        ]);
        command.env_remove("PGOPTIONS");
        command
    }
}

fn server_folder() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| {
            entries
                .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
                .collect()
        })
        .unwrap_or_default();
    folders.sort();
    folders.reverse();
    find("initdb", &folders)?.parent().map(Path::to_owned)
}

/// A server certificate for 127.0.0.1 under an authority of its own; over TCP only TLS with a password.
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
        for_owner_only(&target);
    }
    fs::write(data.join("limbeck.conf"), "ssl = on\n").expect("a file");
    fs::write(
        data.join("pg_hba.conf"),
        format!("{LOCAL}hostssl all all 127.0.0.1/32 scram-sha-256\nhostnossl all all 127.0.0.1/32 reject\n"),
    )
    .expect("a file");
    hand_over(data, "postgres");
}

/// A folder that the server's user can enter.
fn new_folder() -> TempDir {
    let folder = tempfile::Builder::new()
        .prefix("limbeck-pg")
        .tempdir()
        .expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
    folder
}
