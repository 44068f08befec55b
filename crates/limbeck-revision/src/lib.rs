//! scratch
#![allow(missing_docs)]
#[derive(Debug, Clone, Default)]
pub struct Revision { pub id: String, pub down_revisions: Vec<String>, pub branch_labels: Vec<String>, pub dependencies: Vec<String> }
#[derive(Debug, Default)]
pub struct RevisionMap { revs: Vec<Revision> }
#[derive(Debug, thiserror::Error)] #[error("{0}")] pub struct RevisionError(pub String);
#[derive(Debug, Default)] pub struct MigrationPlan { pub steps: Vec<MigrationStep>, pub warnings: Vec<String> }
#[derive(Debug)] pub struct MigrationStep { pub kind: StepKind, pub from_revisions: Vec<String>, pub to_revisions: Vec<String> }
#[derive(Debug)] pub enum StepKind { Upgrade { revision: String }, Downgrade { revision: String }, Stamp { upgrade: bool, branch_move: bool } }
impl MigrationStep { pub fn revision(&self) -> Option<&str> { match &self.kind { StepKind::Upgrade { revision } | StepKind::Downgrade { revision } => Some(revision), _ => None } } }
impl RevisionMap {
    pub fn new(revs: Vec<Revision>) -> Result<Self, RevisionError> { Ok(Self { revs }) }
    pub fn heads(&self) -> Vec<&str> { self.revs.iter().filter(|r| !self.revs.iter().any(|o| o.down_revisions.contains(&r.id))).map(|r| r.id.as_str()).collect() }
    pub fn real_heads(&self) -> Vec<&str> { self.heads() }
    fn chain(&self) -> Vec<&Revision> { let mut out: Vec<&Revision> = vec![]; loop { let last = out.last().map(|r| r.id.clone()); match self.revs.iter().find(|r| r.down_revisions.first().cloned() == last) { Some(r) => out.push(r), None => return out } } }
    pub fn plan_upgrade(&self, heads: &[String], _t: &str) -> Result<MigrationPlan, RevisionError> {
        let c = self.chain(); let from = heads.first().and_then(|h| c.iter().position(|r| r.id == *h)).map_or(0, |i| i + 1);
        Ok(MigrationPlan { steps: c[from..].iter().map(|r| MigrationStep { kind: StepKind::Upgrade { revision: r.id.clone() }, from_revisions: vec![], to_revisions: vec![] }).collect(), warnings: vec![] })
    }
    pub fn plan_downgrade(&self, heads: &[String], _t: &str) -> Result<MigrationPlan, RevisionError> {
        let c = self.chain(); let from = heads.first().and_then(|h| c.iter().position(|r| r.id == *h)).map_or(0, |i| i + 1);
        Ok(MigrationPlan { steps: c[..from].iter().rev().map(|r| MigrationStep { kind: StepKind::Downgrade { revision: r.id.clone() }, from_revisions: vec![], to_revisions: vec![] }).collect(), warnings: vec![] })
    }
    pub fn plan_stamp(&self, _h: &[String], _t: &[String]) -> Result<MigrationPlan, RevisionError> { Ok(MigrationPlan::default()) }
}
