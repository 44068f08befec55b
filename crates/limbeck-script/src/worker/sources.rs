//! The worker's Python modules, as they are compiled into the program.

/// The text that starts the worker; it is the interpreter's `-c` argument.
pub(super) const BOOTSTRAP: &str = include_str!("../../python/bootstrap.py");

/// Module name, whether it is a package, text.
pub(super) const MODULES: &[(&str, bool, &str)] = &[
    (
        "limbeck_worker",
        true,
        include_str!("../../python/limbeck_worker/__init__.py"),
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
        "limbeck_worker.dialects",
        true,
        include_str!("../../python/limbeck_worker/dialects/__init__.py"),
    ),
    (
        "limbeck_worker.failure",
        false,
        include_str!("../../python/limbeck_worker/failure.py"),
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
        "limbeck_worker.scripts",
        false,
        include_str!("../../python/limbeck_worker/scripts.py"),
    ),
];
