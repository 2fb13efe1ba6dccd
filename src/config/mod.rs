//! STAND-IN of branch `cli`, replaced by branch `config` when merged.
#![allow(missing_docs)]
#[allow(dead_code, reason = "used by the loader")]
mod dotenv;
#[allow(dead_code, reason = "used by the loader")]
mod interpolate;
#[allow(dead_code, reason = "used by the loader")]
pub(crate) mod units;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::model::{Project, ServiceName};

#[derive(Debug, Clone)]
pub enum FileArg { Path(PathBuf), Stdin }
#[derive(Debug, Clone)]
pub struct Locate {
    pub file: Option<FileArg>, pub cwd: PathBuf, pub profiles: Vec<String>,
    pub env: Vec<(OsString, OsString)>, pub color: bool, pub name: Option<String>,
}
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    pub sources: Vec<(PathBuf, Vec<u8>)>, pub env_files: Vec<(PathBuf, Option<Vec<u8>>)>,
    pub env: Vec<(OsString, OsString)>, pub dir: PathBuf, pub profiles: Vec<String>, pub color: bool,
}
pub type Ports = BTreeMap<(ServiceName, usize), u16>;
#[derive(Debug)]
pub struct Loaded { pub project: Project, pub warnings: Report, pub auto_ports: Vec<(ServiceName, usize)> }
#[derive(Debug)]
pub struct Found { pub path: Option<PathBuf>, pub dir: PathBuf }
#[derive(Debug, Default)]
pub struct Report { pub problems: Vec<Problem> }
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level { Error, Warning }
#[derive(Debug)]
pub struct Problem {
    pub level: Level, pub code: &'static str, pub message: String, pub place: Option<Place>,
    pub notes: Vec<String>, pub help: Option<String>,
}
#[derive(Debug)]
pub struct Place { pub file: PathBuf, pub line: usize, pub column: usize }
impl Report {
    pub fn render(&self, _color: bool) -> String { format!("{:?}", self.problems) }
    pub fn has_errors(&self) -> bool { self.problems.iter().any(|p| p.level == Level::Error) }
}
pub fn find(locate: &Locate) -> Result<Found, Report> { Ok(Found { path: None, dir: locate.cwd.clone() }) }
pub fn read(_: &Locate) -> Result<(Bundle, Loaded), Report> { Err(Report::default()) }
pub fn load(_: &Bundle, _: &Ports) -> Result<Loaded, Report> { Err(Report::default()) }
pub fn schema() -> serde_json::Value { serde_json::json!({}) }
pub fn resolved(_: &Loaded) -> serde_json::Value { serde_json::json!({}) }
