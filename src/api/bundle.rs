//! A project as it is read by the client, on its way to the supervisor: `config::Bundle` in the words of the wire.
//!
//! Never loses a byte: paths and values need not be UTF-8.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use super::wire::{self, Text};
use crate::config;

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        str::from_utf8(bytes).map_or_else(|_| Self::Raw(bytes.to_vec()), |text| Self::Utf8(text.to_owned()))
    }
}

impl From<&OsStr> for Text {
    fn from(text: &OsStr) -> Self {
        Self::from(text.as_bytes())
    }
}

impl From<Text> for Vec<u8> {
    fn from(text: Text) -> Self {
        match text {
            Text::Utf8(text) => text.into_bytes(),
            Text::Raw(bytes) => bytes,
        }
    }
}

impl From<Text> for OsString {
    fn from(text: Text) -> Self {
        Self::from_vec(text.into())
    }
}

impl From<&config::Bundle> for wire::Bundle {
    fn from(bundle: &config::Bundle) -> Self {
        Self {
            sources: bundle.sources.iter().map(|(p, b)| (p.as_os_str().into(), b.as_slice().into())).collect(),
            env_files: bundle
                .env_files
                .iter()
                .map(|(path, bytes)| (path.as_os_str().into(), bytes.as_deref().map(Text::from)))
                .collect(),
            env: bundle.env.iter().map(|(k, v)| (k.as_os_str().into(), v.as_os_str().into())).collect(),
            dir: bundle.dir.as_os_str().into(),
            profiles: bundle.profiles.clone(),
            color: bundle.color,
        }
    }
}

impl From<wire::Bundle> for config::Bundle {
    fn from(bundle: wire::Bundle) -> Self {
        let path = |text: Text| PathBuf::from(OsString::from(text));
        Self {
            sources: bundle.sources.into_iter().map(|(p, bytes)| (path(p), bytes.into())).collect(),
            env_files: bundle.env_files.into_iter().map(|(p, bytes)| (path(p), bytes.map(Into::into))).collect(),
            env: bundle.env.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
            dir: path(bundle.dir),
            profiles: bundle.profiles,
            color: bundle.color,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_on_the_way() {
        let odd = OsString::from_vec(vec![b'/', 0xff, b'x']);
        let bundle = config::Bundle {
            sources: vec![(PathBuf::from("/p/tspm.yaml"), b"services: {}\n".to_vec())],
            env_files: vec![(PathBuf::from("/p/.env"), Some(vec![0xfe])), (PathBuf::from("/p/no.env"), None)],
            env: vec![(OsString::from("HOME"), odd.clone())],
            dir: PathBuf::from(odd),
            profiles: vec!["dev".to_owned()],
            color: true,
        };
        let text = serde_json::to_string(&wire::Bundle::from(&bundle)).unwrap();
        let back: wire::Bundle = serde_json::from_str(&text).unwrap();
        assert_eq!(config::Bundle::from(back), bundle);
    }
}
