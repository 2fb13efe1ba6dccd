//! When each run of a service began: `api.runs` beside `api.log`, a stamp and a run id per line, for `--previous` and
//! «the last run only». A convenience: a log without it can be read all the same.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::stamp;
use crate::model::RunId;

/// The file is cut back to half of this once it is larger: some 200 runs.
const MAX_BYTES: usize = 8 << 10;

/// The index beside `log`.
fn path_of(log: &Path) -> PathBuf {
    log.with_extension("runs")
}

/// When the runs of the service that writes `log` began, oldest first, in nanoseconds since 1970. At least the last
/// 100; none where nothing is known.
pub fn runs(log: &Path) -> Vec<i64> {
    let text = fs::read(path_of(log)).unwrap_or_default();
    let mut parser = stamp::Parser::default();
    text.split(|byte| *byte == b'\n')
        .filter_map(|line| parser.parse(line.split(|byte| *byte == b' ').next().unwrap_or_default()))
        .collect()
}

/// Notes that `run` begins.
pub(super) fn mark(log: &Path, run: RunId, now_ns: i64) -> io::Result<()> {
    let path = path_of(log);
    let stamp = stamp::render(now_ns);
    let entry = format!("{} {run}\n", String::from_utf8_lossy(&stamp));
    let mut file = fs::OpenOptions::new().create(true).append(true).open(&path)?;
    file.write_all(entry.as_bytes())?;
    if file.metadata()?.len() > MAX_BYTES as u64 {
        let text = fs::read(&path)?;
        let from = text.len().saturating_sub(MAX_BYTES / 2);
        let from = memchr::memchr(b'\n', &text[from..]).map_or(text.len(), |at| from + at + 1);
        let fresh = path.with_extension("runs.new");
        fs::write(&fresh, &text[from..])?;
        fs::rename(&fresh, &path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_bounded_and_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("api.log");
        assert!(runs(&log).is_empty());
        for run in 1..1000_i64 {
            mark(&log, RunId(run.unsigned_abs()), run).unwrap();
        }
        let found = runs(&log);
        assert_eq!(found.last(), Some(&999));
        assert!(found.len() >= 90 && found.len() < 400, "{}", found.len());
        assert!(found.windows(2).all(|pair| pair[0] + 1 == pair[1]));
        assert!(fs::metadata(dir.path().join("api.runs")).unwrap().len() <= MAX_BYTES as u64);
    }
}
