//! Passwords in odd places: neither `doctor` nor `url check` shows one.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use limbeck_testkit::Sandbox;

use super::{edit, examine, project, set_url};
use crate::support::limbeck;

/// A word that stands nowhere else.
fn random() -> String {
    let number = RandomState::new().build_hasher().finish();
    format!("Geheim{number:016x}")
}

/// The URLs in which a password may stand, well written or not.
fn urls(secret: &str) -> Vec<String> {
    let mut urls = Vec::new();
    let before = [
        "", "a%40", "a@", "a/", "a%", "***", "a b", "%(x)s", "a:", "a?b=",
    ];
    let schemes = [
        "postgresql",
        "postgres",
        "mysql+pymysql",
        "nothing",
        "mysql+aiomysql",
    ];
    for (index, before) in before.iter().enumerate() {
        for scheme in ["postgresql+asyncpg", schemes[index % schemes.len()]] {
            urls.push(format!("{scheme}://app:{before}{secret}@127.0.0.1:1/d"));
        }
    }
    for query in [
        "password=",
        "sslpassword=",
        "ssl=require&sslmode=",
        "passfile=/x&password=a%40",
    ] {
        urls.push(format!(
            "postgresql+psycopg2://app@127.0.0.1:1/d?{query}{secret}"
        ));
    }
    urls.push(format!("host=127.0.0.1 port=1 user=app password={secret}"));
    urls.push(format!(
        "host=127.0.0.1 port=1 user=app password='{secret} x"
    ));
    urls.push(format!("postgresql://app:{secret}@127.0.0.1:x/d"));
    urls.push(format!("sqlite:///{{}}?password={secret}"));
    urls.push(format!(
        "sqlite:///file:/nowhere/a.db?key={secret}&mode=ro&uri=true"
    ));
    urls
}

#[test]
fn a_password_appears_nowhere() {
    let sandbox = project("generic", "x");
    let stock = sandbox.read("migrations/env.py");
    let secret = random();
    for url in urls(&secret) {
        sandbox.write("migrations/env.py", &stock);
        set_url(&sandbox, &url);
        let said = examine(&sandbox, &[], &[]).said;
        assert!(!said.contains(&secret), "{url}: {said}");
        set_url(&sandbox, "driver://user:pass@localhost/dbname");
        edit(
            &sandbox,
            "migrations/env.py",
            "config = context.config",
            &format!(
                "import os\nconfig = context.config\nx = os.environ['URL']\nx = x.replace('+asyncpg', '{secret}')\n\
                 x = x.replace('postgresql+asyncpg', 'postgresql+asyncpg://u:{secret}@h')\n"
            ),
        );
        let said = examine(
            &sandbox,
            &[],
            &[
                ("URL", &url),
                ("DATABASE_URL", &url),
                ("PGPASSWORD", &secret),
            ],
        )
        .said;
        assert!(!said.contains(&secret), "{url}: {said}");
        checked(&sandbox, &url, &secret);
    }
}

fn checked(sandbox: &Sandbox, url: &str, secret: &str) {
    for arguments in [&["url", "check", url][..], &["url", "check", "--json", url]] {
        let ran = sandbox.run(&limbeck(), None, arguments);
        assert!(!ran.stdout.contains(secret), "{url}: {}", ran.stdout);
        assert!(!ran.stderr.contains(secret), "{url}: {}", ran.stderr);
    }
}
