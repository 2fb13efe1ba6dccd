//! Where to begin reading, so that the last lines of a large log cost what those lines cost and not the whole log.

use std::fs::File;
use std::io;
use std::path::Path;

use super::chain;
use super::decode::{Decoder, Framed, Joiner};
use super::line_reader::LineReader;
use super::read::Filter;

/// The first look back, in bytes; each further one is four times as far.
const WINDOW: u64 = 64 << 10;

/// Clocks are set back now and then: reading begins this long before `--since`.
const SLACK_NS: i64 = 2_000_000_000;

/// Where reading begins for `filter` and, if given, the last `count` lines.
pub(super) fn start(base: &Path, filter: &Filter, count: Option<usize>) -> io::Result<Option<(File, u64)>> {
    match count {
        Some(count) => last(base, filter, count),
        None => since(base, filter),
    }
}

/// A file and an offset in it, where a record begins: everything `filter` accepts is after it. None: the beginning.
fn since(base: &Path, filter: &Filter) -> io::Result<Option<(File, u64)>> {
    let Some(since_ns) = filter.since_ns else {
        return Ok(None);
    };
    let since_ns = since_ns.saturating_sub(SLACK_NS);
    let files = chain::list(base)?;
    // Newest first: the last one that was written since then is the oldest of interest.
    let interesting = files.iter().take_while(|entry| entry.modified_ns >= since_ns).last();
    let Some(entry) = interesting.or(files.first()) else {
        return Ok(None);
    };
    let Some(file) = chain::open(entry)? else {
        return Ok(None);
    };
    let offset = bisect(&file, since_ns)?;
    Ok(Some((file, offset)))
}

/// The offset of a record near the first one that is not before `since_ns`, rather too early than too late.
fn bisect(file: &File, since_ns: i64) -> io::Result<u64> {
    let mut low = 0;
    let mut high = file.metadata()?.len();
    while high - low > WINDOW {
        let middle = low + (high - low) / 2;
        let Some((offset, time_ns)) = first_time(file, middle, high)? else {
            break;
        };
        if time_ns < since_ns {
            low = offset;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// The first record with a time that begins after `from`: where it begins, and when.
fn first_time(file: &File, from: u64, to: u64) -> io::Result<Option<(u64, i64)>> {
    let mut decoder = Decoder::default();
    let mut reader = LineReader::new(file.try_clone()?, from).up_to(to);
    let Some(torn) = reader.next()? else {
        return Ok(None);
    };
    let mut offset = from + torn.len() as u64 + 1;
    while let Some(range) = reader.next()? {
        let len = range.len() as u64 + 1;
        let record = decoder.decode(reader.bytes(range));
        if record.framed == Framed::Yes {
            return Ok(Some((offset, record.time_ns)));
        }
        offset += len;
    }
    Ok(None)
}

/// Where at least the last `count` lines that `filter` accepts begin. None: the beginning.
fn last(base: &Path, filter: &Filter, count: usize) -> io::Result<Option<(File, u64)>> {
    let mut have = 0;
    for entry in chain::list(base)? {
        let Some(file) = chain::open(&entry)? else {
            // Rotated this very moment: read it all rather than miss something.
            return Ok(None);
        };
        let len = file.metadata()?.len();
        let mut window = WINDOW;
        loop {
            let from = len.saturating_sub(window);
            let seen = look(&file, from, len, filter)?;
            if have + seen.lines >= count || seen.too_early {
                return Ok(Some((file, seen.offset)));
            }
            if from == 0 {
                have += seen.lines;
                break;
            }
            window = window.saturating_mul(4);
        }
    }
    Ok(None)
}

/// What a part of a file holds.
struct Seen {
    /// Where its first record begins.
    offset: u64,
    /// Lines in it that the filter accepts, without those whose beginning may be before it.
    lines: usize,
    /// Whether it begins before the time asked for.
    too_early: bool,
}

fn look(file: &File, from: u64, to: u64, filter: &Filter) -> io::Result<Seen> {
    let mut decoder = Decoder::default();
    let mut joiner = Joiner::default();
    // One byte earlier: then a record that begins just at `from` is seen whole.
    let start = from.saturating_sub(1);
    let mut reader = LineReader::new(file.try_clone()?, start).up_to(to);
    let mut offset = from;
    if from > 0 {
        offset = reader.next()?.map_or(to, |torn| start + torn.len() as u64 + 1);
    }
    let mut lines = 0;
    let mut too_early = false;
    let mut first = true;
    let mut whole = [from == 0; 2];
    while let Some(range) = reader.next()? {
        let record = decoder.decode(reader.bytes(range));
        if std::mem::take(&mut first) && record.framed == Framed::Yes {
            too_early = filter.since_ns.is_some_and(|since| record.time_ns < since.saturating_sub(SLACK_NS));
        }
        if let Some(line) = joiner.push(record) {
            let whole = &mut whole[line.stream.index()];
            lines += usize::from(std::mem::replace(whole, true) && filter.accepts(&line));
        }
    }
    Ok(Seen { offset, lines, too_early })
}
