//! The worker's Python modules, which are compiled into limbeck.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::sync::OnceLock;

/// The program that starts the worker.
const BOOTSTRAP: &str = include_str!("../../python/bootstrap.py");

/// The worker's Python code in a file without a name, which a worker inherits and reads in parts.
pub(super) struct CodeFile {
    /// The bootstrap program, a NUL, and the modules as a JSON object: by the module's name, whether it is a package, and
    /// its source.
    pub(super) file: File,
    /// A checksum of the file.
    pub(super) digest: u32,
}

impl CodeFile {
    /// Returns the file, made once for all workers of a process.
    ///
    /// # Errors
    /// The system can't make the file.
    pub(super) fn get() -> io::Result<&'static Self> {
        static CODE: OnceLock<CodeFile> = OnceLock::new();
        if let Some(code) = CODE.get() {
            return Ok(code);
        }
        let modules: BTreeMap<_, _> = SOURCES
            .iter()
            .map(|(name, is_package, source)| (name, (is_package, source)))
            .collect();
        let mut bytes = BOOTSTRAP.as_bytes().to_vec();
        bytes.push(0);
        serde_json::to_writer(&mut bytes, &modules)?;
        let made = Self {
            file: unnamed_file(&bytes)?,
            digest: crc32fast::hash(&bytes),
        };
        Ok(CODE.get_or_init(|| made))
    }

    /// Returns the program that runs the bootstrap program. Its last argument is the file's descriptor. A program other
    /// than Python shows its arguments in its error, so this one is short.
    pub(super) fn stub() -> String {
        let length = BOOTSTRAP.len();
        format!("import os, sys\nexec(os.pread(int(sys.argv[-1]), {length}, 0))")
    }
}

/// Returns a file that is in memory where the system supports that.
fn unnamed_file(bytes: &[u8]) -> io::Result<File> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        // A sandbox may forbid it.
        if let Ok(descriptor) = memfd_create("limbeck_worker", flags) {
            let mut file = File::from(descriptor);
            file.write_all(bytes)?;
            fcntl_add_seals(
                &file,
                SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW,
            )?;
            return Ok(file);
        }
    }
    let mut file = tempfile::tempfile()?;
    file.write_all(bytes)?;
    Ok(file)
}

/// The name of each module, whether it is a package, and its source.
const SOURCES: &[(&str, bool, &str)] = &[
    (
        "limbeck_worker",
        true,
        include_str!("../../python/limbeck_worker/__init__.py"),
    ),
    (
        "limbeck_worker.application",
        false,
        include_str!("../../python/limbeck_worker/application.py"),
    ),
    (
        "limbeck_worker.calls",
        false,
        include_str!("../../python/limbeck_worker/calls.py"),
    ),
    (
        "limbeck_worker.channel",
        false,
        include_str!("../../python/limbeck_worker/channel.py"),
    ),
    (
        "limbeck_worker.commands",
        false,
        include_str!("../../python/limbeck_worker/commands.py"),
    ),
    (
        "limbeck_worker.dbapi",
        true,
        include_str!("../../python/limbeck_worker/dbapi/__init__.py"),
    ),
    (
        "limbeck_worker.dbapi.async_adapter",
        false,
        include_str!("../../python/limbeck_worker/dbapi/async_adapter.py"),
    ),
    (
        "limbeck_worker.dbapi.asyncpg_arguments",
        false,
        include_str!("../../python/limbeck_worker/dbapi/asyncpg_arguments.py"),
    ),
    (
        "limbeck_worker.dbapi.asyncpg_codecs",
        false,
        include_str!("../../python/limbeck_worker/dbapi/asyncpg_codecs.py"),
    ),
    (
        "limbeck_worker.dbapi.asyncpg_copy",
        false,
        include_str!("../../python/limbeck_worker/dbapi/asyncpg_copy.py"),
    ),
    (
        "limbeck_worker.dbapi.asyncpg_objects",
        false,
        include_str!("../../python/limbeck_worker/dbapi/asyncpg_objects.py"),
    ),
    (
        "limbeck_worker.dbapi.base",
        false,
        include_str!("../../python/limbeck_worker/dbapi/base.py"),
    ),
    (
        "limbeck_worker.dbapi.composable",
        false,
        include_str!("../../python/limbeck_worker/dbapi/composable.py"),
    ),
    (
        "limbeck_worker.dbapi.driver_classes",
        false,
        include_str!("../../python/limbeck_worker/dbapi/driver_classes.py"),
    ),
    (
        "limbeck_worker.dbapi.driver_literals",
        false,
        include_str!("../../python/limbeck_worker/dbapi/driver_literals.py"),
    ),
    (
        "limbeck_worker.dbapi.error_names",
        false,
        include_str!("../../python/limbeck_worker/dbapi/error_names.py"),
    ),
    (
        "limbeck_worker.dbapi.errors",
        false,
        include_str!("../../python/limbeck_worker/dbapi/errors.py"),
    ),
    (
        "limbeck_worker.dbapi.mysql",
        false,
        include_str!("../../python/limbeck_worker/dbapi/mysql.py"),
    ),
    (
        "limbeck_worker.dbapi.own_connections",
        false,
        include_str!("../../python/limbeck_worker/dbapi/own_connections.py"),
    ),
    (
        "limbeck_worker.dbapi.patterns",
        false,
        include_str!("../../python/limbeck_worker/dbapi/patterns.py"),
    ),
    (
        "limbeck_worker.dbapi.placeholders",
        false,
        include_str!("../../python/limbeck_worker/dbapi/placeholders.py"),
    ),
    (
        "limbeck_worker.dbapi.postgresql",
        false,
        include_str!("../../python/limbeck_worker/dbapi/postgresql.py"),
    ),
    (
        "limbeck_worker.dbapi.postgresql_asyncpg",
        false,
        include_str!("../../python/limbeck_worker/dbapi/postgresql_asyncpg.py"),
    ),
    (
        "limbeck_worker.dbapi.postgresql_copy",
        false,
        include_str!("../../python/limbeck_worker/dbapi/postgresql_copy.py"),
    ),
    (
        "limbeck_worker.dbapi.postgresql_literals",
        false,
        include_str!("../../python/limbeck_worker/dbapi/postgresql_literals.py"),
    ),
    (
        "limbeck_worker.dbapi.postgresql_psycopg",
        false,
        include_str!("../../python/limbeck_worker/dbapi/postgresql_psycopg.py"),
    ),
    (
        "limbeck_worker.dbapi.postgresql_psycopg2",
        false,
        include_str!("../../python/limbeck_worker/dbapi/postgresql_psycopg2.py"),
    ),
    (
        "limbeck_worker.dbapi.postgresql_server_cursors",
        false,
        include_str!("../../python/limbeck_worker/dbapi/postgresql_server_cursors.py"),
    ),
    (
        "limbeck_worker.dbapi.postgresql_text",
        false,
        include_str!("../../python/limbeck_worker/dbapi/postgresql_text.py"),
    ),
    (
        "limbeck_worker.dbapi.psycopg_copy",
        false,
        include_str!("../../python/limbeck_worker/dbapi/psycopg_copy.py"),
    ),
    (
        "limbeck_worker.dbapi.postgresql_values",
        false,
        include_str!("../../python/limbeck_worker/dbapi/postgresql_values.py"),
    ),
    (
        "limbeck_worker.dbapi.psycopg2_lobject",
        false,
        include_str!("../../python/limbeck_worker/dbapi/psycopg2_lobject.py"),
    ),
    (
        "limbeck_worker.dbapi.psycopg2_registered",
        false,
        include_str!("../../python/limbeck_worker/dbapi/psycopg2_registered.py"),
    ),
    (
        "limbeck_worker.dbapi.psycopg2_types",
        false,
        include_str!("../../python/limbeck_worker/dbapi/psycopg2_types.py"),
    ),
    (
        "limbeck_worker.dbapi.psycopg_adapters",
        false,
        include_str!("../../python/limbeck_worker/dbapi/psycopg_adapters.py"),
    ),
    (
        "limbeck_worker.dbapi.ranges",
        false,
        include_str!("../../python/limbeck_worker/dbapi/ranges.py"),
    ),
    (
        "limbeck_worker.dbapi.sqlite",
        false,
        include_str!("../../python/limbeck_worker/dbapi/sqlite.py"),
    ),
    (
        "limbeck_worker.dbapi.sqlite_values",
        false,
        include_str!("../../python/limbeck_worker/dbapi/sqlite_values.py"),
    ),
    (
        "limbeck_worker.dbapi.sqlstates",
        false,
        include_str!("../../python/limbeck_worker/dbapi/sqlstates.py"),
    ),
    (
        "limbeck_worker.dbapi.tls_contexts",
        false,
        include_str!("../../python/limbeck_worker/dbapi/tls_contexts.py"),
    ),
    (
        "limbeck_worker.dbapi.two_phase",
        false,
        include_str!("../../python/limbeck_worker/dbapi/two_phase.py"),
    ),
    (
        "limbeck_worker.dialects",
        true,
        include_str!("../../python/limbeck_worker/dialects/__init__.py"),
    ),
    (
        "limbeck_worker.dialects.asyncio_extension",
        false,
        include_str!("../../python/limbeck_worker/dialects/asyncio_extension.py"),
    ),
    (
        "limbeck_worker.dialects.common",
        false,
        include_str!("../../python/limbeck_worker/dialects/common.py"),
    ),
    (
        "limbeck_worker.dialects.identity",
        false,
        include_str!("../../python/limbeck_worker/dialects/identity.py"),
    ),
    (
        "limbeck_worker.dialects.mysql",
        false,
        include_str!("../../python/limbeck_worker/dialects/mysql.py"),
    ),
    (
        "limbeck_worker.dialects.postgresql",
        false,
        include_str!("../../python/limbeck_worker/dialects/postgresql.py"),
    ),
    (
        "limbeck_worker.dialects.sqlite",
        false,
        include_str!("../../python/limbeck_worker/dialects/sqlite.py"),
    ),
    (
        "limbeck_worker.environment",
        false,
        include_str!("../../python/limbeck_worker/environment.py"),
    ),
    (
        "limbeck_worker.failure",
        false,
        include_str!("../../python/limbeck_worker/failure.py"),
    ),
    (
        "limbeck_worker.import_hooks",
        false,
        include_str!("../../python/limbeck_worker/import_hooks.py"),
    ),
    (
        "limbeck_worker.main",
        false,
        include_str!("../../python/limbeck_worker/main.py"),
    ),
    (
        "limbeck_worker.migrations",
        false,
        include_str!("../../python/limbeck_worker/migrations.py"),
    ),
    (
        "limbeck_worker.roles",
        false,
        include_str!("../../python/limbeck_worker/roles.py"),
    ),
    (
        "limbeck_worker.scripts",
        false,
        include_str!("../../python/limbeck_worker/scripts.py"),
    ),
];
