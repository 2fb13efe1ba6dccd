//! From text to a [`Project`](crate::model::Project): all that is wrong with it at once, each with its place.
//!
//! ```text
//! locate ─► read ─► tree (yaml, json) ─► defaults merged ─► decode, interpolating ─► check ─► Project
//!                        └──────────────────────┴────────────────┴────────────────────┴──► Report
//! ```
//!
//! [`read`] is what a client does: it looks at the disk and keeps what it saw in a [`Bundle`]. [`load`] is what
//! the supervisor does with that bundle: it is pure, so both see the same project. Nothing in here starts,
//! stops or prints anything, and nothing in here looks into the process's own environment.

mod builder;
mod bundle;
mod check;
mod decode;
pub(crate) mod dotenv;
mod env_file;
mod environment;
mod files;
mod hash;
pub(crate) mod interpolate;
mod issues;
mod json;
mod keys;
mod lazies;
mod locate;
mod merge;
mod problem;
mod reader;
mod render;
mod resolved;
mod schema;
mod scope;
mod source;
mod tree;
pub(crate) mod units;
mod yaml;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

pub use bundle::{Bundle, Loaded, Ports, load, read};
pub use locate::{FileArg, Found, Locate, find};
pub use problem::{Level, Place, Problem, Report};
pub use resolved::resolved;
pub use schema::schema;

/// Names the project, over what the file says: how `--name` travels in a [`Bundle`]. Services do not get it.
pub const NAME_VARIABLE: &str = "TSPM_NAME";

/// Whether services are told to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Color {
    Yes,
    No,
}

/// The languages of a project file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Yaml,
    Json,
}

impl Language {
    /// By the file's name; standard input by its first characters, as all JSON but its comments is YAML.
    fn of(path: &Path, text: &str) -> Self {
        let json = match path.extension().and_then(|extension| extension.to_str()) {
            Some("json" | "jsonc") => true,
            Some(_) => false,
            None => {
                let mut chars = text.chars().filter(|c| !c.is_whitespace());
                matches!(
                    (chars.next(), chars.next()),
                    (Some('{'), Some('"' | '/' | '}')) | (Some('/'), Some('/' | '*'))
                )
            }
        };
        if json { Self::Json } else { Self::Yaml }
    }
}

/// The tree of `bytes`, or none: `issues` says why.
fn parse(path: &Path, bytes: &[u8], issues: &issues::Issues) -> Option<std::rc::Rc<tree::Node>> {
    use issues::Issue;
    use source::Span;

    let refuse = |code, start: usize, text: &str, message: String, help: &str| {
        let file = issues.add_source(path, Arc::from(text));
        issues.add(Issue::error(code, Span::new(file, start..start), message).help(help));
        None
    };
    if bytes.len() > builder::MAX_BYTES {
        let message = format!("the file has {} bytes, more than {}", bytes.len(), builder::MAX_BYTES);
        return refuse("limit", 0, "", message, "is this the right file?");
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let text = String::from_utf8_lossy(bytes);
            let at = error.valid_up_to();
            return refuse("syntax", at, &text, "this is not UTF-8".to_owned(), "save the file as UTF-8");
        }
    };
    // Places count from behind a byte order mark, as editors do.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(at) = text.find(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        let help = "a text file has none: is this the right file?";
        return refuse("syntax", at, text, "a control character stands here".to_owned(), help);
    }
    let file = issues.add_source(path, Arc::from(text));
    match Language::of(path, text) {
        Language::Yaml => yaml::parse(text, file, issues),
        Language::Json => json::parse(text, file, issues),
    }
}
