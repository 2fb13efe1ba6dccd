//! What a load reads, on the wire and off it. Bytes survive: paths and values need not be UTF-8.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use crate::config;

use super::wire::{Bundle, Text};

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        String::from_utf8(bytes).map_or_else(|error| Self::Raw(error.into_bytes()), Self::Utf8)
    }
}

impl From<OsString> for Text {
    fn from(text: OsString) -> Self {
        text.into_vec().into()
    }
}

impl From<PathBuf> for Text {
    fn from(path: PathBuf) -> Self {
        path.into_os_string().into()
    }
}

impl Text {
    fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Utf8(text) => text.into_bytes(),
            Self::Raw(bytes) => bytes,
        }
    }

    fn into_os(self) -> OsString {
        OsString::from_vec(self.into_bytes())
    }
}

impl From<config::Bundle> for Bundle {
    fn from(bundle: config::Bundle) -> Self {
        Self {
            sources: bundle.sources.into_iter().map(|(path, text)| (path.into(), text.into())).collect(),
            env_files: bundle
                .env_files
                .into_iter()
                .map(|(path, text)| (path.into(), text.map(Text::from)))
                .collect(),
            env: bundle.env.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            dir: bundle.dir.into(),
            profiles: bundle.profiles,
            color: bundle.color,
        }
    }
}

impl From<Bundle> for config::Bundle {
    fn from(bundle: Bundle) -> Self {
        Self {
            sources: bundle
                .sources
                .into_iter()
                .map(|(path, text)| (path.into_os().into(), text.into_bytes()))
                .collect(),
            env_files: bundle
                .env_files
                .into_iter()
                .map(|(path, text)| (path.into_os().into(), text.map(Text::into_bytes)))
                .collect(),
            env: bundle.env.into_iter().map(|(name, value)| (name.into_os(), value.into_os())).collect(),
            dir: bundle.dir.into_os().into(),
            profiles: bundle.profiles,
            color: bundle.color,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_the_wire() {
        let bundle = config::Bundle {
            sources: vec![("a.yaml".into(), b"services: {}".to_vec())],
            env_files: vec![(".env".into(), None)],
            env: vec![(OsString::from("A"), OsString::from_vec(vec![0xff, b'x']))],
            dir: "/p".into(),
            profiles: vec!["dev".into()],
            color: true,
        };
        let json = serde_json::to_string(&Bundle::from(bundle.clone())).unwrap();
        let back: Bundle = serde_json::from_str(&json).unwrap();
        assert_eq!(config::Bundle::from(back), bundle);
    }
}
