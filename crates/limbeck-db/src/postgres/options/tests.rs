//! Tests of the options that URLs, arguments and variables give.

use std::collections::BTreeMap;

use limbeck_url::DatabaseUrl;

use super::{PostgresOptions, TlsLevel};
use crate::{
    CertificateVerification, ConnectArg, ConnectArgs, ConnectErrorKind, ProcessEnvironment,
    PythonSslContext,
};

fn environment(variables: &[(&str, &str)]) -> ProcessEnvironment {
    let variables: BTreeMap<String, String> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    ProcessEnvironment {
        variables,
        home: None,
        user: Some("me".into()),
    }
}

fn options(
    url: &str,
    arguments: ConnectArgs,
    variables: &[(&str, &str)],
) -> Result<PostgresOptions, String> {
    let url = DatabaseUrl::parse(url).unwrap();
    PostgresOptions::from_url(&url, &arguments, &environment(variables)).map_err(|error| {
        assert!(matches!(
            error.kind,
            ConnectErrorKind::Parameter | ConnectErrorKind::Tls
        ));
        error.message
    })
}

#[test]
fn reads_ssl_of_asyncpg_as_sslmode() {
    let check = |query: &str, mode: TlsLevel| {
        assert_eq!(
            options(
                &format!("postgresql+asyncpg://u@h/d{query}"),
                ConnectArgs::new(),
                &[]
            )
            .unwrap()
            .tls_level,
            mode
        );
    };
    check("", TlsLevel::Prefer);
    check("?ssl=require", TlsLevel::Require);
    check("?sslmode=require", TlsLevel::Require);
    check("?ssl=disable", TlsLevel::Disable);
    check("?ssl=true", TlsLevel::Require);
    check("?sslrootcert=system", TlsLevel::VerifyFull);
}

#[test]
fn rejects_parameters_that_would_weaken_tls() {
    let check = |query: &str, expected: &str| {
        let error = options(
            &format!("postgresql://u@h/d{query}"),
            ConnectArgs::new(),
            &[],
        )
        .unwrap_err();
        assert!(error.contains(expected), "{error}");
    };
    check("?sslmode=verify-full", "`sslrootcert` is not set");
    check(
        "?sslmode=verify-ca&sslrootcert=/gone.crt",
        "`/gone.crt` does not exist",
    );
    check(
        "?sslmode=require&sslrootcert=system",
        "`sslrootcert=system` needs `sslmode=verify-full`",
    );
    check("?sslmode=verify_full", "`verify_full` is not one of");
    check("?gssencmode=require", "GSSAPI");
    check("?foo=1", "`foo`");
}

#[test]
fn keeps_the_verification_of_an_ssl_context() {
    let check = |verify, check_hostname, expected| {
        let context = PythonSslContext {
            verify,
            check_hostname,
            authorities: vec![vec![1]],
            client: None,
        };
        let arguments = ConnectArgs::from([("ssl".to_owned(), ConnectArg::Tls(context))]);
        let options = options("postgresql+asyncpg://u@h/d", arguments, &[]).unwrap();
        assert_eq!(
            (options.tls_level, options.tls.verification),
            (TlsLevel::Require, expected)
        );
    };
    check(true, true, CertificateVerification::AuthorityAndName);
    check(true, false, CertificateVerification::Authority);
    check(false, false, CertificateVerification::None);
}

#[test]
fn arguments_override_the_url_and_the_url_overrides_variables() {
    let variables = [
        ("PGHOST", "env"),
        ("PGPORT", "1"),
        ("PGUSER", "env"),
        ("PGSSLMODE", "disable"),
        ("PGAPPNAME", "a"),
    ];
    let arguments = ConnectArgs::from([("port".to_owned(), ConnectArg::Integer(7))]);
    let found = options("postgresql://u:p@h:6/d", arguments, &variables).unwrap();
    assert_eq!(found.hosts[0].to_string(), "h:7");
    assert_eq!(
        (found.user.as_str(), found.tls_level),
        ("u", TlsLevel::Disable)
    );
    assert_eq!(found.startup["application_name"], "a");
    let found = options("postgresql://", ConnectArgs::new(), &variables).unwrap();
    assert_eq!(
        (found.hosts[0].to_string().as_str(), found.database.as_str()),
        ("env:1", "env")
    );
    assert!(!format!("{found:?}").contains("\"p\""));
}

#[test]
fn reads_several_hosts() {
    let check = |url: &str, expected: &[&str]| {
        let found = options(url, ConnectArgs::new(), &[]).unwrap();
        let shown: Vec<String> = found.hosts.iter().map(ToString::to_string).collect();
        assert_eq!(shown, expected, "{url}");
    };
    check("postgresql://u@/d?host=a:1&host=b:2", &["a:1", "b:2"]);
    check("postgresql://u@/d?host=a,b&port=3,4", &["a:3", "b:4"]);
    check("postgresql://u@/d?host=a,b&port=3", &["a:3", "b:3"]);
    check("postgresql://u@[::1]:5/d", &["[::1]:5"]);
    check("postgresql://u@/d?host=/run/pg", &["/run/pg/.s.PGSQL.5432"]);
    let file = "/run/.s.PGSQL.6";
    check(&format!("postgresql+asyncpg://u@/d?host={file}"), &[file]);
    check(
        "postgresql+pg8000://u@/d?unix_sock=/.s.PGSQL.6",
        &["//.s.PGSQL.6"],
    );
    check("postgresql://u@/d?host=/pg]:1", &["/pg]:1/.s.PGSQL.5432"]);
}
