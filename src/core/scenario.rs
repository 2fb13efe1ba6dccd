//! Scenario transcripts: a script in, actions and events out, compared as text (`scenarios/*.txt`).
//!
//! Lines that start with `>` are inputs, the indented ones under them what follows: `do` an action, `is` an event.
//! With `TSPM_BLESS=1` the transcripts are written anew; read the difference before committing it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{InstanceId, Moment, RunId, Service, ServiceName, Signal, StopOrder};

use super::kit::{self, hook_kind, ms, name, names};
use super::{
    Apply, Exit, Fact, Fleet, HookOutcome, Leftover, PortHolder, ProbeOutcome, ProbeWhich, Recreate, Request,
    ShutdownMode, SpawnFailure, Wanted, WithDeps,
};

/// A fleet, its clock, and the file as the script has edited it.
struct Stage {
    services: BTreeMap<ServiceName, Service>,
    profiles: Vec<String>,
    order: StopOrder,
    fleet: Option<Fleet>,
    now: Moment,
    said: Vec<String>,
}

/// Replays `script` and returns it with what really followed.
fn replay(script: &str) -> String {
    let mut stage = Stage {
        services: BTreeMap::new(),
        profiles: Vec::new(),
        order: StopOrder::Reverse,
        fleet: None,
        now: Moment::default(),
        said: Vec::new(),
    };
    let mut text = String::new();
    for line in script.lines().filter(|line| !line.starts_with("  ")) {
        text.push_str(line);
        text.push('\n');
        if let Some(input) = line.strip_prefix("> ") {
            stage.input(input);
            for said in stage.said.drain(..) {
                text.push_str("  ");
                text.push_str(&said);
                text.push('\n');
            }
        } else if !line.is_empty() && !line.starts_with('#') {
            stage.edit(line);
        }
    }
    text
}

impl Stage {
    /// `service …`, `drop NAME`, `order parallel`, `profiles x`: edits the file.
    fn edit(&mut self, line: &str) {
        let (verb, rest) = line.split_once(' ').unwrap();
        match verb {
            "service" => {
                let service = kit::service(rest);
                self.services.insert(service.name.clone(), service);
            }
            "drop" => drop(self.services.remove(rest)),
            "order" => self.order = StopOrder::Parallel,
            "profiles" => self.profiles = rest.split_whitespace().map(str::to_owned).collect(),
            _ => panic!("no such edit: {line}"),
        }
    }

    fn project(&self) -> crate::model::Project {
        let mut project = kit::project(self.services.values().cloned());
        project.stop.order = self.order;
        project.profiles = self.profiles.iter().cloned().collect();
        project
    }

    fn input(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        if self.fleet.is_none() {
            self.fleet = Some(Fleet::new(Arc::new(self.project()), 1));
        }
        match words[0] {
            "wait" => self.wait(words.get(1).map(|text| ms(text))),
            "show" => self.show(),
            "why" => self.why(words[1]),
            "plan" => {
                let request = self.request(&words[1..]);
                self.say_plan(|fleet| fleet.plan(&request));
            }
            word if is_run(word) => {
                let run = RunId(word[1..].parse().unwrap());
                for fact in facts(run, &words[1..]) {
                    let now = self.now;
                    self.fleet().fact(now, fact);
                }
            }
            _ => {
                let request = self.request(&words);
                let now = self.now;
                self.say_plan(|fleet| fleet.request(now, request));
            }
        }
        self.collect();
    }

    const fn fleet(&mut self) -> &mut Fleet {
        self.fleet.as_mut().expect("made by the first input")
    }

    fn say_plan(&mut self, ask: impl FnOnce(&mut Fleet) -> Result<super::Accepted, super::Denied>) {
        match ask(self.fleet()) {
            Ok(accepted) => {
                let lines = accepted
                    .steps
                    .iter()
                    .map(|step| format!("plan {} {:?} {:?}", step.service, step.verb, step.why));
                self.said.extend(lines);
            }
            Err(denied) => self.said.push(format!("denied: {denied}")),
        }
    }

    fn request(&self, words: &[&str]) -> Request {
        let flag = |flag: &str| words.contains(&flag);
        let timeout = words.iter().find_map(|word| word.strip_prefix("timeout=")).map(ms);
        let bare = words[1..].iter().filter(|word| !word.starts_with("--") && !word.contains('=')).copied();
        let services = names(bare);
        let deps = if flag("--no-deps") { WithDeps::Without } else { WithDeps::With };
        match words[0] {
            "up" => Request::Apply(Apply {
                project: Arc::new(self.project()),
                wanted: if services.is_empty() { Wanted::Default } else { Wanted::Only(services) },
                deps,
                recreate: if flag("--recreate") { Recreate::All } else { Recreate::Changed },
            }),
            "start" => Request::Start { services, deps },
            "stop" => Request::Stop { services, timeout },
            "restart" => Request::Restart { services, timeout },
            "down" if flag("--force") => Request::Shutdown(ShutdownMode::Force),
            "down" => Request::Shutdown(ShutdownMode::Graceful { timeout }),
            other => panic!("no such input: {other}"),
        }
    }

    /// To the next timeout, or for so long with every timeout on the way.
    fn wait(&mut self, time: Option<Duration>) {
        let until = match time {
            Some(time) => self.now + time,
            None => self.fleet().poll_timeout().expect("something is due"),
        };
        let from = self.now;
        while let Some(next) = self.fleet().poll_timeout().filter(|next| *next <= until) {
            self.now = next;
            self.fleet().handle_timeout(next);
            assert!(self.fleet().poll_timeout().is_none_or(|later| later > next));
            self.collect();
        }
        self.now = until;
        if time.is_none() {
            self.said.insert(0, format!("after {:?}", until.since(from)));
        }
    }

    fn collect(&mut self) {
        while let Some(action) = self.fleet().poll_action() {
            self.said.push(format!("do {}", kit::action(&action)));
        }
        while let Some(event) = self.fleet().poll_event() {
            self.said.push(format!("is {}", kit::event(&event)));
        }
    }

    fn show(&mut self) {
        let now = self.now;
        for view in self.fleet().snapshot(now).instances {
            let wanted = if view.wanted { "" } else { ", not wanted" };
            let waiting: Vec<String> =
                view.waiting_for.iter().map(|on| format!(" {} {:?} ({})", on.on, on.condition, on.now)).collect();
            let waiting =
                if waiting.is_empty() { String::new() } else { format!(", waits for{}", waiting.concat()) };
            let phase = kit::phase(&view.phase, now);
            self.said.push(format!(
                "#{} {}: {phase}, {} restarts{wanted}{waiting}",
                view.number, view.instance, view.restarts
            ));
        }
    }

    fn why(&mut self, service: &str) {
        let now = self.now;
        let explain = self.fleet().explain(now, &InstanceId::first(name(service))).unwrap();
        self.said.push(format!("needed by {:?}, stops after {:?}", explain.needed_by, explain.stops_after));
        self.said.extend(explain.restarts.iter().map(|record| format!("restarted: {:?}", record.reason)));
        self.said.extend(
            explain.probes.iter().map(|record| format!("probed: {:?} {:?}", record.which, record.outcome)),
        );
    }
}

fn is_run(word: &str) -> bool {
    word.strip_prefix('r').is_some_and(|rest| rest.parse::<u64>().is_ok())
}

/// What `words` say of `run`. `gone` is short for `emptied` and `drained`.
fn facts(run: RunId, words: &[&str]) -> Vec<Fact> {
    let rest = words[1..].join(" ");
    let holder = PortHolder { port: 80, pid: Some(7), command: Some("old".to_owned()), owner: None };
    let left = || Leftover { pid: 9, command: "zombie".to_owned(), why: "state D".to_owned() };
    vec![match words[0] {
        "spawned" => Fact::Spawned { run, pid: u32::try_from(run.0).unwrap() * 10 },
        "missing" => Fact::SpawnFailed { run, failure: SpawnFailure::NotFound("not found".to_owned()) },
        "taken" => Fact::SpawnFailed { run, failure: SpawnFailure::PortTaken(vec![holder]) },
        "exit" => Fact::Exited { run, exit: Exit::Code(rest.parse().unwrap()) },
        "signal" => Fact::Exited { run, exit: Exit::Signal(rest.parse::<Signal>().unwrap()) },
        "emptied" => Fact::Emptied { run, released: Vec::new() },
        "released" => Fact::Emptied { run, released: vec![left()] },
        "survived" => Fact::Survived { run, left: vec![left()] },
        "drained" => Fact::Drained { run },
        "free" => Fact::PortsSettled { run, held: Vec::new() },
        "held" => Fact::PortsSettled { run, held: vec![holder] },
        "good" => Fact::Probed { run, which: which(words[1]), outcome: ProbeOutcome::Good { note: None } },
        "bad" => {
            let output = words[2..].join(" ");
            Fact::Probed { run, which: which(words[1]), outcome: ProbeOutcome::Bad { output } }
        }
        "foreign" => Fact::Probed { run, which: which(words[1]), outcome: ProbeOutcome::Foreign { holder } },
        "hook" => {
            let (kind, index) = (hook_kind(words[1]), words[2].parse().unwrap());
            Fact::HookDone { run, kind, index, outcome: hook_outcome(words[3]) }
        }
        "stopcmd" => Fact::StopCommandDone { run, outcome: hook_outcome(words[1]) },
        "gone" => return vec![Fact::Emptied { run, released: Vec::new() }, Fact::Drained { run }],
        other => panic!("no such fact: {other}"),
    }]
}

fn which(text: &str) -> ProbeWhich {
    match text {
        "readiness" => ProbeWhich::Readiness,
        "liveness" => ProbeWhich::Liveness,
        _ => panic!("no such probe: {text}"),
    }
}

fn hook_outcome(text: &str) -> HookOutcome {
    match text {
        "done" => HookOutcome::Done,
        "skipped" => HookOutcome::Skipped,
        "failed" => HookOutcome::Failed { how: "exit 3".to_owned(), output: "oh no\n".to_owned() },
        "late" => HookOutcome::TimedOut(Duration::from_secs(30)),
        _ => panic!("no such outcome: {text}"),
    }
}

#[test]
fn transcripts_are_what_happens() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/core/scenarios");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let script = std::fs::read_to_string(&path).unwrap();
        let happened = replay(&script);
        if std::env::var_os("TSPM_BLESS").is_some() {
            std::fs::write(&path, &happened).unwrap();
        } else {
            assert_eq!(script, happened, "\n{}: this is what happened:\n{happened}", path.display());
        }
        count += 1;
    }
    assert!(count >= 15, "only {count} scenarios were found");
}
