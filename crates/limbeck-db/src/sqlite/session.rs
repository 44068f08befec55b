//! SQLite: an open session (scratch).

use super::SqliteOptions;
use crate::{
    Column, DbError, Outcome, Product, ResultSet, ServerError, ServerInfo, TransactionStatus, Value,
};
use std::collections::BTreeMap;

#[derive(Debug)]
pub(crate) struct SqliteSession {
    info: ServerInfo,
    c: rusqlite::Connection,
}

#[derive(Debug, Clone)]
pub(crate) struct SqliteCanceller;

fn err(e: rusqlite::Error) -> DbError {
    DbError::Server(Box::new(ServerError {
        code: format!("{:?}", e.sqlite_error_code()),
        message: match &e {
            rusqlite::Error::SqliteFailure(_, Some(m)) => m.clone(),
            rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
            e => e.to_string(),
        },
        ..Default::default()
    }))
}

impl SqliteSession {
    pub(crate) async fn open(o: &SqliteOptions) -> Result<Self, DbError> {
        let c = rusqlite::Connection::open(&o.path).map_err(err)?;
        Ok(Self {
            info: ServerInfo {
                product: Product::Sqlite,
                version: rusqlite::version().into(),
                parameters: BTreeMap::new(),
                address: o.path.clone(),
            },
            c,
        })
    }
    pub(crate) async fn execute(&mut self, sql: &str, p: &[Value]) -> Result<Outcome, DbError> {
        let mut s = self.c.prepare(sql).map_err(err)?;
        let n = s.column_count();
        let cols: Vec<Column> = s
            .column_names()
            .map(|n| Column {
                name: n.into(),
                ..Default::default()
            })
            .collect();
        let ps: Vec<rusqlite::types::Value> = p
            .iter()
            .map(|v| match v {
                Value::Null => rusqlite::types::Value::Null,
                Value::Integer(i) => (*i).into(),
                Value::Real(f) => (*f).into(),
                Value::Text(t) => t.clone().into(),
                Value::Blob(b) => b.clone().into(),
            })
            .collect();
        let mut rows = s.query(rusqlite::params_from_iter(ps)).map_err(err)?;
        let mut out = vec![];
        while let Some(r) = rows.next().map_err(err)? {
            out.push(
                (0..n)
                    .map(|i| match r.get_ref(i).unwrap() {
                        rusqlite::types::ValueRef::Null => Value::Null,
                        rusqlite::types::ValueRef::Integer(i) => Value::Integer(i),
                        rusqlite::types::ValueRef::Real(f) => Value::Real(f),
                        rusqlite::types::ValueRef::Text(t) => {
                            Value::Text(String::from_utf8_lossy(t).into())
                        }
                        rusqlite::types::ValueRef::Blob(b) => Value::Blob(b.to_vec()),
                    })
                    .collect(),
            );
        }
        drop(rows);
        drop(s);
        Ok(Outcome {
            results: vec![ResultSet {
                columns: (n > 0).then_some(cols),
                rows: out,
                affected: Some(self.c.changes()),
                tag: String::new(),
                last_insert_id: Some(self.c.last_insert_rowid()),
            }],
            notices: vec![],
        })
    }
    pub(crate) fn transaction_status(&self) -> TransactionStatus {
        if self.c.is_autocommit() {
            TransactionStatus::Idle
        } else {
            TransactionStatus::Open
        }
    }
    pub(crate) fn info(&self) -> &ServerInfo {
        &self.info
    }
    pub(crate) fn canceller(&self) -> SqliteCanceller {
        SqliteCanceller
    }
    pub(crate) async fn close(self) -> Result<(), DbError> {
        Ok(())
    }
}
impl SqliteCanceller {
    pub(crate) async fn cancel(&self) -> Result<(), DbError> {
        Ok(())
    }
}
