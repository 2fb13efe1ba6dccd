//! What the board knows, and what follows from it.

use super::*;
use crate::api::wire::{ExitView, SCHEMA_VERSION, WaitingView};
use crate::cli::render::testing::{NOW, state, view};

fn event(generation: u64, name: &str, now: &str) -> Update {
    Update::Event(Box::new(EventView {
        schema_version: SCHEMA_VERSION,
        at_ms: NOW,
        generation,
        service: Some(name.to_owned()),
        event: "phase".to_owned(),
        message: now.to_owned(),
        view: Some(Box::new(view(name, now))),
    }))
}

fn states(board: &Board) -> Vec<&str> {
    board.services().iter().map(|view| view.state.as_str()).collect()
}

fn waiting(name: &str) -> ServiceView {
    let mut view = view(name, "pending");
    view.waiting_for.push(WaitingView {
        service: "db".into(),
        condition: "ready".into(),
        state: "starting".into(),
    });
    view
}

#[test]
fn events_change_what_is_known_and_old_news_do_not() {
    let mut board = Board::default();
    board.apply(Update::State(Box::new(state(vec![view("api", "pending"), view("db", "starting")]))));
    assert!(board.apply(event(5, "db", "ready")).is_some());
    assert_eq!(states(&board), ["pending", "ready"]);
    assert!(board.apply(event(3, "db", "starting")).is_some(), "told, but not believed");
    assert_eq!(states(&board), ["pending", "ready"]);
    board.apply(event(6, "web", "pending"));
    assert_eq!(board.services().len(), 3);
    assert_eq!(board.generation(), 6);
    assert!(!board.is_shutting_down());
    board.apply(Update::Bye);
    assert!(board.is_shutting_down());
}

#[test]
fn a_start_is_open_until_everything_is_decided() {
    let of = |views: Vec<ServiceView>| verdict(&views.iter().collect::<Vec<_>>(), NOW);
    assert_eq!(of(vec![]), Verdict::Good);
    assert_eq!(of(vec![view("a", "ready"), view("b", "completed")]), Verdict::Good);
    assert_eq!(of(vec![view("a", "ready"), view("b", "starting")]), Verdict::Open);
    assert_eq!(of(vec![view("a", "failed"), view("b", "starting")]), Verdict::Open, "b may fail too");
    assert_eq!(of(vec![view("a", "failed"), view("b", "skipped")]), Verdict::Bad(vec!["a".into(), "b".into()]));
    let mut late = view("db", "starting");
    late.late = true;
    assert_eq!(of(vec![late, waiting("b")]), Verdict::Bad(vec!["db".into(), "b".into()]));
    let all = vec![view("a", "failed"), view("db", "ready"), waiting("b")];
    assert_eq!(of(all), Verdict::Open, "the news of b are on their way");
}

#[test]
fn a_crash_loop_without_end_is_decided_too() {
    let mut looping = view("a", "backoff");
    looping.restarts = 1;
    looping.exit = Some(ExitView { code: Some(1), signal: None });
    let of = |view: &ServiceView| verdict(&[view], NOW);
    assert_eq!(of(&looping), Verdict::Open);
    looping.restarts = HOPELESS;
    assert_eq!(of(&looping), Verdict::Bad(vec!["a".into()]));
    looping.state = "ready".into();
    assert_eq!(of(&looping), Verdict::Open, "ready between two deaths is not ready");
}

#[test]
fn logs_are_held_back_only_while_something_moves() {
    let of = |views: Vec<ServiceView>| is_moving(&views.iter().collect::<Vec<_>>(), NOW);
    assert!(of(vec![view("a", "pending")]));
    assert!(of(vec![view("db", "starting"), waiting("b")]));
    assert!(of(vec![view("db", "ready"), waiting("b")]), "what b says of db is old");
    assert!(!of(vec![view("a", "ready"), view("b", "failed")]));
    let mut late = view("db", "starting");
    late.late = true;
    let mut after = waiting("c");
    after.waiting_for[0].service = "b".into();
    assert!(!of(vec![after, late, waiting("b")]));
    let mut looping = view("db", "backoff");
    looping.restarts = TROUBLED;
    assert!(!of(vec![looping, waiting("b")]));
}

#[test]
fn it_is_over_when_nothing_can_run_again() {
    let of = |views: Vec<ServiceView>| is_over(&views.iter().collect::<Vec<_>>());
    assert!(of(vec![view("a", "completed"), view("b", "failed"), view("c", "skipped")]));
    for state in ["ready", "starting", "pending", "backoff", "stopping"] {
        assert!(!of(vec![view("a", "completed"), view("b", state)]), "{state}");
    }
}
