//! The commands: Alembic's and limbeck's own, one file each.

pub(crate) mod branches;
pub(crate) mod check;
pub(crate) mod current;
pub(crate) mod dev;
pub(crate) mod doctor;
pub(crate) mod downgrade;
pub(crate) mod edit;
pub(crate) mod ensure_version;
pub(crate) mod fix;
pub(crate) mod heads;
pub(crate) mod history;
pub(crate) mod init;
pub(crate) mod list_templates;
pub(crate) mod merge;
pub(crate) mod revision;
pub(crate) mod run;
pub(crate) mod show;
pub(crate) mod stamp;
pub(crate) mod status;
pub(crate) mod upgrade;
pub(crate) mod url;
pub(crate) mod wait;
