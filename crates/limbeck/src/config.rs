//! scratch
#![allow(missing_docs)]
#[derive(Debug, Clone)] pub struct ConfigFiles { pub ini: String, pub toml: Option<String> }
#[derive(Debug, thiserror::Error)] #[error("{0}")] pub struct ConfigError(pub String);
impl ConfigError { pub fn is_refusal(&self) -> bool { true } }
impl ConfigFiles { pub fn select(c: &[String], env: Option<&str>) -> Result<Self, ConfigError> { Ok(Self { ini: c.first().cloned().or(env.map(str::to_owned)).unwrap_or("alembic.ini".into()), toml: None }) } }
#[derive(Debug)] pub struct Config { pub script_location: String }
impl Config {
    pub fn load(f: &ConfigFiles, _n: &str) -> Result<Self, ConfigError> {
        let t = std::fs::read_to_string(&f.ini).map_err(|_| ConfigError("No 'script_location' key found in configuration.".into()))?;
        let l = t.lines().find_map(|l| l.strip_prefix("script_location = ")).unwrap_or("");
        Ok(Self { script_location: l.replace("%(here)s", ".") })
    }
    pub fn revision_environment(&self) -> Result<bool, ConfigError> { Ok(false) }
}
