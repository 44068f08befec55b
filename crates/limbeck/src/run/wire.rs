//! Conversion between the database's values and errors and the JSON of the worker protocol.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use limbeck_db::{
    Column, ConnectArg, ConnectArgs, ConnectError, ConnectErrorKind, ConnectOptions, Outcome,
    Product, PythonSslContext, ResultSet, ServerError, ServerInfo, TransactionStatus, Value,
};
use limbeck_revision::{Direction, MigrationPlan, Step};
use limbeck_script::worker::{
    ConnectReply, PlannedStep, ServerErrorReply, ServerProduct, SessionStatus, StepsReply, UrlParts,
};
use limbeck_url::{DatabaseUrl, Secret, UrlError};
use serde::ser::{SerializeMap, SerializeSeq, SerializeTuple};
use serde::{Serialize, Serializer};
use serde_json::Value as Json;

/// A statement's outcome as the worker receives it.
pub(super) struct WireOutcome {
    pub(super) outcome: Outcome,
    pub(super) status: TransactionStatus,
}

impl Serialize for WireOutcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry(
            "results",
            &SerializedList(&self.outcome.results, WireResult),
        )?;
        let notices: Vec<_> = self
            .outcome
            .notices
            .iter()
            .map(|notice| {
                (
                    &notice.severity,
                    &notice.message,
                    &notice.detail,
                    &notice.hint,
                )
            })
            .collect();
        map.serialize_entry("notices", &notices)?;
        map.serialize_entry("status", &session_status(self.status))?;
        map.end()
    }
}

/// Returns the URL that the worker has split into parts.
pub(super) fn database_url(parts: UrlParts) -> Result<DatabaseUrl, UrlError> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let port = parts.port.map(u16::try_from).transpose();
    Ok(DatabaseUrl {
        dialect: parts.dialect,
        driver: given(parts.driver),
        user: given(parts.user),
        password: parts.password.map(Secret::new),
        host: given(parts.host),
        port: port.map_err(|_| UrlError::InvalidPort)?,
        database: given(parts.database),
        query: parts.query,
    })
}

/// Returns a transaction status as the worker receives it.
pub(super) fn session_status(status: TransactionStatus) -> SessionStatus {
    match status {
        TransactionStatus::Idle => SessionStatus::Idle,
        TransactionStatus::Open => SessionStatus::InTransaction,
        TransactionStatus::Failed => SessionStatus::InFailedTransaction,
    }
}

/// A slice that serializes each item through a wrapper.
struct SerializedList<'a, T, F>(&'a [T], F);

impl<'a, T, F, W> Serialize for SerializedList<'a, T, F>
where
    F: Fn(&'a T) -> W,
    W: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(self.0.len()))?;
        for item in self.0 {
            sequence.serialize_element(&(self.1)(item))?;
        }
        sequence.end()
    }
}

struct WireResult<'a>(&'a ResultSet);

impl Serialize for WireResult<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let set = self.0;
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry(
            "columns",
            &set.columns
                .as_ref()
                .map(|columns| SerializedList(columns, WireColumn)),
        )?;
        map.serialize_entry("rows", &SerializedList(&set.rows, WireRow))?;
        map.serialize_entry("affected", &set.affected)?;
        map.serialize_entry("tag", &set.tag)?;
        map.serialize_entry("last_id", &set.last_insert_id)?;
        map.end()
    }
}

struct WireColumn<'a>(&'a Column);

impl Serialize for WireColumn<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let column = self.0;
        let mut tuple = serializer.serialize_tuple(5 + usize::from(column.declared.is_some()))?;
        tuple.serialize_element(&column.name)?;
        tuple.serialize_element(&column.type_code)?;
        tuple.serialize_element(&column.modifier)?;
        tuple.serialize_element(&column.flags)?;
        tuple.serialize_element(&column.charset)?;
        if let Some(declared) = &column.declared {
            tuple.serialize_element(declared)?;
        }
        tuple.end()
    }
}

pub(super) struct WireRow<'a>(pub(super) &'a Vec<Value>);

impl Serialize for WireRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        SerializedList(self.0, WireValue).serialize(serializer)
    }
}

struct WireValue<'a>(&'a Value);

impl Serialize for WireValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Integer(number) => serializer.serialize_i64(*number),
            Value::Real(number) if number.is_finite() => serializer.serialize_f64(*number),
            Value::Real(number) => {
                let word = if number.is_nan() {
                    "nan"
                } else if *number > 0.0 {
                    "inf"
                } else {
                    "-inf"
                };
                tagged(serializer, "f", word)
            }
            Value::Text(text) => serializer.serialize_str(text),
            Value::Blob(bytes) => tagged(serializer, "b", &STANDARD.encode(bytes)),
            Value::BrokenText(bytes) => tagged(serializer, "t", &STANDARD.encode(bytes)),
        }
    }
}

fn tagged<S: Serializer>(serializer: S, tag: &str, text: &str) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(tag, text)?;
    map.end()
}

/// Returns a parameter that the worker sent, or `None` if its JSON is not a value of the protocol.
pub(super) fn value_from_json(json: Json) -> Option<Value> {
    match json {
        Json::Null => Some(Value::Null),
        Json::Bool(flag) => Some(Value::Integer(i64::from(flag))),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Some(Value::Integer(integer)),
            None => number.as_f64().map(Value::Real),
        },
        Json::String(text) => Some(Value::Text(text)),
        Json::Object(mut fields) => match (fields.remove("b"), fields.remove("f")) {
            (Some(Json::String(text)), None) => STANDARD.decode(text).ok().map(Value::Blob),
            (None, Some(Json::String(word))) => word.parse().ok().map(Value::Real),
            _ => None,
        },
        Json::Array(_) => None,
    }
}

/// Returns the driver's keyword arguments.
///
/// # Errors
/// [`ConnectError`] of kind [`Parameter`](ConnectErrorKind::Parameter) for an object that only a Python driver can use.
pub(super) fn connect_args(
    json: serde_json::Map<String, Json>,
) -> Result<ConnectArgs, ConnectError> {
    json.into_iter()
        .map(|(name, value)| Ok((name.clone(), connect_arg(&name, value)?)))
        .collect()
}

fn connect_arg(name: &str, json: Json) -> Result<ConnectArg, ConnectError> {
    let refused = |what: &str| ConnectError {
        kind: ConnectErrorKind::Parameter,
        message: format!(
            "the connect argument `{name}` is {what}, which limbeck's connection can't use"
        ),
        hint: Some(format!(
            "limbeck opens the connection itself: give `{name}` in the URL, or as a text, a number or a dict of these"
        )),
    };
    Ok(match json {
        Json::Null => ConnectArg::Null,
        Json::Bool(flag) => ConnectArg::Bool(flag),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => ConnectArg::Integer(integer),
            None => ConnectArg::Real(
                number
                    .as_f64()
                    .ok_or_else(|| refused("a number out of range"))?,
            ),
        },
        Json::String(text) => ConnectArg::Text(text),
        Json::Array(_) => return Err(refused("a list")),
        Json::Object(mut fields) => {
            if let Some(Json::Object(context)) = fields.remove("$tls") {
                if context.get("revocation") == Some(&Json::Bool(true)) {
                    return Err(refused("an SSLContext that checks revocation lists"));
                }
                ConnectArg::Tls(
                    ssl_context(&context).ok_or_else(|| refused("an unreadable SSLContext"))?,
                )
            } else if let Some(object) = fields.remove("$object") {
                ConnectArg::Object(object.as_str().unwrap_or("object").to_owned())
            } else {
                let entries = fields.into_iter().map(|(key, value)| {
                    let value = connect_arg(&format!("{name}.{key}"), value)?;
                    Ok((key, value))
                });
                ConnectArg::Map(entries.collect::<Result<BTreeMap<_, _>, _>>()?)
            }
        }
    })
}

fn ssl_context(fields: &serde_json::Map<String, Json>) -> Option<PythonSslContext> {
    let file = |client: &Json, index: usize| Some(client.get(index)?.as_str()?.into());
    let client = match fields.get("client")? {
        Json::Null => None,
        client => Some((file(client, 0)?, file(client, 1)?)),
    };
    let authorities = fields.get("authorities")?.as_array()?.iter();
    Some(PythonSslContext {
        verify: fields.get("verify")?.as_bool()?,
        check_hostname: fields.get("check_hostname")?.as_bool()?,
        authorities: authorities
            .map(|der| STANDARD.decode(der.as_str()?).ok())
            .collect::<Option<_>>()?,
        client,
    })
}

/// Returns the reply to a request for a connection.
pub(super) fn connect_reply(
    number: u32,
    info: &ServerInfo,
    options: &ConnectOptions,
) -> ConnectReply {
    ConnectReply {
        connection: number,
        product: match info.product {
            Product::Postgresql => ServerProduct::Postgresql,
            Product::Sqlite => ServerProduct::Sqlite,
            Product::Mysql => ServerProduct::Mysql,
            Product::Mariadb => ServerProduct::Mariadb,
        },
        version: info.version.clone(),
        parameters: info.parameters.clone(),
        libpq: options.libpq_parameters(),
    }
}

/// Returns a plan as the worker receives it.
pub(super) fn steps_reply(plan: &MigrationPlan, ensure_version: bool) -> StepsReply {
    let step = |step: &Step| {
        let revision = step.revision().unwrap_or_default().to_owned();
        match step.direction {
            Direction::Upgrade => PlannedStep::Upgrade { revision },
            Direction::Downgrade => PlannedStep::Downgrade { revision },
            Direction::Stamp { is_upward } => PlannedStep::Stamp {
                from: step.from_revisions.clone(),
                to: step.to_revisions.clone(),
                is_upward,
                branch_move: step.is_branch_move(),
            },
        }
    };
    StepsReply {
        steps: plan.steps.iter().map(step).collect(),
        warnings: plan.warnings.iter().map(ToString::to_string).collect(),
        ensure_version,
    }
}

/// Returns the fields of a server's error.
pub(super) fn server_error_reply(error: &ServerError) -> ServerErrorReply<'_> {
    ServerErrorReply {
        severity: &error.severity,
        code: &error.code,
        number: error.number,
        detail: error.detail.as_deref(),
        hint: error.hint.as_deref(),
        position: error.position,
        context: error.context.as_deref(),
        schema: error.schema.as_deref(),
        table: error.table.as_deref(),
        column: error.column.as_deref(),
        constraint: error.constraint.as_deref(),
    }
}

#[cfg(test)]
mod tests {
    use limbeck_db::{Column, Effect, Notice, Outcome, ResultSet, TransactionStatus, Value};
    use serde_json::json;

    use super::{WireOutcome, value_from_json};

    #[test]
    fn writes_an_outcome() {
        let outcome = Outcome {
            results: vec![ResultSet {
                columns: Some(vec![Column {
                    name: "a".into(),
                    type_code: 25,
                    ..Column::default()
                }]),
                rows: vec![
                    vec![
                        Value::Null,
                        Value::Integer(1),
                        Value::Real(0.5),
                        Value::Real(f64::INFINITY),
                    ],
                    vec![Value::Text("x".into()), Value::Blob(vec![0, 255])],
                ],
                affected: Some(2),
                tag: "SELECT 2".into(),
                effect: Effect::Write,
                last_insert_id: None,
            }],
            notices: vec![Notice {
                severity: "NOTICE".into(),
                message: "m".into(),
                detail: None,
                hint: Some("h".into()),
            }],
        };
        let wire = WireOutcome {
            outcome,
            status: TransactionStatus::Open,
        };
        let expected = json!({
            "results": [{
                "columns": [["a", 25, 0, 0, 0]],
                "rows": [[null, 1, 0.5, {"f": "inf"}], ["x", {"b": "AP8="}]],
                "affected": 2, "tag": "SELECT 2", "last_id": null,
            }],
            "notices": [["NOTICE", "m", null, "h"]],
            "status": "T",
        });
        assert_eq!(serde_json::to_value(&wire).unwrap(), expected);
    }

    #[test]
    fn writes_declared_types_of_sqlite() {
        let outcome = Outcome {
            results: vec![ResultSet {
                columns: Some(vec![Column {
                    name: "a".into(),
                    declared: Some("DATE".into()),
                    ..Column::default()
                }]),
                rows: vec![vec![Value::BrokenText(vec![0xff])]],
                ..ResultSet::default()
            }],
            notices: Vec::new(),
        };
        let wire = WireOutcome {
            outcome,
            status: TransactionStatus::Idle,
        };
        let wire = serde_json::to_value(&wire).unwrap();
        assert_eq!(
            wire["results"][0]["columns"],
            json!([["a", 0, 0, 0, 0, "DATE"]])
        );
        assert_eq!(wire["results"][0]["rows"], json!([[{"t": "/w=="}]]));
    }

    #[test]
    fn reads_numbers_exactly() {
        for text in [
            "4.0815105497451405e-115",
            "0.1",
            "5e-324",
            "7.2057594037927933e16",
        ] {
            let json = serde_json::from_str(text).unwrap();
            let exact = text.parse().unwrap();
            assert_eq!(value_from_json(json), Some(Value::Real(exact)), "{text}");
        }
    }

    #[test]
    fn reads_parameters() {
        let check = |json, value| assert_eq!(value_from_json(json), Some(value));
        check(json!(true), Value::Integer(1));
        check(json!(-7), Value::Integer(-7));
        check(json!(1.5), Value::Real(1.5));
        check(json!({"b": "AP8="}), Value::Blob(vec![0, 255]));
        check(json!({"f": "-inf"}), Value::Real(f64::NEG_INFINITY));
        check(json!({"f": "2.0"}), Value::Real(2.0));
        assert_eq!(value_from_json(json!([1])), None);
    }
}
