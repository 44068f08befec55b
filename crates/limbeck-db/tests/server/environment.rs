//! Tests that variables, password files, service files and URLs have libpq's precedence.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use limbeck_testkit::{Postgres, Tls};

use crate::support::{answers, block_on, open, value};

const RULES: &str = "\
host all right 0.0.0.0/0 scram-sha-256
host all strange 0.0.0.0/0 scram-sha-256
host all all 0.0.0.0/0 trust";

type Variables = Vec<(&'static str, String)>;

/// A query for user, database, server and settings. It hides the application names that psql and limbeck set.
const SQL: &str = "SELECT concat_ws(' ', current_user, current_database(), current_setting('port'), \
     replace(replace(current_setting('application_name'), 'psql', ''), 'limbeck', ''), \
     current_setting('work_mem'), current_setting('statement_timeout'), \
     current_setting('DateStyle'), current_setting('TimeZone'), current_setting('geqo'))";

fn write(folder: &Path, name: &str, mode: u32, text: &str) -> String {
    let file = folder.join(name);
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    file.display().to_string()
}

#[test]
fn reads_variables_and_files_as_libpq() {
    let server = Postgres::start(Tls::Off);
    server.sql(
        "postgres",
        "create role right login password 's3cr3t'; create role strange login password 's3cr3t:\\b';
         create role other login; create role env login",
    );
    server.create_database("env");
    server.create_database("a:b");
    server.configure(&[], RULES);
    let port = server.port.to_string();
    let other = server.port.wrapping_add(1).to_string();
    let (port, other) = (port.as_str(), other.as_str());
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let empty = folder.join("empty");
    let full = folder.join("full");
    for home in [&empty, &full] {
        fs::create_dir(home).unwrap();
    }
    write(&full, ".pgpass", 0o600, "*:*:*:right:s3cr3t\n");
    let services = format!("[home]\nhost=127.0.0.1\nport={port}\nuser=other\ndbname=env\n");
    write(&full, ".pg_service.conf", 0o644, &services);

    let file = |name: &str, text: &str| write(folder, name, 0o600, text);
    let exact = file(
        "exact",
        &format!("# a comment\n127.0.0.1:{port}:postgres:right:s3cr3t\n"),
    );
    let by_name = file(
        "by_name",
        &format!("localhost:{port}:postgres:right:s3cr3t\n"),
    );
    let wild = file("wild", "*:*:*:*:s3cr3t\n");
    let escaped = file("escaped", "127.0.0.1:*:a\\:b:strange:s3cr3t\\:\\\\b\n");
    let unescaped = file("unescaped", "*:*:*:strange:s3cr3t:\\\\b\n");
    let starred = file("starred", "\\*:*:*:right:s3cr3t-not\n*:*:*:right:s3cr3t\n");
    let first_counts = file(
        "first",
        "*:*:*:right:s3cr3t-not\n127.0.0.1:*:*:right:s3cr3t\n",
    );
    let other_user = file("other_user", "*:*:*:other:s3cr3t\n");
    let too_short = file("too_short", "*:*:right:s3cr3t\n\n");
    let dos = file("dos", "*:*:*:right:s3cr3t\r\n");
    let open_file = write(folder, "open", 0o644, "*:*:*:*:s3cr3t\n");
    let group_file = write(folder, "group", 0o640, "*:*:*:*:s3cr3t\n");
    let gone = folder.join("gone").display().to_string();
    let directory = empty.display().to_string();

    let service_file = file(
        "services",
        &format!(
            "# services\n[one]\nhost=127.0.0.1\nport={port}\nuser=other\ndbname=env\napplication_name=from the service\n\
             [right]\nhost=127.0.0.1\nport={port}\nuser=right\npassword=s3cr3t\ndbname=postgres\n\
             [options]\nhost=127.0.0.1\nport={port}\nuser=other\ndbname=env\noptions=-c work_mem=7MB\nsslmode=disable\n\
             [elsewhere]\nhost=127.0.0.1\nport={other}\n\
             [unknown]\nhost=127.0.0.1\nnonsense=1\n[nested]\nservice=one\n[broken]\ns3cr3t\n"
        ),
    );
    let shared = folder.join("shared");
    fs::create_dir(&shared).unwrap();
    write(
        &shared,
        "pg_service.conf",
        0o644,
        &services.replace("home", "shared"),
    );
    let shared = shared.display().to_string();

    let tcp = format!("postgresql://other@127.0.0.1:{port}/postgres");
    let right = format!("postgresql://right@127.0.0.1:{port}/postgres");
    let bare = "postgresql://".to_owned();
    let and = |more: &[(&'static str, &str)]| -> Variables {
        let address = [("PGHOST", "127.0.0.1"), ("PGPORT", port), ("PGUSER", "env")];
        address
            .iter()
            .chain(more)
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect()
    };
    let only = |some: &[(&'static str, &str)]| -> Variables {
        some.iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect()
    };
    let services = |name: &str| only(&[("PGSERVICEFILE", &service_file), ("PGSERVICE", name)]);
    let with = |query: &str| format!("{tcp}?{query}");
    let pass = |file: &str| only(&[("PGPASSFILE", file)]);
    let rows: Vec<(&str, String, &Path, Variables)> = vec![
        ("all by variables", bare.clone(), &empty, and(&[])),
        (
            "database by variable",
            bare.clone(),
            &empty,
            and(&[("PGDATABASE", "postgres")]),
        ),
        (
            "PGHOSTADDR",
            bare.clone(),
            &empty,
            and(&[("PGHOST", "nowhere.invalid"), ("PGHOSTADDR", "127.0.0.1")]),
        ),
        (
            "URL over variables",
            tcp.clone(),
            &empty,
            only(&[
                ("PGHOST", "nowhere.invalid"),
                ("PGPORT", other),
                ("PGUSER", "env"),
                ("PGDATABASE", "env"),
            ]),
        ),
        (
            "port by variable, host by URL",
            "postgresql://other@127.0.0.1/postgres".into(),
            &empty,
            only(&[("PGPORT", port)]),
        ),
        (
            "port by variable, host by query",
            "postgresql://other@/postgres?host=127.0.0.1".into(),
            &empty,
            only(&[("PGPORT", port)]),
        ),
        (
            "address by variable, host by URL",
            format!("postgresql://other@nowhere.invalid:{port}/postgres"),
            &empty,
            only(&[("PGHOSTADDR", "127.0.0.1")]),
        ),
        (
            "PGSSLMODE requires TLS",
            tcp.clone(),
            &empty,
            only(&[("PGSSLMODE", "require")]),
        ),
        (
            "sslmode over PGSSLMODE",
            with("sslmode=disable"),
            &empty,
            only(&[("PGSSLMODE", "require")]),
        ),
        (
            "malformed PGSSLMODE",
            tcp.clone(),
            &empty,
            only(&[("PGSSLMODE", "nonsense")]),
        ),
        (
            "PGAPPNAME",
            tcp.clone(),
            &empty,
            only(&[("PGAPPNAME", "named")]),
        ),
        (
            "application_name over PGAPPNAME",
            with("application_name=url"),
            &empty,
            only(&[("PGAPPNAME", "named")]),
        ),
        (
            "fallback_application_name",
            with("fallback_application_name=fallback"),
            &empty,
            only(&[("PGAPPNAME", "named")]),
        ),
        (
            "PGOPTIONS",
            tcp.clone(),
            &empty,
            only(&[("PGOPTIONS", "-c work_mem=9MB -c statement_timeout=7s")]),
        ),
        (
            "options over PGOPTIONS",
            with("options=-c%20statement_timeout%3D5s"),
            &empty,
            only(&[("PGOPTIONS", "-c work_mem=9MB")]),
        ),
        (
            "options with escapes",
            with("options=-c%20work_mem%3D9MB%20-c%20DateStyle%3DISO,%5C%20DMY"),
            &empty,
            vec![],
        ),
        (
            "options that fail",
            with("options=-c%20nothing%3Ds"),
            &empty,
            vec![],
        ),
        (
            "PGTZ, PGDATESTYLE, PGGEQO",
            tcp.clone(),
            &empty,
            only(&[
                ("PGTZ", "Asia/Tokyo"),
                ("PGDATESTYLE", "ISO, DMY"),
                ("PGGEQO", "off"),
            ]),
        ),
        (
            "PGTARGETSESSIONATTRS",
            tcp.clone(),
            &empty,
            only(&[("PGTARGETSESSIONATTRS", "standby")]),
        ),
        (
            "PGCONNECT_TIMEOUT",
            tcp.clone(),
            &empty,
            only(&[("PGCONNECT_TIMEOUT", "5")]),
        ),
        (
            "PGCHANNELBINDING",
            right.replace('@', ":s3cr3t@"),
            &empty,
            only(&[("PGCHANNELBINDING", "require")]),
        ),
        (
            "empty variables",
            tcp.clone(),
            &empty,
            only(&[("PGHOSTADDR", ""), ("PGOPTIONS", ""), ("PGPASSWORD", "")]),
        ),
        (
            "empty PGSSLMODE",
            tcp.clone(),
            &empty,
            only(&[("PGSSLMODE", "")]),
        ),
        (
            "empty PGCHANNELBINDING",
            tcp.clone(),
            &empty,
            only(&[("PGCHANNELBINDING", "")]),
        ),
        (
            "empty PGTARGETSESSIONATTRS",
            tcp.clone(),
            &empty,
            only(&[("PGTARGETSESSIONATTRS", "")]),
        ),
        ("no password", right.clone(), &empty, vec![]),
        (
            "PGPASSWORD",
            right.clone(),
            &empty,
            only(&[("PGPASSWORD", "s3cr3t")]),
        ),
        (
            "URL over PGPASSWORD",
            right.replace('@', ":s3cr3t@"),
            &empty,
            only(&[("PGPASSWORD", "s3cr3t-not")]),
        ),
        (
            "wrong URL over PGPASSWORD",
            right.replace('@', ":s3cr3t-not@"),
            &empty,
            only(&[("PGPASSWORD", "s3cr3t")]),
        ),
        (
            "PGPASSWORD over file",
            right.clone(),
            &full,
            only(&[("PGPASSWORD", "s3cr3t-not")]),
        ),
        ("file at home", right.clone(), &full, vec![]),
        ("file, exact", right.clone(), &empty, pass(&exact)),
        (
            "file, by address and not by name",
            right.clone(),
            &empty,
            pass(&by_name),
        ),
        (
            "file, by name",
            right.replace("127.0.0.1", "localhost"),
            &empty,
            pass(&by_name),
        ),
        (
            "file, name beside an address",
            right.replace("127.0.0.1", "localhost") + "?hostaddr=127.0.0.1",
            &empty,
            pass(&by_name),
        ),
        (
            "file, address only",
            format!("postgresql://right@/postgres?hostaddr=127.0.0.1&port={port}"),
            &empty,
            pass(&exact),
        ),
        ("file, wild", right.clone(), &empty, pass(&wild)),
        (
            "file, escapes",
            right.replace("right", "strange").replace("/postgres", ""),
            &empty,
            only(&[("PGPASSFILE", &escaped), ("PGDATABASE", "a:b")]),
        ),
        (
            "file, colon in the password",
            right.replace("right", "strange"),
            &empty,
            pass(&unescaped),
        ),
        ("file, escaped star", right.clone(), &empty, pass(&starred)),
        (
            "file, first line counts",
            right.clone(),
            &empty,
            pass(&first_counts),
        ),
        (
            "file, another user",
            right.clone(),
            &empty,
            pass(&other_user),
        ),
        (
            "file, too few fields",
            right.clone(),
            &empty,
            pass(&too_short),
        ),
        ("file, line ends of DOS", right.clone(), &empty, pass(&dos)),
        (
            "file readable by all",
            right.clone(),
            &empty,
            pass(&open_file),
        ),
        (
            "file readable by the group",
            right.clone(),
            &empty,
            pass(&group_file),
        ),
        ("missing file", right.clone(), &full, pass(&gone)),
        ("file is a folder", right.clone(), &full, pass(&directory)),
        (
            "passfile in the URL",
            format!("{right}?passfile={wild}"),
            &empty,
            pass(&first_counts),
        ),
        ("service", bare.clone(), &empty, services("one")),
        (
            "service in the URL",
            "postgresql:///?service=one".into(),
            &empty,
            services("elsewhere"),
        ),
        (
            "service over variables",
            bare.clone(),
            &empty,
            [
                services("one"),
                only(&[("PGPORT", other), ("PGUSER", "env"), ("PGAPPNAME", "named")]),
            ]
            .concat(),
        ),
        (
            "URL over service",
            format!("postgresql://env@127.0.0.1:{port}/postgres"),
            &empty,
            services("one"),
        ),
        (
            "part of URL over service",
            "postgresql://env@/".into(),
            &empty,
            services("one"),
        ),
        (
            "service with password",
            bare.clone(),
            &empty,
            services("right"),
        ),
        (
            "service with options",
            bare.clone(),
            &empty,
            services("options"),
        ),
        (
            "service elsewhere",
            bare.clone(),
            &empty,
            services("elsewhere"),
        ),
        ("missing service", bare.clone(), &empty, services("gone")),
        (
            "service with an unknown parameter",
            bare.clone(),
            &empty,
            services("unknown"),
        ),
        (
            "service in service",
            bare.clone(),
            &empty,
            services("nested"),
        ),
        (
            "service with a broken line",
            bare.clone(),
            &empty,
            services("broken"),
        ),
        (
            "service missing file",
            bare.clone(),
            &empty,
            only(&[("PGSERVICEFILE", &gone), ("PGSERVICE", "one")]),
        ),
        (
            "service file at home",
            bare.clone(),
            &full,
            only(&[("PGSERVICE", "home")]),
        ),
        (
            "service file for all",
            bare.clone(),
            &empty,
            only(&[("PGSYSCONFDIR", &shared), ("PGSERVICE", "shared")]),
        ),
        (
            "service file for all, missing file",
            bare.clone(),
            &empty,
            only(&[
                ("PGSERVICEFILE", &gone),
                ("PGSYSCONFDIR", &shared),
                ("PGSERVICE", "shared"),
            ]),
        ),
    ];
    let mut problems = Vec::new();
    for (name, url, home, variables) in &rows {
        let variables: Vec<(&str, &str)> = variables
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let (theirs, ours) = answers(&server, url, home, &variables, SQL);
        println!(
            "{name:40}{}",
            ours.as_deref().unwrap_or("-").replace(port, "PORT")
        );
        if theirs.as_ref().ok() != ours.as_ref().ok() {
            problems.push(format!(
                "{name}: {url}\n    psql: {theirs:?}\n    limbeck: {ours:?}"
            ));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));

    // libpq warns about a file that it ignores; limbeck's hint names it.
    let error = block_on(open(&right, &empty, &[("PGPASSFILE", &open_file)])).unwrap_err();
    let hint = error.hint.unwrap();
    assert!(
        hint.contains("other users can read it") && hint.contains(&open_file),
        "{hint}"
    );
}

#[test]
fn keeps_the_projects_application_name() {
    let server = Postgres::start(Tls::Off);
    let home = tempfile::tempdir().unwrap();
    let url = format!("postgresql://postgres@127.0.0.1:{}/postgres", server.port);
    let check = |query: &str, variables: &[(&str, &str)], expected: &str| {
        let found = block_on(async {
            let mut session = open(&format!("{url}{query}"), home.path(), variables)
                .await
                .unwrap();
            value(&mut session, "SHOW application_name").await
        });
        assert_eq!(found, expected, "{query} {variables:?}");
    };
    let variable = [("PGAPPNAME", "variable")];
    let options = [("PGOPTIONS", "-c application_name=options")];
    check("", &[], "limbeck");
    check("?application_name=shop", &[], "shop");
    check("?application_name=shop", &variable, "shop");
    check("?fallback_application_name=shop", &[], "shop");
    check("?fallback_application_name=shop", &variable, "variable");
    check("", &variable, "variable");
    // psycopg2 and psycopg send no name of their own, so the one in `options` stays.
    check("", &options, "options");
    check("?options=-c%20application_name%3Dshop", &[], "shop");
    check(
        "?options=-capplication_name%3Dshop&application_name=url",
        &[],
        "url",
    );
}
