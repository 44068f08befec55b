//! The check for signs of a pooler in a URL.

use limbeck_url::{ConnectionInfo, mask};

use super::check::{Check, Id};

/// Checks that prepared statements don't go through a pooler that shares connections by transaction.
pub(super) fn check(info: &ConnectionInfo, driver: Option<&str>) -> Check {
    let id = Id::UrlPooler;
    let Some(sign) = sign_of_pooler(info) else {
        return id.ok("nothing in the URL is a pooler's");
    };
    let caches_off = info
        .parameters
        .iter()
        .filter(|(name, _)| {
            name == "prepared_statement_cache_size" || name == "statement_cache_size"
        })
        .any(|(_, value)| value == "0");
    if driver == Some("asyncpg") && !caches_off {
        return id
            .warning(format!(
                "{sign}, and asyncpg's prepared statements fail there; limbeck prepares none"
            ))
            .fix("give `connect_args={\"statement_cache_size\": 0}` in the application, and set DIRECT_URL for migrations");
    }
    id.note(format!("{sign}; migrations are better off without it"))
        .fix("set DIRECT_URL, or MIGRATION_DATABASE_URL, to the server's own address")
}

/// What in a URL says that a pooler shares connections by transaction.
fn sign_of_pooler(info: &ConnectionInfo) -> Option<String> {
    if info.transaction_pooler {
        return Some("the URL says that a pooler shares connections by transaction".into());
    }
    info.hosts.iter().find_map(|host| {
        let name = host.name.as_deref()?;
        let supabase = name.ends_with(".pooler.supabase.com") || name.ends_with(".supabase.co");
        if supabase && host.port == Some(6543) {
            return Some("port 6543 is Supabase's pooler by transaction".into());
        }
        if host.port == Some(6432) {
            return Some("port 6432 is PgBouncer's usual one".into());
        }
        let first = name.split('.').next().unwrap_or(name);
        (first.ends_with("-pooler") && name.ends_with(".neon.tech"))
            .then(|| format!("`{}` is Neon's pooler by transaction", mask(name)))
    })
}
