//! `doctor` and `url check` never show passwords, wherever they are.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use limbeck_testkit::Sandbox;

use super::{edit, examine, project, set_url};
use crate::support::limbeck;

/// Returns a word that occurs nowhere else.
fn random_word() -> String {
    let number = RandomState::new().build_hasher().finish();
    format!("Geheim{number:016x}")
}

/// Returns valid and invalid URLs that contain a password.
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
fn never_shows_a_password() {
    let sandbox = project("generic", "x");
    let stock = sandbox.read("migrations/env.py");
    let secret = random_word();
    for url in urls(&secret) {
        sandbox.write("migrations/env.py", &stock);
        set_url(&sandbox, &url);
        let output = examine(&sandbox, &[], &[]).output;
        assert!(!output.contains(&secret), "{url}: {output}");
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
        let output = examine(
            &sandbox,
            &[],
            &[
                ("URL", &url),
                ("DATABASE_URL", &url),
                ("PGPASSWORD", &secret),
            ],
        )
        .output;
        assert!(!output.contains(&secret), "{url}: {output}");
        assert_url_check_hides(&sandbox, &url, &secret);
    }
}

fn assert_url_check_hides(sandbox: &Sandbox, url: &str, secret: &str) {
    for arguments in [&["url", "check", url][..], &["url", "check", "--json", url]] {
        let output = sandbox.run(&limbeck(), None, arguments);
        assert!(!output.stdout.contains(secret), "{url}: {}", output.stdout);
        assert!(!output.stderr.contains(secret), "{url}: {}", output.stderr);
    }
}

#[test]
fn hides_a_script_location_that_is_a_connection_string() {
    let sandbox = Sandbox::new();
    let ini = "[alembic]\nscript_location = host=h user=u password='Geheim1'\n";
    sandbox.write("alembic.ini", ini);
    for arguments in [&["doctor"][..], &["doctor", "--json"]] {
        let output = sandbox.run(&limbeck(), None, arguments);
        assert!(output.stdout.contains("password=***"), "{}", output.stdout);
        assert!(!output.stdout.contains("Geheim1"), "{}", output.stdout);
    }
}
