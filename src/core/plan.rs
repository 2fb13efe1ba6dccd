//! What a request would do: new wishes and the steps that follow, with a reason each. Changes nothing;
//! `carry_out` does the changing, and does exactly these steps.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::graph;
use crate::model::{Project, RestartMode, Service, ServiceName, ServiceType};

use super::fleet::{Down, Fleet};
use super::reconcile::{is_for_good, reaches};
use super::restart::is_success;
use super::slot::{Hold, Member, Reach, Root, Slot};
use super::{Apply, Denied, Phase, Recreate, Request, Step, StepVerb, StepWhy, StopReason, Wanted, WithDeps};

/// What a request comes to.
pub(super) struct Draft {
    pub(super) project: Arc<Project>,
    /// For every service of the project.
    pub(super) wishes: BTreeMap<ServiceName, Wish>,
    pub(super) steps: Vec<Step>,
}

/// What a person wants of one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) root: Root,
    pub(super) hold: Hold,
}

/// Which services a request is about, and how.
struct Selection {
    /// Those that were named, or that start by themselves.
    chosen: BTreeSet<ServiceName>,
    /// The chosen ones and what is wanted with them.
    closure: BTreeSet<ServiceName>,
    /// Whether they were named.
    by: By,
    deps: WithDeps,
    verb: Verb,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Name,
    Default,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Want,
    /// Running ones are replaced, for this reason.
    Replace(Replace),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Replace {
    Asked,
    Forced,
}

/// How an instance stands towards «should run».
enum Standing {
    /// Not running; would have to be started.
    Idle,
    /// A oneshot that has done its work.
    Done,
    Running,
    /// On its way out, by itself or for good.
    Leaving,
    /// On its way out and back again.
    Returning,
}

impl Fleet {
    /// What `request` would do. `Shutdown` has no draft: it wants nothing.
    pub(super) fn draft(&self, request: &Request) -> Result<Draft, Denied> {
        if self.down != Down::No {
            return Err(Denied::ShuttingDown);
        }
        match request {
            Request::Apply(apply) => self.draft_apply(apply),
            Request::Start { services, deps } => self.draft_some(services, *deps, Verb::Want),
            Request::Restart { services, .. } => {
                self.draft_some(services, WithDeps::With, Verb::Replace(Replace::Asked))
            }
            Request::Stop { services, .. } => self.draft_stop(services),
            Request::Shutdown(_) => Err(Denied::ShuttingDown),
        }
    }

    fn draft_apply(&self, apply: &Apply) -> Result<Draft, Denied> {
        let project = &apply.project;
        let (chosen, by) = match &apply.wanted {
            Wanted::Only(names) => (may_start(project, names)?, By::Name),
            Wanted::Default => {
                let all = project.services.values().filter(|service| project.starts_by_itself(service));
                (all.map(|service| service.name.clone()).collect(), By::Default)
            }
        };
        let verb = match apply.recreate {
            Recreate::Changed => Verb::Want,
            Recreate::All => Verb::Replace(Replace::Forced),
        };
        let selection = select(project, chosen, by, apply.deps, verb);
        let wishes = self.wishes(project, &selection);
        let mut steps = self.steps(project, &wishes, &selection, |_| true);
        let removed = self.wiring.order.iter().map(|&index| &self.wiring.slots[index]);
        let removed = removed.filter(|slot| !project.services.contains_key(&slot.instance.service));
        steps.extend(removed.filter(|slot| slot.is_live()).map(|slot| Step {
            service: slot.instance.service.clone(),
            verb: StepVerb::Stop,
            why: StepWhy::Removed,
        }));
        Ok(Draft { project: Arc::clone(project), wishes, steps })
    }

    fn draft_some(&self, names: &BTreeSet<ServiceName>, deps: WithDeps, verb: Verb) -> Result<Draft, Denied> {
        let project = &self.project;
        let selection = select(project, may_start(project, names)?, By::Name, deps, verb);
        let wishes = self.wishes(project, &selection);
        let steps = self.steps(project, &wishes, &selection, |name| selection.closure.contains(name));
        Ok(Draft { project: Arc::clone(project), wishes, steps })
    }

    fn draft_stop(&self, names: &BTreeSet<ServiceName>) -> Result<Draft, Denied> {
        let project = &self.project;
        known(project, names)?;
        let mut wishes = self.present_wishes(project);
        let mut steps = Vec::new();
        for service in graph::start_order(project).into_iter().filter(|name| names.contains(name)) {
            wishes.entry(service.clone()).and_modify(|wish| wish.hold = Hold::Person);
            let runs = self.slot_of(&service).is_some_and(|slot| match slot.phase {
                Phase::Pending { .. }
                | Phase::Starting { .. }
                | Phase::Ready { .. }
                | Phase::Stopping { .. }
                | Phase::Backoff { .. }
                | Phase::Skipped { .. } => true,
                Phase::Failed { .. } => slot.is_undead(),
                Phase::Stopped { .. } | Phase::Completed { .. } | Phase::Disabled => false,
            });
            let (verb, why) =
                if runs { (StepVerb::Stop, StepWhy::Asked) } else { (StepVerb::Keep, StepWhy::NotWanted) };
            steps.push(Step { service, verb, why });
        }
        Ok(Draft { project: Arc::clone(project), wishes, steps })
    }

    fn present_wishes(&self, project: &Project) -> BTreeMap<ServiceName, Wish> {
        let wish = |name: &ServiceName| match self.slot_of(name) {
            Some(Slot { member: Member::Present | Member::Disabled, root, hold, .. }) => {
                Wish { root: *root, hold: *hold }
            }
            Some(_) | None => Wish { root: Root::Nobody, hold: Hold::Free },
        };
        project.services.keys().map(|name| (name.clone(), wish(name))).collect()
    }

    fn wishes(&self, project: &Project, selection: &Selection) -> BTreeMap<ServiceName, Wish> {
        let mut wishes = self.present_wishes(project);
        for (name, wish) in &mut wishes {
            let before = wish.root;
            if selection.by == By::Default && matches!(before, Root::Default(_)) {
                wish.root = Root::Nobody;
            }
            if selection.chosen.contains(name) {
                let reach = match (selection.deps, reaches(before)) {
                    (WithDeps::With, _) => Reach::Deps,
                    (WithDeps::Without, true) => Reach::Ungated,
                    (WithDeps::Without, false) => Reach::Alone,
                };
                wish.root = match (selection.by, before) {
                    (By::Name, _) | (By::Default, Root::Named(_)) => Root::Named(reach),
                    (By::Default, Root::Nobody | Root::Default(_)) => Root::Default(reach),
                };
            }
            let lasts =
                selection.by == By::Default && project.services[name].restart.mode == RestartMode::UnlessStopped;
            if selection.closure.contains(name) && !lasts {
                wish.hold = Hold::Free;
            }
        }
        wishes
    }

    fn steps(
        &self,
        project: &Project,
        wishes: &BTreeMap<ServiceName, Wish>,
        selection: &Selection,
        is_listed: impl Fn(&ServiceName) -> bool,
    ) -> Vec<Step> {
        let order = graph::start_order(project);
        let wanted = wanted(project, wishes, &order);
        let step = |name: &ServiceName| {
            let service = &project.services[name];
            let (verb, why) = self.step(service, wanted.get(name), selection);
            Step { service: name.clone(), verb, why }
        };
        order.iter().filter(|name| is_listed(name)).map(step).collect()
    }

    fn step(&self, service: &Service, wanted: Option<&StepWhy>, selection: &Selection) -> (StepVerb, StepWhy) {
        let slot = self.slot_of(&service.name);
        let Some(asked) = wanted else {
            let why = if service.disabled { StepWhy::Disabled } else { StepWhy::NotWanted };
            let stops = slot.is_some_and(|slot| slot.is_live() && !is_for_good(slot));
            return (if stops { StepVerb::Stop } else { StepVerb::Keep }, why);
        };
        let chosen = selection.chosen.contains(&service.name);
        let changed = slot.and_then(|slot| slot.last_hash).is_some_and(|hash| hash != service.spawn_hash);
        let replace = match selection.verb {
            Verb::Replace(why) if chosen => Some(match why {
                Replace::Asked => StepWhy::Asked,
                Replace::Forced => StepWhy::Forced,
            }),
            Verb::Replace(_) | Verb::Want => None,
        };
        // An `up` by name does not give others another try.
        let elsewhere = selection.by == By::Name && !selection.closure.contains(&service.name);
        let untouched = elsewhere && slot.is_some_and(has_run_its_course);
        match (standing(slot), changed, replace) {
            (Standing::Idle | Standing::Leaving | Standing::Done, true, _) => (StepVerb::Start, StepWhy::Changed),
            (Standing::Idle | Standing::Leaving, false, Some(StepWhy::Forced)) => {
                (StepVerb::Start, StepWhy::Forced)
            }
            (Standing::Idle | Standing::Leaving, false, _) if untouched => (StepVerb::Keep, StepWhy::Unchanged),
            (Standing::Idle | Standing::Leaving, false, _) => (StepVerb::Start, asked.clone()),
            (Standing::Done, false, Some(why)) => (StepVerb::Start, why),
            (Standing::Done, false, None) if chosen && selection.by == By::Name => {
                (StepVerb::Start, StepWhy::Asked)
            }
            (Standing::Done, false, None) => (StepVerb::Keep, StepWhy::AlreadyCompleted),
            (Standing::Running | Standing::Returning, true, _) => (StepVerb::Restart, StepWhy::Changed),
            (Standing::Running | Standing::Returning, false, Some(why)) => (StepVerb::Restart, why),
            (Standing::Running | Standing::Returning, false, None) => (StepVerb::Keep, StepWhy::Unchanged),
        }
    }

    pub(super) fn slot_of(&self, name: &ServiceName) -> Option<&Slot> {
        self.wiring.find(name).map(|index| &self.wiring.slots[index])
    }
}

fn standing(slot: Option<&Slot>) -> Standing {
    let Some(slot) = slot else { return Standing::Idle };
    match (&slot.phase, slot.leaving_because()) {
        (Phase::Completed { .. }, _) if slot.service.kind == ServiceType::Oneshot => Standing::Done,
        // It has done its work too: only what it leaves behind is being cleaned up.
        (Phase::Stopping { reason: StopReason::Ended, exit: Some(exit), .. }, _)
            if slot.service.kind == ServiceType::Oneshot && is_success(&slot.service.restart, *exit) =>
        {
            Standing::Done
        }
        (_, Some(StopReason::Restart | StopReason::Changed | StopReason::DependencyReplaced(_))) => {
            Standing::Returning
        }
        (_, Some(_)) => Standing::Leaving,
        (Phase::Starting { .. } | Phase::Ready { .. } | Phase::Stopping { .. }, None) => Standing::Running,
        (
            Phase::Stopped { .. }
            | Phase::Pending { .. }
            | Phase::Backoff { .. }
            | Phase::Completed { .. }
            | Phase::Failed { .. }
            | Phase::Skipped { .. }
            | Phase::Disabled,
            None,
        ) => Standing::Idle,
    }
}

/// Whether what it does next is decided by how its last life ended, not by what is wanted.
const fn has_run_its_course(slot: &Slot) -> bool {
    match slot.phase {
        Phase::Backoff { .. } | Phase::Completed { .. } | Phase::Failed { .. } => true,
        Phase::Stopping { .. } => !is_for_good(slot),
        Phase::Stopped { .. }
        | Phase::Pending { .. }
        | Phase::Starting { .. }
        | Phase::Ready { .. }
        | Phase::Skipped { .. }
        | Phase::Disabled => false,
    }
}

fn select(project: &Project, chosen: BTreeSet<ServiceName>, by: By, deps: WithDeps, verb: Verb) -> Selection {
    let closure = match deps {
        WithDeps::With => graph::closure(project, &chosen),
        WithDeps::Without => chosen.clone(),
    };
    Selection { chosen, closure, by, deps, verb }
}

/// Who is wanted, and why; the same rules as a turn's, over names, for a project that may never be applied.
fn wanted(
    project: &Project,
    wishes: &BTreeMap<ServiceName, Wish>,
    order: &[ServiceName],
) -> BTreeMap<ServiceName, StepWhy> {
    let mut needed: BTreeMap<&ServiceName, &ServiceName> = BTreeMap::new();
    let mut wanted = BTreeMap::new();
    for name in order.iter().rev() {
        let (service, wish) = (&project.services[name], wishes[name]);
        if service.disabled {
            continue;
        }
        let needer = needed.get(name).copied();
        let why = match (wish.root, needer) {
            (Root::Default(_) | Root::Named(_), _) => Some(StepWhy::Asked),
            (Root::Nobody, Some(by)) => Some(StepWhy::NeededBy(by.clone())),
            (Root::Nobody, None) => None,
        };
        if let (Some(why), Hold::Free) = (why, wish.hold) {
            wanted.insert(name.clone(), why);
        }
        if needer.is_some() || reaches(wish.root) {
            for dependency in &service.depends_on {
                needed.entry(&dependency.on).or_insert(name);
            }
        }
    }
    wanted
}

fn known(project: &Project, names: &BTreeSet<ServiceName>) -> Result<(), Denied> {
    match names.iter().find(|name| !project.services.contains_key(*name)) {
        Some(unknown) => Err(Denied::UnknownService(unknown.clone())),
        None => Ok(()),
    }
}

fn may_start(project: &Project, names: &BTreeSet<ServiceName>) -> Result<BTreeSet<ServiceName>, Denied> {
    known(project, names)?;
    match names.iter().find(|name| project.services[*name].disabled) {
        Some(disabled) => Err(Denied::Disabled(disabled.clone())),
        None => Ok(names.clone()),
    }
}
