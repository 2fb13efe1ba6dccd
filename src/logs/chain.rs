//! A log and its rotations, as files. Renames go on while one looks: what is found is told by inode, not by name.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::sink::rotated;

/// A file whatever its name.
pub(super) type FileId = (u64, u64);

/// One file of a log.
#[derive(Debug)]
pub(super) struct Entry {
    path: PathBuf,
    pub(super) id: FileId,
    /// Of its last write, in nanoseconds since 1970.
    pub(super) modified_ns: i64,
}

/// What comes after a file.
#[derive(Debug)]
pub(super) enum Next {
    /// Nothing: it is the one being written (or none is, this very moment).
    Newest,
    /// This one.
    File(File),
}

/// The files of `base`, newest first.
///
/// A rotation moves files up while this reads upwards: a file may be seen twice (then it is left out once), and for a
/// moment one index has none; no file is missed.
pub(super) fn list(base: &Path) -> io::Result<Vec<Entry>> {
    let mut found: Vec<Entry> = Vec::new();
    let mut gaps = 0;
    let mut index = 0;
    while gaps < 2 {
        let path = if index == 0 { base.to_owned() } else { rotated(base, index) };
        match fs::metadata(&path) {
            Ok(meta) => {
                gaps = 0;
                let id = id(&meta);
                if meta.is_file() && found.iter().all(|entry| entry.id != id) {
                    found.push(Entry { path, id, modified_ns: modified_ns(&meta) });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => gaps += u32::from(index > 0),
            Err(error) => return Err(error),
        }
        index += 1;
    }
    Ok(found)
}

/// Opens `entry` if it is still what it was. None: it was renamed or removed meanwhile.
pub(super) fn open(entry: &Entry) -> io::Result<Option<File>> {
    let file = match File::open(&entry.path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let same = id(&file.metadata()?) == entry.id;
    Ok(same.then_some(file))
}

/// What comes after `file` in `base`'s log. The caller holds it open, so its inode means nothing else.
pub(super) fn after(base: &Path, file: &File) -> io::Result<Next> {
    let meta = file.metadata()?;
    let current = id(&meta);
    loop {
        // The usual case, cheap: it is still the one being written.
        match fs::metadata(base) {
            Ok(meta) if id(&meta) == current => return Ok(Next::Newest),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let files = list(base)?;
        let newer = match files.iter().position(|entry| entry.id == current) {
            Some(0) => return Ok(Next::Newest),
            Some(at) => Some(&files[at - 1]),
            // Rotated away while we read, or removed: on with the oldest that was written to after it.
            None => later(&files, base, modified_ns(&meta)),
        };
        let Some(newer) = newer else {
            return Ok(Next::Newest);
        };
        if let Some(file) = open(newer)? {
            return Ok(Next::File(file));
        }
    }
}

/// Opens the oldest file of `base`'s log that was written to after `since_ns`, when the last one read was removed.
pub(super) fn oldest_since(base: &Path, since_ns: i64) -> io::Result<Option<File>> {
    loop {
        let files = list(base)?;
        let Some(entry) = later(&files, base, since_ns) else {
            return Ok(None);
        };
        if let Some(file) = open(entry)? {
            return Ok(Some(file));
        }
    }
}

/// The oldest file that was written to after `since_ns`, and in any case the one being written: the file last read is
/// gone, so it is another one.
fn later<'a>(files: &'a [Entry], base: &Path, since_ns: i64) -> Option<&'a Entry> {
    let later = files.iter().rev().find(|entry| entry.modified_ns > since_ns);
    later.or(files.first().filter(|entry| entry.path == base))
}

/// Opens the oldest file of `base`'s log.
pub(super) fn oldest(base: &Path) -> io::Result<Option<File>> {
    loop {
        let files = list(base)?;
        let Some(entry) = files.last() else {
            return Ok(None);
        };
        if let Some(file) = open(entry)? {
            return Ok(Some(file));
        }
    }
}

/// Of the last write, in nanoseconds since 1970.
pub(super) fn modified_ns(meta: &fs::Metadata) -> i64 {
    meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec())
}

/// Device and inode.
pub(super) fn id(meta: &fs::Metadata) -> FileId {
    (meta.dev(), meta.ino())
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::time::Duration;

    use super::*;

    fn text(mut file: File) -> String {
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn follows_renames() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().join("api.log");
        assert!(oldest(&base).unwrap().is_none());
        for (name, content) in [("api.log.2", "1"), ("api.log.1", "2"), ("api.log", "3")] {
            fs::write(dir.path().join(name), content).unwrap();
        }
        let first = oldest(&base).unwrap().unwrap();
        let Next::File(second) = after(&base, &first).unwrap() else { panic!() };
        let third = File::open(&base).unwrap();
        assert!(matches!(after(&base, &third).unwrap(), Next::Newest));

        // A rotation between rename and create, then complete, with the oldest gone.
        fs::rename(dir.path().join("api.log.1"), dir.path().join("api.log.2")).unwrap();
        fs::rename(&base, dir.path().join("api.log.1")).unwrap();
        assert!(matches!(after(&base, &third).unwrap(), Next::Newest));
        fs::write(&base, "4").unwrap();
        let Next::File(file) = after(&base, &third).unwrap() else { panic!() };
        assert_eq!(text(file), "4");
        let Next::File(file) = after(&base, &second).unwrap() else { panic!() };
        assert_eq!(text(file), "3");
        // The first one was overwritten: what was written before it must not come again.
        for name in ["api.log.1", "api.log.2"] {
            let file = File::options().write(true).open(dir.path().join(name)).unwrap();
            file.set_modified(first.metadata().unwrap().modified().unwrap() + Duration::from_secs(1)).unwrap();
        }
        let Next::File(file) = after(&base, &first).unwrap() else { panic!() };
        assert_eq!(text(file), "2", "the oldest that is newer");
        fs::remove_file(&base).unwrap();
        fs::remove_file(dir.path().join("api.log.1")).unwrap();
        assert!(matches!(after(&base, &third).unwrap(), Next::Newest), "only older ones are left");
        assert_eq!((text(first), text(second)), ("1".to_owned(), "2".to_owned()));
    }
}
