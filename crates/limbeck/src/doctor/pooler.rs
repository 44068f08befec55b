//! The check of a URL for signs of a pooler.

use limbeck_url::{ConnectionInfo, mask};

use super::check::{Check, CheckId};

/// Checks that no prepared statements go through a pooler in transaction mode.
pub(super) fn check(info: &ConnectionInfo, driver: Option<&str>) -> Check {
    let id = CheckId::UrlPooler;
    let Some(sign) = sign_of_pooler(info) else {
        return id.ok("the URL shows no sign of a pooler");
    };
    let has_no_cache = info
        .parameters
        .iter()
        .filter(|(name, _)| {
            name == "prepared_statement_cache_size" || name == "statement_cache_size"
        })
        .any(|(_, value)| value == "0");
    if driver == Some("asyncpg") && !has_no_cache {
        return id
            .warning(format!(
                "{sign}, where asyncpg's prepared statements fail; limbeck prepares no statements"
            ))
            .fix("pass `connect_args={\"statement_cache_size\": 0}` in the application, and set DIRECT_URL for migrations");
    }
    id.note(format!(
        "{sign}; a direct connection is better for migrations"
    ))
    .fix("set DIRECT_URL or MIGRATION_DATABASE_URL to the address of the server itself")
}

/// Returns the sign of a pooler in transaction mode, in words.
fn sign_of_pooler(info: &ConnectionInfo) -> Option<String> {
    if info.transaction_pooler {
        return Some("the URL declares a pooler in transaction mode".into());
    }
    info.hosts.iter().find_map(|host| {
        let name = host.name.as_deref()?;
        let is_supabase = name.ends_with(".pooler.supabase.com") || name.ends_with(".supabase.co");
        if is_supabase && host.port == Some(6543) {
            return Some("port 6543 is Supabase's pooler in transaction mode".into());
        }
        if host.port == Some(6432) {
            return Some("port 6432 is the usual port of PgBouncer".into());
        }
        let label = name.split('.').next().unwrap_or(name);
        (label.ends_with("-pooler") && name.ends_with(".neon.tech"))
            .then(|| format!("`{}` is Neon's pooler in transaction mode", mask(name)))
    })
}
