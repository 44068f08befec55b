//! scratch
#![allow(missing_docs)]
use crate::config::Config;
use crate::format::{RevisionFacts, ShortForm};
use crate::run::Refusal;
use limbeck_revision::{Revision, RevisionMap};
use std::path::PathBuf;
#[derive(Debug)] pub struct Script { pub path: PathBuf, pub rev: Revision, pub doc: String }
#[derive(Debug)] pub struct Project { pub config: Config, pub map: RevisionMap, scripts: Vec<Script> }
#[derive(Debug, thiserror::Error)] #[error("{0}")] pub struct ProjectError(pub String);
impl ProjectError { pub fn refusal(&self) -> Option<String> { None } pub fn hint(&self) -> Option<String> { None } }
impl Project {
    pub fn load<T>(config: Config, _t: &T) -> Result<Self, ProjectError> {
        let mut scripts = vec![];
        let mut files: Vec<_> = std::fs::read_dir(format!("{}/versions", config.script_location)).map_err(|e| ProjectError(e.to_string()))?.filter_map(|e| Some(e.ok()?.path())).filter(|p| p.extension().is_some_and(|e| e == "py")).collect();
        files.sort();
        for f in files {
            let t = std::fs::read_to_string(&f).unwrap();
            let get = |n: &str| t.lines().find(|l| l.starts_with(n)).and_then(|l| l.split_once('=')).map(|(_, v)| v.trim().to_owned()).filter(|v| v != "None").map(|v| v.split(|c| "'\"(), ".contains(c)).filter(|s| !s.is_empty()).map(str::to_owned).collect::<Vec<_>>()).unwrap_or_default();
            scripts.push(Script { path: f.canonicalize().unwrap(), rev: Revision { id: get("revision")[0].clone(), down_revisions: get("down_revision"), branch_labels: get("branch_labels"), dependencies: get("depends_on") }, doc: t.lines().next().unwrap_or("").trim_matches('"').into() });
        }
        let map = RevisionMap::new(scripts.iter().map(|s| s.rev.clone()).collect()).map_err(|e| ProjectError(e.to_string()))?;
        Ok(Self { config, map, scripts })
    }
    pub fn warnings(&self) -> Vec<String> { vec![] }
    pub fn script(&self, id: &str) -> Result<&Script, Refusal> { self.scripts.iter().find(|s| s.rev.id == id).ok_or(Refusal(id.into())) }
    pub fn entry(&self, id: &str, verbose: bool, form: ShortForm, _cur: &[String]) -> Result<String, Refusal> { let s = self.script(id)?; let f = RevisionFacts { id: &s.rev.id, doc: &s.doc, long_doc: &s.doc, parents: &s.rev.down_revisions, is_head: self.map.heads().contains(&id), is_real_head: self.map.heads().contains(&id), ..Default::default() }; Ok(if verbose { f.long() } else { f.short(form) }) }
    pub fn children(&self, _id: &str) -> Vec<&str> { vec![] }
    pub fn history(&self, _a: &str, _b: &str) -> Result<Vec<&str>, Refusal> { Ok(self.scripts.iter().map(|s| s.rev.id.as_str()).collect()) }
    pub fn history_between(&self, _a: &[String], _b: &[String]) -> Result<Vec<&str>, Refusal> { self.history("", "") }
    pub fn resolve(&self, r: &str) -> Result<Vec<&str>, Refusal> { Ok(vec![&self.script(r)?.rev.id]) }
    pub fn resolve_all(&self, r: &[String]) -> Result<Vec<&str>, Refusal> { r.iter().map(|r| Ok(self.script(r)?.rev.id.as_str())).collect() }
    pub fn current(&self, r: &[String]) -> Result<Vec<&str>, Refusal> { self.resolve_all(r) }
    pub fn headers_for_worker(&self) -> serde_json::Value { self.scripts.iter().map(|s| serde_json::json!([s.rev.id, s.rev.down_revisions, s.rev.branch_labels, s.rev.dependencies, s.path])).collect() }
    pub fn script_folders(&self) -> Vec<PathBuf> { self.scripts.iter().filter_map(|s| s.path.parent().map(Into::into)).collect() }
}
