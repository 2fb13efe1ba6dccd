//! Random projects, and what a person might make of one with an editor.

use std::sync::Arc;
use std::time::Duration;

use crate::core::kit;
use crate::model::{Project, Service, ServiceType, StopOrder};

use super::dice::Dice;

/// The most services: walks of 300 steps should visit all corners of each.
const MOST: u64 = 6;

/// A project without cycles: edges go from higher to lower numbers, or the other way round in every fourth project.
pub(super) fn random(dice: &mut Dice) -> Arc<Project> {
    let count = dice.below(MOST) + 1;
    let upwards = dice.one_in(4);
    let services = (0..count).map(|number| service(dice, number, count, upwards)).collect::<Vec<_>>();
    let mut project = kit::project(services);
    if dice.one_in(10) {
        project.stop.order = StopOrder::Parallel;
    }
    if dice.one_in(2) {
        project.profiles.insert("on".to_owned());
    }
    Arc::new(project)
}

/// As `project`, with some services changed, gone, or new.
pub(super) fn edited(dice: &mut Dice, project: &Arc<Project>) -> Arc<Project> {
    if dice.one_in(3) {
        return Arc::clone(project);
    }
    if dice.one_in(4) {
        return random(dice);
    }
    let mut services: Vec<Service> = project.services.values().map(|service| (**service).clone()).collect();
    for service in &mut services {
        match dice.below(6) {
            0 => service.spawn_hash += 1,
            1 => service.disabled = !service.disabled,
            2 => service.autostart = !service.autostart,
            3 => drop(service.depends_on.pop()),
            _ => {}
        }
    }
    if services.len() > 1 && dice.one_in(3) {
        let at = usize::try_from(dice.below(u64::try_from(services.len()).unwrap())).unwrap();
        let gone = services.remove(at).name;
        for service in &mut services {
            service.depends_on.retain(|edge| edge.on != gone);
        }
    }
    let mut edited = kit::project(services);
    edited.stop = project.stop;
    edited.profiles.clone_from(&project.profiles);
    Arc::new(edited)
}

fn service(dice: &mut Dice, number: u64, count: u64, upwards: bool) -> Service {
    let mut text = format!("s{number}");
    let mut coin = Dice::new(dice.below(u64::MAX));
    let needs: Vec<String> = (0..count)
        .filter(|other| if upwards { *other > number } else { *other < number })
        .filter(|_| coin.one_in(2))
        .map(|other| edge(dice, other))
        .collect();
    if !needs.is_empty() {
        text = text + " needs=" + &needs.join(",");
    }
    for (odds, word) in [
        (4, " oneshot"),
        (3, " port=80"),
        (8, " stopcmd"),
        (8, " scope=leader"),
        (10, " disabled"),
        (10, " auto=no"),
        (10, " profile=on"),
        (8, " start_timeout=4000"),
        (3, " ready_timeout=3000"),
    ] {
        if dice.one_in(odds) {
            text += word;
        }
    }
    let hooks: Vec<&str> = ["pre_start", "post_start", "pre_stop", "post_stop", "pre_start~", "post_start~"]
        .into_iter()
        .filter(|_| dice.one_in(9))
        .collect();
    if !hooks.is_empty() {
        text = text + " hooks=" + &hooks.join("/");
    }
    text += dice.pick(&["", "", " ready=tcp", " ready=exec success=2", " ready=log"]);
    text += dice.pick(&["", "", "", " live=exec", " live=notify"]);
    text += dice.pick(&["", " restart=no", " restart=always", " restart=unless-stopped"]);
    text += dice.pick(&["", " max=1", " max=0"]);
    text += dice.pick(&["", " grace=50", " grace=0"]);
    let mut service = kit::service(&text);
    if service.kind == ServiceType::Oneshot && dice.one_in(2) {
        service.restart.mode = crate::model::RestartMode::No;
    }
    if dice.one_in(4) {
        service.restart.backoff.initial = Duration::ZERO;
    }
    service
}

fn edge(dice: &mut Dice, on: u64) -> String {
    let condition = dice.pick(&["", "", ":started", ":completed", ":succeeded"]);
    let optional = dice.pick(&["", "", "", "?"]);
    let restart = dice.pick(&["", "", "!"]);
    format!("s{on}{condition}{optional}{restart}")
}
