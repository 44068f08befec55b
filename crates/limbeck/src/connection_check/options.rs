//! Conversion of any database URL to the options of a connection.

use std::collections::BTreeMap;

use limbeck_db::{ConnectArg, ConnectArgs, ConnectError, ConnectOptions, ProcessEnvironment};
use limbeck_url::{
    ArgumentValue, Backend, ConnectionInfo, ConvertError, DatabaseUrl, ErrorKind, TlsContext,
    UrlError, convert,
};

/// The error of a URL that limbeck can't connect with.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// The URL can't be read.
    #[error(transparent)]
    Url(#[from] ConvertError),
    /// limbeck's connection doesn't support what the URL requires.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

impl From<UrlError> for OptionsError {
    fn from(error: UrlError) -> Self {
        Self::Url(ConvertError::new(ErrorKind::InvalidUrl, error.to_string()))
    }
}

/// Returns the options of a migration's connection. A URL that names a driver is read as SQLAlchemy reads it. Other URLs,
/// such as those of hosting providers, libpq and sqlx, are converted first.
///
/// # Errors
/// Returns [`OptionsError`], which names the parameter.
pub fn connect_options(
    text: &str,
    process_environment: &ProcessEnvironment,
) -> Result<ConnectOptions, OptionsError> {
    let (info, _) = ConnectionInfo::parse(text)?;
    if let Ok(url) = DatabaseUrl::parse(text)
        && url.driver.is_some()
    {
        return Ok(ConnectOptions::from_url(
            &url,
            &ConnectArgs::new(),
            process_environment,
        )?);
    }
    let converted = convert(text, sqlalchemy_target(info.backend).parse()?)?;
    let url = DatabaseUrl::parse(converted.reveal_url())?;
    let arguments = converted
        .connect_args
        .iter()
        .map(|(name, value)| (name.clone(), argument(value)))
        .collect();
    Ok(ConnectOptions::from_url(
        &url,
        &arguments,
        process_environment,
    )?)
}

/// Returns the name of the target that a URL without a driver is converted to.
pub(crate) fn sqlalchemy_target(backend: Backend) -> &'static str {
    match backend {
        Backend::Sqlite => "sqlite",
        Backend::Mysql => "mysql+pymysql",
        Backend::Mariadb => "mariadb+pymysql",
        _ => "postgresql+psycopg2",
    }
}

fn argument(value: &ArgumentValue) -> ConnectArg {
    match value {
        ArgumentValue::None => ConnectArg::Null,
        ArgumentValue::Bool(flag) => ConnectArg::Bool(*flag),
        ArgumentValue::Integer(number) => ConnectArg::Integer(*number),
        ArgumentValue::Text(text) => ConnectArg::Text(text.clone()),
        ArgumentValue::Map(pairs) => ConnectArg::Map(
            pairs
                .iter()
                .map(|(name, text)| (name.clone(), ConnectArg::Text(text.clone())))
                .collect(),
        ),
        ArgumentValue::TlsContext(context) => tls_argument(context),
    }
}

/// Returns the dictionary from which PyMySQL makes such a context.
fn tls_argument(context: &TlsContext) -> ConnectArg {
    let mut entries = BTreeMap::new();
    let mut file = |name: &str, path: &Option<String>| {
        if let Some(path) = path {
            entries.insert(name.to_owned(), ConnectArg::Text(path.clone()));
        }
    };
    file("ca", &context.root_certificates);
    file("cert", &context.client_certificate);
    file("key", &context.client_key);
    entries.insert(
        "verify_mode".into(),
        ConnectArg::Bool(context.verify_certificate),
    );
    entries.insert(
        "check_hostname".into(),
        ConnectArg::Bool(context.check_hostname),
    );
    ConnectArg::Map(entries)
}
