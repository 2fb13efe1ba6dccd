//! The JSON Schema of a project file, for editors: every key with a description.
//!
//! The types below are never made: they are the file's shape in Rust, and `schemars` turns them and their doc
//! comments into the schema. A project is read by `decode`, not through them, because serde stops at the first
//! mistake; that both know the same keys is tested. Keys that are not built yet are not in the schema.

mod probe;
mod project;
mod service;
mod values;

use schemars::generate::SchemaSettings;

/// The JSON Schema (2020-12) of `tspm.yaml`.
pub fn schema() -> serde_json::Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    generator.into_root_schema_for::<project::ProjectFile>().to_value()
}
