//! The five phases of a teardown, as lines.

use crate::api::wire::{DownUpdate, ProcessView};
use crate::cli::term::Paint;

use super::units::{count, span};

/// How many names a phase's line has before the rest is a number.
const NAMES: usize = 12;

/// How a teardown was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// Stop signals first.
    Graceful,
    /// `--force`.
    Force,
}

/// The lines for one update of `POST /v1/down`.
pub(crate) fn lines(update: &DownUpdate, how: How, paint: Paint) -> Vec<String> {
    match update {
        DownUpdate::Phase { number: 1, .. } if how == How::Force => {
            vec![format!("{} graceful    {}", paint.bold("[1/5]"), paint.dim("skipped"))]
        }
        DownUpdate::Phase { number, names } => vec![phase(*number, names, paint)],
        DownUpdate::Gone { name, took_ms, killed: false } => {
            let name = paint.service(name, name);
            vec![format!("      {} {name} stopped in {}", paint.good("✔"), span(*took_ms))]
        }
        DownUpdate::Gone { name, took_ms, killed: true } => {
            let name = paint.service(name, name);
            vec![format!("      {} {name} killed after {}", paint.warn("✘"), span(*took_ms))]
        }
        DownUpdate::Note { text } => vec![format!("      {} {text}", paint.warn("!"))],
        DownUpdate::Orphans { found } if found.is_empty() => Vec::new(),
        DownUpdate::Orphans { found } => {
            let mut lines = vec![format!("      {} {}:", paint.warn("!"), count(found.len(), "process"))];
            lines.extend(found.iter().map(|process| format!("        {}", self::process(process))));
            lines
        }
        DownUpdate::Receipt { left, released, stopped, killed, .. } => {
            receipt(left, released, (*stopped, *killed), paint)
        }
    }
}

fn phase(number: u8, names: &[String], paint: Paint) -> String {
    let about = |verb: &str, nothing: &str| match names {
        [] => paint.dim(nothing),
        names => format!("{verb} {}: {}", count(names.len(), "service"), list(names, paint)),
    };
    let (title, text) = match number {
        1 => ("graceful", about("stopping", "nothing to stop")),
        2 => ("force", about("killing", "nothing to kill")),
        3 => ("orphans", about("sweeping after", "sweeping for what escaped")),
        4 => ("containers", about("removing those of", "none")),
        5 => ("verify", about("checking", "looking once more")),
        _ => ("", about("", "")),
    };
    format!("{} {title:<10}  {text}", paint.bold(&format!("[{number}/5]")))
}

fn list(names: &[String], paint: Paint) -> String {
    let shown: Vec<String> = names.iter().take(NAMES).map(|name| paint.service(name, name)).collect();
    match names.len().saturating_sub(NAMES) {
        0 => shown.join(", "),
        more => format!("{}, … and {more} more", shown.join(", ")),
    }
}

fn receipt(left: &[ProcessView], released: &[ProcessView], done: (u32, u32), paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    if !released.is_empty() {
        lines.push(format!("      {} left running on purpose (`release`):", paint.dim("·")));
        lines.extend(released.iter().map(|process| format!("        {}", self::process(process))));
    }
    if !left.is_empty() {
        lines.push(format!("      {} {} left:", paint.bad("✘"), paint.bad(&count(left.len(), "process"))));
        lines.extend(left.iter().map(|process| format!("        {}", self::process(process))));
        return lines;
    }
    let (stopped, killed) = done;
    let mut what = Vec::new();
    if stopped > 0 || killed == 0 {
        what.push(format!("{} stopped", count(stopped as usize, "service")));
    }
    if killed > 0 {
        what.push(format!("{killed} killed"));
    }
    lines.push(format!("      {} {} ({})", paint.good("✔"), paint.good("0 processes left"), what.join(", ")));
    lines
}

/// `pid 812  api  node server.js (state D)`.
pub(crate) fn process(process: &ProcessView) -> String {
    let service = process.service.as_deref().map_or_else(String::new, |name| format!("  {name}"));
    let why = process.why.as_deref().map_or_else(String::new, |why| format!(" ({why})"));
    format!("pid {}{service}  {}{why}", process.pid, process.command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(update: &DownUpdate) -> String {
        lines(update, How::Graceful, Paint::PLAIN).join("\n")
    }

    fn process(pid: u32, service: Option<&str>, why: Option<&str>) -> ProcessView {
        ProcessView {
            pid,
            parent: 1,
            command: "node server.js".into(),
            state: "S".into(),
            service: service.map(str::to_owned),
            why: why.map(str::to_owned),
        }
    }

    #[test]
    fn phases_are_announced_with_counts_and_names() {
        let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let phase = |number, of: &[&str]| text(&DownUpdate::Phase { number, names: names(of) });
        assert_eq!(phase(1, &["api", "db"]), "[1/5] graceful    stopping 2 services: api, db");
        assert_eq!(phase(2, &[]), "[2/5] force       nothing to kill");
        assert_eq!(phase(2, &["api"]), "[2/5] force       killing 1 service: api");
        assert_eq!(phase(3, &[]), "[3/5] orphans     sweeping for what escaped");
        assert_eq!(phase(4, &[]), "[4/5] containers  none");
        assert_eq!(phase(5, &[]), "[5/5] verify      looking once more");
        let forced = lines(&DownUpdate::Phase { number: 1, names: names(&["api"]) }, How::Force, Paint::PLAIN);
        assert_eq!(forced, ["[1/5] graceful    skipped"]);
        let many: Vec<String> = (0..15).map(|n| format!("s{n}")).collect();
        let line = text(&DownUpdate::Phase { number: 1, names: many });
        assert!(line.ends_with("s10, s11, … and 3 more"), "{line}");
    }

    #[test]
    fn each_service_is_reported() {
        let gone = |killed| text(&DownUpdate::Gone { name: "api".into(), took_ms: 1200, killed });
        assert_eq!(gone(false), "      ✔ api stopped in 1.2 s");
        assert_eq!(gone(true), "      ✘ api killed after 1.2 s");
        assert_eq!(text(&DownUpdate::Note { text: "port 80 is held".into() }), "      ! port 80 is held");
        assert_eq!(text(&DownUpdate::Orphans { found: vec![] }), "");
        assert_eq!(
            text(&DownUpdate::Orphans { found: vec![process(812, Some("api"), None)] }),
            "      ! 1 process:\n        pid 812  api  node server.js"
        );
    }

    #[test]
    fn the_receipt_proves_or_lists() {
        let receipt = |left: Vec<ProcessView>, released: Vec<ProcessView>, stopped, killed| {
            text(&DownUpdate::Receipt { keeper_pid: 1, left, released, stopped, killed })
        };
        assert_eq!(receipt(vec![], vec![], 5, 0), "      ✔ 0 processes left (5 services stopped)");
        assert_eq!(receipt(vec![], vec![], 4, 1), "      ✔ 0 processes left (4 services stopped, 1 killed)");
        assert_eq!(receipt(vec![], vec![], 0, 2), "      ✔ 0 processes left (2 killed)");
        assert_eq!(
            receipt(vec![process(812, Some("api"), Some("not permitted"))], vec![], 1, 0),
            "      ✘ 1 process left:\n        pid 812  api  node server.js (not permitted)"
        );
        assert_eq!(
            receipt(vec![], vec![process(9, None, None)], 1, 0),
            "      · left running on purpose (`release`):\n        pid 9  node server.js\n      \
             ✔ 0 processes left (1 service stopped)"
        );
    }
}
