//! A throw-away PostgreSQL cluster.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::missing;
use crate::process::{Killed, find, free_port, hand_over, run, unprivileged, wait_until};

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
    /// The port on 127.0.0.1.
    pub port: u16,
    folder: TempDir,
    bin: PathBuf,
    tls: Tls,
    server_process: Killed,
}

impl Postgres {
    /// Starts a cluster; `None`, with a printed line, where PostgreSQL is not installed.
    pub fn start(tls: Tls) -> Option<Self> {
        let Some(bin) = server_folder() else {
            missing("PostgreSQL's server programs are not installed");
            return None;
        };
        let folder = tempfile::Builder::new()
            .prefix("limbeck-pg")
            .tempdir()
            .expect("a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
        let data = folder.path().join("data");
        let program = |name: &str| unprivileged(&bin.join(name), "postgres");
        hand_over(folder.path(), "postgres");
        run(program("initdb")
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
        let port = free_port();
        if tls == Tls::Required {
            require_tls(folder.path(), &data);
        }
        let mut server = program("postgres");
        server.arg("-D").arg(&data).current_dir(folder.path());
        let socket = folder.path().display().to_string();
        let settings = [
            ("port", port.to_string()),
            ("listen_addresses", "127.0.0.1".into()),
            ("unix_socket_directories", socket),
            ("fsync", "off".into()),
            ("synchronous_commit", "off".into()),
            ("full_page_writes", "off".into()),
            ("max_connections", "100".into()),
            ("timezone", "UTC".into()),
            (
                "ssl",
                if tls == Tls::Required { "on" } else { "off" }.into(),
            ),
        ];
        for (name, value) in settings {
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
            server_process: Killed(child),
        };
        let probe = cluster.psql("postgres", "select 1");
        let mut probe = probe;
        probe.stdout(Stdio::null()).stderr(Stdio::null());
        wait_until("postgres", &mut cluster.server_process.0, || {
            probe.status().is_ok_and(|status| status.success())
        });
        if tls == Tls::Required {
            cluster.sql("postgres", "alter role postgres password 'secret'");
        }
        Some(cluster)
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

    /// What the server has logged.
    pub fn log(&self) -> String {
        let bytes = fs::read(self.folder.path().join("log")).expect("the log");
        String::from_utf8_lossy(&bytes).into_owned()
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
    let openssl = |arguments: &[&str]| {
        run(Command::new("openssl")
            .args(arguments)
            .current_dir(folder)
            .stderr(Stdio::null()))
    };
    openssl(&[
        "req",
        "-new",
        "-x509",
        "-days",
        "30",
        "-nodes",
        "-subj",
        "/CN=limbeck test authority",
        "-keyout",
        "ca.key",
        "-out",
        "ca.crt",
    ]);
    openssl(&[
        "req",
        "-new",
        "-nodes",
        "-subj",
        "/CN=localhost",
        "-keyout",
        "server.key",
        "-out",
        "server.csr",
    ]);
    fs::write(
        folder.join("san"),
        "subjectAltName=DNS:localhost,IP:127.0.0.1\n",
    )
    .expect("a file");
    openssl(&[
        "x509",
        "-req",
        "-days",
        "30",
        "-in",
        "server.csr",
        "-CA",
        "ca.crt",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-extfile",
        "san",
        "-out",
        "server.crt",
    ]);
    for name in ["server.crt", "server.key"] {
        let target = data.join(name);
        fs::copy(folder.join(name), &target).expect("a copy");
        fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).expect("permissions");
    }
    fs::write(
        data.join("pg_hba.conf"),
        "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\nhostnossl all all 127.0.0.1/32 reject\n",
    )
    .expect("a file");
    hand_over(data, "postgres");
}
