//! The disk of a node: what waits for it, and what a crash does to a write that is not finished.

use std::time::Duration;

use crate::api::{EncryptionStatus, Request};
use crate::control::message::{Commit, Effect, Input};
use crate::goal::Goal;
use crate::rng::{self, Purpose};
use crate::types::NodeId;

use super::crash_point::{NodeActivity, Stage};
use super::fault::Unfinished;
use super::fault_log::Lasting;
use super::node::NodeState;
use super::trace::{TraceEvent, Words};
use super::{Change, Event, World};

/// A crash, as it falls.
#[derive(Debug)]
pub(super) struct Fall {
    /// What the node is then.
    pub(super) state: NodeState,
    /// What becomes of a write that is not finished; drawn if not said.
    pub(super) unfinished: Option<Unfinished>,
    /// Whether its newest write was not even begun.
    pub(super) has_unbegun: bool,
    /// Why, in words for the trace.
    pub(super) why: Option<String>,
}

impl Fall {
    /// For no reason of its own.
    pub(super) fn to(state: NodeState, unfinished: Option<Unfinished>) -> Fall {
        Fall { state, unfinished, has_unbegun: false, why: None }
    }
}

impl World {
    /// Does what a node wants done, or lets it wait behind the writes that are not durable yet.
    pub(super) fn carry_out(&mut self, place: usize, effect: Effect) {
        let node = &mut self.nodes[place];
        if node.state != NodeState::Up {
            // It crashed while its effects were carried out, before this one.
            return self.forget(place, effect);
        }
        let is_write = matches!(effect, Effect::Persist(_));
        if node.outbox.is_empty() && !is_write {
            return self.perform(place, effect);
        }
        let fall = self.spring_at_write(place, &effect, &[Stage::Undo, Stage::During]);
        let node = &mut self.nodes[place];
        node.outbox.push_back(effect);
        if let Some(fall) = fall {
            self.crash(place, fall);
            return;
        }
        if is_write && node.syncing == 0 {
            self.begin_sync(place);
        }
    }

    /// The disk has finished the writes that it was busy with.
    pub(super) fn synced(&mut self, place: usize, life: u32) {
        if self.nodes[place].life != life {
            return;
        }
        let mut durable = std::mem::take(&mut self.nodes[place].syncing);
        while let Some(effect) = self.nodes[place].outbox.pop_front() {
            let is_write = matches!(effect, Effect::Persist(_));
            if is_write && durable == 0 {
                self.nodes[place].outbox.push_front(effect);
                break;
            }
            durable -= usize::from(is_write);
            let fall = self.spring_at_write(place, &effect, &[Stage::After]);
            self.perform(place, effect);
            if let Some(fall) = fall {
                self.crash(place, fall);
                return;
            }
        }
        // The line begins again where its memory begins: what was touched last is the fastest.
        let outbox = &mut self.nodes[place].outbox;
        if outbox.is_empty() {
            outbox.clear();
        } else {
            *outbox = Vec::from(std::mem::take(outbox)).into();
            self.begin_sync(place);
        }
    }

    /// A write is durable.
    pub(super) fn wrote(&mut self, place: usize, commit: Box<Commit>) {
        let node = &mut self.nodes[place];
        let replaced = node.disk.write(&commit.batch, self.options.assumptions.token_window);
        let node = node.id;
        if let Some((_, _, record)) = &commit.batch.cluster {
            self.last_news = self.now;
            if record.as_ref().is_some_and(|record| record.encryption == EncryptionStatus::KmsKeyInaccessible)
                && let NodeId::ControlPlane(region) = node
            {
                self.deeds.met(Lasting::Keys(region));
            }
        }
        self.note(&TraceEvent::Wrote(node, &commit));
        self.changes.push(Change::Wrote { node, commit, replaced });
    }

    /// Stops a node; `false` if it was stopped so already. Of the writes that were not finished, the first few may have
    /// reached the disk.
    pub(super) fn crash(&mut self, place: usize, fall: Fall) -> bool {
        let node = &mut self.nodes[place];
        let id = node.id;
        if node.state != NodeState::Up {
            return std::mem::replace(&mut node.state, fall.state) != fall.state;
        }
        let writes = (node.unsynced() - usize::from(fall.has_unbegun)) as u64;
        let kept = match fall.unfinished {
            Some(Unfinished::Kept) => writes,
            Some(Unfinished::Lost) => 0,
            None => {
                let key = rng::mix(id.digest(), u64::from(node.life));
                rng::below(self.options.seed, Purpose::Unfinished, key, writes + 1)
            }
        };
        // What is ahead of the first unfinished write waited for one that is durable.
        let mut freed = node.outbox.iter().take_while(|effect| !matches!(effect, Effect::Persist(_)));
        if freed.any(|effect| matches!(effect, Effect::Reply { .. })) {
            self.reached.insert(Goal::CrashBeforeReply);
        }
        let (kept, lost) = node.stop(fall.state, kept as usize);
        self.note(&TraceEvent::Crashed(id, fall.why.as_deref()));
        for commit in kept {
            self.reached.insert(Goal::WriteKept);
            self.wrote(place, commit);
        }
        for commit in lost {
            self.reached.insert(Goal::WriteLost);
            self.note(&TraceEvent::Forgot(id, &commit));
            self.changes.push(Change::Forgot { node: id, commit });
        }
        let memory = Box::new(self.nodes[place].rebuild(&self.options));
        let disk = Box::new(self.nodes[place].disk.clone());
        self.changes.push(Change::Crashed { node: id, memory, disk });
        true
    }

    /// The crash that waits for a node to do what it does, if one does. What is done is asked for only if some crash
    /// waits.
    #[inline]
    pub(super) fn fire_trigger<'a>(
        &mut self,
        place: usize,
        doing: impl FnOnce(&World) -> NodeActivity<'a>,
    ) -> Option<Fall> {
        if self.nodes[place].traps.is_empty() {
            return None;
        }
        let doing = doing(self);
        let trap = self.nodes[place].fire_trigger(doing)?;
        self.deeds.did(trap.fault);
        let words = Words { names: &self.names, clients: &self.options.clients };
        let why = self.trace.is_written().then(|| words.reason(doing));
        let has_unbegun = matches!(doing, NodeActivity::Persists(Stage::Undo, ..));
        Some(Fall { state: NodeState::Down, unfinished: trap.unfinished, has_unbegun, why })
    }

    fn spring_at_write(&mut self, place: usize, effect: &Effect, stages: &[Stage]) -> Option<Fall> {
        let Effect::Persist(commit) = effect else { return None };
        let operation = |world: &World| {
            let request = commit.cause.and_then(|cause| world.request_of(cause));
            request.map(Request::operation)
        };
        stages.iter().find_map(|stage| {
            self.fire_trigger(place, |world| NodeActivity::Persists(*stage, commit, operation(world)))
        })
    }

    /// Starts a node again with what its storage holds; `false` if it was up.
    pub(super) fn restart(&mut self, place: usize) -> bool {
        let node = &mut self.nodes[place];
        if node.state == NodeState::Up {
            return false;
        }
        node.state = NodeState::Up;
        let id = node.id;
        self.note(&TraceEvent::Restarted(id));
        self.changes.push(Change::Restarted(id));
        self.start(place);
        true
    }

    /// Lets a node begin with what its disk holds, and meet what is so outside.
    pub(super) fn start(&mut self, place: usize) {
        let region = self.home(self.nodes[place].id);
        self.feed(place, Input::Start(self.outside(region)));
    }

    fn begin_sync(&mut self, place: usize) {
        let node = &mut self.nodes[place];
        node.syncing = node.unsynced();
        let life = node.life;
        let disk = self.options.disk;
        if disk == Duration::ZERO {
            self.synced(place, life);
        } else {
            self.schedule(self.now.after(disk), Event::Synced { node: place as u16, life });
        }
    }

    /// Says that a write is lost that a crash kept from even being begun.
    fn forget(&mut self, place: usize, effect: Effect) {
        let Effect::Persist(commit) = effect else { return };
        let id = self.nodes[place].id;
        self.note(&TraceEvent::Forgot(id, &commit));
        self.changes.push(Change::Forgot { node: id, commit });
    }
}
