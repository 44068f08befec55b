//! An open MySQL or MariaDB session over the text protocol.

use std::collections::BTreeMap;
use std::sync::Arc;

use mysql_async::consts::{ColumnType, StatusFlags};
use mysql_async::prelude::Queryable;
use mysql_async::{ClientIdentity, Conn, DriverError, Opts, OptsBuilder, SslOpts};

use super::MysqlOptions;
use super::error::{connect_error, statement_error, tls_error_text};
use crate::tls::ClientFiles;
use crate::{
    CertificateVerification, Column, ConnectError, ConnectErrorKind, ConnectionDetails, DbError,
    Effect, Outcome, Product, ResultSet, ServerInfo, TlsSummary, TransactionStatus, Value,
};

/// The server's error number for a deadlock, after which it has rolled the transaction back.
const DEADLOCK: u16 = 1213;

/// An open MySQL or MariaDB session.
pub(crate) struct MysqlSession {
    connection: Conn,
    info: ServerInfo,
    options: Arc<MysqlOptions>,
    status: TransactionStatus,
}

impl std::fmt::Debug for MysqlSession {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The client library's `Debug` shows the password.
        out.debug_struct("MysqlSession")
            .field("info", &self.info)
            .field("options", &self.options)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// A handle that interrupts a MySQL or MariaDB session's running statement.
#[derive(Debug, Clone)]
pub(crate) struct MysqlCanceller {
    options: Arc<MysqlOptions>,
    connection_id: u32,
}

impl MysqlSession {
    pub(crate) async fn open(options: &MysqlOptions) -> Result<Self, DbError> {
        let (connection, options) = connect(options).await?;
        let info = ServerInfo {
            product: Product::Mysql,
            version: String::new(),
            parameters: BTreeMap::new(),
            address: options.address(),
        };
        let mut session = Self {
            connection,
            info,
            options: Arc::new(options),
            status: TransactionStatus::Idle,
        };
        let options = Arc::clone(&session.options);
        for statement in options.setup_statements() {
            session.execute(&statement).await?;
        }
        let version = session.execute("SELECT VERSION()").await?;
        if let Some(Value::Text(version)) = version.first_value() {
            session.info.version.clone_from(version);
        }
        if session.info.version.to_lowercase().contains("mariadb") {
            session.info.product = Product::Mariadb;
        }
        Ok(session)
    }

    pub(crate) async fn execute(&mut self, sql: &str) -> Result<Outcome, DbError> {
        let result = run(&mut self.connection, sql).await;
        match result {
            Ok((outcome, in_transaction)) => {
                self.status = if in_transaction {
                    TransactionStatus::Open
                } else {
                    TransactionStatus::Idle
                };
                Ok(outcome)
            }
            Err(error) => {
                if matches!(&error, mysql_async::Error::Server(error) if error.code == DEADLOCK) {
                    self.status = TransactionStatus::Idle;
                }
                Err(statement_error(error))
            }
        }
    }

    pub(crate) fn transaction_status(&self) -> TransactionStatus {
        self.status
    }

    pub(crate) fn info(&self) -> &ServerInfo {
        &self.info
    }

    /// Returns the connection's details. The client library does not expose its TLS session, so the server reports
    /// version and cipher.
    pub(crate) async fn connection_details(&mut self) -> Result<ConnectionDetails, DbError> {
        let verified =
            self.options
                .tls
                .as_ref()
                .map(|tls| match (tls.verify_authority, tls.verify_name) {
                    (true, true) => CertificateVerification::AuthorityAndName,
                    (true, false) => CertificateVerification::Authority,
                    (false, _) => CertificateVerification::None,
                });
        let tls = match verified {
            None => None,
            Some(verified) => {
                let query =
                    "SHOW SESSION STATUS WHERE Variable_name IN ('Ssl_version', 'Ssl_cipher')";
                let outcome = self.execute(query).await?;
                let status = |wanted: &str| {
                    let rows = outcome.results.iter().flat_map(|result| &result.rows);
                    let mut text = rows.filter_map(|row| match &row[..] {
                        [Value::Text(name), Value::Text(value)] if name == wanted => {
                            Some(value.clone())
                        }
                        _ => None,
                    });
                    text.next_back().unwrap_or_default()
                };
                Some(TlsSummary {
                    version: status("Ssl_version"),
                    cipher: status("Ssl_cipher"),
                    verified,
                    channel_binding: false,
                })
            }
        };
        Ok(ConnectionDetails {
            tls,
            initial_session_id: Some(i64::from(self.connection.id())),
            ..ConnectionDetails::default()
        })
    }

    pub(crate) fn canceller(&self) -> MysqlCanceller {
        MysqlCanceller {
            options: Arc::clone(&self.options),
            connection_id: self.connection.id(),
        }
    }

    pub(crate) async fn close(self) -> Result<(), DbError> {
        self.connection.disconnect().await.map_err(statement_error)
    }
}

impl MysqlCanceller {
    pub(crate) async fn cancel(&self) -> Result<(), DbError> {
        let kill = async {
            let mut other = Conn::new(driver_options(&self.options)).await?;
            other
                .query_drop(format!("KILL QUERY {}", self.connection_id))
                .await?;
            other.disconnect().await
        };
        match tokio::time::timeout(self.options.timeout, kill).await {
            Ok(result) => result.map_err(statement_error),
            Err(_) => Err(timeout_error(&self.options).into()),
        }
    }
}

/// Connects. Returns the options that were used: if TLS is only preferred, a server without TLS gets a plain connection.
async fn connect(options: &MysqlOptions) -> Result<(Conn, MysqlOptions), DbError> {
    let mut options = options.clone();
    let preferred = options.tls.as_ref().is_some_and(|tls| !tls.required);
    // No other machine can read the data of a socket.
    if preferred && options.socket.is_some() {
        options.tls = None;
    }
    if let Some(tls) = options.tls.as_mut().filter(|tls| tls.verify_authority)
        && (tls.authority_file.is_some() || !tls.authorities.is_empty())
    {
        tls.authorities = crate::tls::authorities(tls.authority_file.as_deref(), &tls.authorities)?;
        tls.authority_file = None;
    }
    loop {
        let connect = Conn::new(driver_options(&options));
        match tokio::time::timeout(options.timeout, connect).await {
            Ok(Ok(connection)) => return Ok((connection, options)),
            Ok(Err(error)) if preferred && options.tls.is_some() && is_about_tls(&error) => {
                options.tls = None;
            }
            Ok(Err(error)) => return Err(connect_error(&error, &options.address()).into()),
            Err(_) => return Err(timeout_error(&options).into()),
        }
    }
}

fn is_about_tls(error: &mysql_async::Error) -> bool {
    use mysql_async::Error::Driver;
    matches!(error, Driver(DriverError::NoClientSslFlagFromServer))
        || tls_error_text(error).is_some()
}

fn timeout_error(options: &MysqlOptions) -> ConnectError {
    ConnectError {
        kind: ConnectErrorKind::Timeout,
        message: format!(
            "could not connect to the server at {}: no answer within {} s",
            options.address(),
            options.timeout.as_secs()
        ),
        hint: Some("check that the host can be reached from here (network, firewall)".into()),
    }
}

fn driver_options(options: &MysqlOptions) -> Opts {
    let builder = OptsBuilder::default()
        .ip_or_hostname(options.host.clone())
        .tcp_port(options.port)
        .socket(options.socket.clone())
        .prefer_socket(Some(options.socket.is_some()))
        .user(Some(options.user.clone()))
        .pass(
            options
                .password
                .as_ref()
                .map(|password| password.reveal_clear_text().to_owned()),
        )
        .db_name(options.database.clone())
        .client_found_rows(options.found_rows)
        .stmt_cache_size(Some(0))
        .ssl_opts(options.tls.as_ref().map(|tls| {
            let der = tls.authorities.iter().map(|der| der.clone().into());
            let roots: Vec<_> = der
                .chain(tls.authority_file.clone().map(Into::into))
                .collect();
            let client = tls.client.clone();
            SslOpts::default()
                .with_disable_built_in_roots(!roots.is_empty())
                .with_root_certs(roots)
                .with_danger_accept_invalid_certs(!tls.verify_authority)
                .with_danger_skip_domain_validation(!tls.verify_name)
                .with_client_identity(client.map(|ClientFiles { certificate, key }| {
                    ClientIdentity::new(certificate.into(), key.into())
                }))
        }));
    builder.into()
}

async fn run(connection: &mut Conn, sql: &str) -> Result<(Outcome, bool), mysql_async::Error> {
    let mut outcome = Outcome::default();
    let mut result = connection.query_iter(sql).await?;
    while let Some(columns) = result.columns() {
        let columns = Some(columns).filter(|columns| !columns.is_empty());
        let mut set = ResultSet {
            columns: columns
                .as_ref()
                .map(|columns| columns.iter().map(column).collect()),
            affected: Some(result.affected_rows()),
            effect: if columns.is_some() {
                Effect::None
            } else {
                Effect::Write
            },
            last_insert_id: result
                .last_insert_id()
                .and_then(|id| i64::try_from(id).ok()),
            ..ResultSet::default()
        };
        // Even if there are no rows, only this advances to the next result.
        let rows = result.collect::<mysql_async::Row>().await?;
        if let Some(columns) = columns {
            let binary: Vec<bool> = columns.iter().map(is_binary).collect();
            for row in rows {
                set.rows.push(
                    row.unwrap()
                        .into_iter()
                        .zip(&binary)
                        .map(|(value, binary)| read(value, *binary))
                        .collect(),
                );
            }
            set.affected = u64::try_from(set.rows.len()).ok();
        }
        outcome.results.push(set);
    }
    // The library returns a later statement's error only on the next call; otherwise the next text would get it.
    result.next().await?;
    drop(result);
    let in_transaction = connection.last_ok_packet().is_some_and(|packet| {
        packet
            .status_flags()
            .contains(StatusFlags::SERVER_STATUS_IN_TRANS)
    });
    Ok((outcome, in_transaction))
}

fn column(column: &mysql_async::Column) -> Column {
    Column {
        name: column.name_str().into_owned(),
        type_code: u32::from(column.column_type() as u8),
        modifier: i64::from(column.column_length()),
        flags: u32::from(column.flags().bits()),
        charset: column.character_set(),
        declared: None,
    }
}

/// Returns `true` if the values are bytes, not text: those of character types with the binary character set.
fn is_binary(column: &mysql_async::Column) -> bool {
    let bytes = matches!(
        column.column_type(),
        ColumnType::MYSQL_TYPE_STRING
            | ColumnType::MYSQL_TYPE_VAR_STRING
            | ColumnType::MYSQL_TYPE_VARCHAR
            | ColumnType::MYSQL_TYPE_BLOB
            | ColumnType::MYSQL_TYPE_TINY_BLOB
            | ColumnType::MYSQL_TYPE_MEDIUM_BLOB
            | ColumnType::MYSQL_TYPE_LONG_BLOB
    );
    matches!(
        column.column_type(),
        ColumnType::MYSQL_TYPE_BIT | ColumnType::MYSQL_TYPE_GEOMETRY
    ) || (bytes && column.character_set() == 63)
}

fn read(value: mysql_async::Value, binary: bool) -> Value {
    match value {
        mysql_async::Value::NULL => Value::Null,
        mysql_async::Value::Bytes(bytes) if binary => Value::Blob(bytes),
        mysql_async::Value::Bytes(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Value::Text(text),
            Err(error) => Value::Blob(error.into_bytes()),
        },
        // The text protocol has no other values.
        other => Value::Text(other.as_sql(true)),
    }
}
