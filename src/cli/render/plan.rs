//! What a request does or would do, step by step, and why.

use super::table::{Lean, Table};
use crate::api::wire::Step;
use crate::cli::term::Paint;

/// The plan of `up --dry-run`: what changes first, what stays at the end.
pub(crate) fn table(steps: &[Step], paint: Paint) -> String {
    if steps.is_empty() {
        return "nothing to do\n".to_owned();
    }
    let mut table = Table::new(&[("ACTION", Lean::Left), ("SERVICE", Lean::Left), ("WHY", Lean::Left)]);
    let (keep, change): (Vec<&Step>, Vec<&Step>) = steps.iter().partition(|step| step.verb == "keep");
    for step in change.into_iter().chain(keep) {
        let verb = match step.verb.as_str() {
            "start" => paint.good(&step.verb),
            "stop" => paint.bad(&step.verb),
            "restart" => paint.warn(&step.verb),
            _ => paint.dim(&step.verb),
        };
        table.row(vec![verb, paint.service(&step.service, &step.service), step.why.clone()]);
    }
    table.render(paint, None)
}

/// What `start`, `stop`, `restart` and a later `up` did, in one line: `started db, api; stopped web`.
pub(crate) fn summary(steps: &[Step], paint: Paint) -> String {
    let of = |verb: &str, past: &str| {
        let names: Vec<String> = steps
            .iter()
            .filter(|step| step.verb == verb)
            .map(|step| paint.service(&step.service, &step.service))
            .collect();
        (!names.is_empty()).then(|| format!("{past} {}", names.join(", ")))
    };
    let parts: Vec<String> = [of("stop", "stopping"), of("restart", "restarting"), of("start", "starting")]
        .into_iter()
        .flatten()
        .collect();
    if parts.is_empty() { "nothing to change".to_owned() } else { parts.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps() -> Vec<Step> {
        let step = |service: &str, verb: &str, why: &str| Step {
            service: service.into(),
            verb: verb.into(),
            why: why.into(),
        };
        vec![
            step("db", "keep", "unchanged"),
            step("api", "restart", "its definition changed"),
            step("web", "start", "asked for"),
        ]
    }

    #[test]
    fn changes_come_before_what_stays() {
        assert_eq!(
            table(&steps(), Paint::PLAIN),
            "\
ACTION   SERVICE  WHY
restart  api      its definition changed
start    web      asked for
keep     db       unchanged
"
        );
        assert_eq!(table(&[], Paint::PLAIN), "nothing to do\n");
    }

    #[test]
    fn a_summary_names_what_is_done() {
        assert_eq!(summary(&steps(), Paint::PLAIN), "restarting api; starting web");
        assert_eq!(summary(&steps()[..1], Paint::PLAIN), "nothing to change");
    }
}
