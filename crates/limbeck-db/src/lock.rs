//! scratch
#![allow(missing_docs)]
use crate::*;
use std::time::Duration;
#[derive(Debug, Clone, PartialEq)]
pub struct LockScope {
    t: String,
}
impl LockScope {
    pub fn new(v: &VersionTable) -> Self {
        Self { t: v.name.clone() }
    }
}
#[derive(Debug, Clone, Copy)]
pub struct LockWait(Duration);
impl LockWait {
    pub fn for_at_most(d: Duration) -> Self {
        Self(d)
    }
}
#[derive(Debug)]
pub struct LockWaiting {
    pub waited: Duration,
    pub holder: Option<String>,
}
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("t")]
    T,
}
#[derive(Debug)]
pub struct MigrationLock;
impl MigrationLock {
    pub async fn acquire(
        _: &ConnectOptions,
        _: &LockScope,
        _: LockWait,
        _: impl FnMut(&LockWaiting),
    ) -> Result<Self, LockError> {
        Ok(Self)
    }
    pub async fn release(self) -> Result<(), DbError> {
        Ok(())
    }
}
#[derive(Debug)]
pub struct VersionTable {
    pub name: String,
    pub schema: Option<String>,
}
impl VersionTable {
    pub async fn heads(&self, s: &mut Session) -> Result<Option<Vec<String>>, DbError> {
        let o = s
            .execute("select version_num from alembic_version", &[])
            .await?;
        Ok(Some(
            o.results[0]
                .rows
                .iter()
                .map(|r| match &r[0] {
                    Value::Text(t) => t.clone(),
                    _ => String::new(),
                })
                .collect(),
        ))
    }
}
