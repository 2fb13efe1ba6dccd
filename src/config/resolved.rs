//! stub
use super::Loaded;
/// stub
pub fn resolved(_loaded: &Loaded) -> serde_json::Value { serde_json::Value::Null }
