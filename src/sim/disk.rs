//! The disk of a node: what waits for it, and what a crash does to a write that is not finished.

use std::time::Duration;

use crate::control::message::{Commit, Effect, Input};
use crate::goal::Goal;
use crate::rng::{self, Purpose};

use super::fault::Unfinished;
use super::node::{Happened, State};
use super::trace::Happening;
use super::{Change, Event, World};

impl World {
    /// Does what a node wants done, or lets it wait behind the writes that are not durable yet.
    pub(super) fn carry_out(&mut self, place: usize, effect: Effect) {
        let node = &mut self.nodes[place];
        if node.state != State::Up {
            // It crashed while its effects were carried out, before this one.
            return self.forget(place, effect);
        }
        let is_write = matches!(effect, Effect::Persist(_));
        if node.outbox.is_empty() && !is_write {
            return self.perform(place, effect);
        }
        node.outbox.push_back(effect);
        if is_write {
            if let Some(trap) = node.spring(Happened::PersistBegins) {
                return self.crash(place, State::Down, trap.unfinished);
            }
            if node.syncing == 0 {
                self.begin_sync(place);
            }
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
            self.perform(place, effect);
            if is_write && let Some(trap) = self.nodes[place].spring(Happened::PersistEnds) {
                return self.crash(place, State::Down, trap.unfinished);
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
        node.disk.write(&commit.batch, self.options.assumptions.token_window);
        let node = node.id;
        if commit.batch.cluster.is_some() {
            self.last_news = self.now;
        }
        self.note(&Happening::Wrote(node, &commit));
        self.changes.push(Change::Wrote { node, commit });
    }

    /// Stops a node. Of the writes that were not finished, the first few may have reached the disk.
    pub(super) fn crash(&mut self, place: usize, state: State, unfinished: Option<Unfinished>) {
        let node = &mut self.nodes[place];
        let id = node.id;
        if node.state != State::Up {
            node.state = state;
            return;
        }
        let writes = node.unsynced() as u64;
        let kept = match unfinished {
            Some(Unfinished::Kept) => writes,
            Some(Unfinished::Lost) => 0,
            None => {
                let key = rng::mix(id.word(), u64::from(node.life));
                rng::below(self.options.seed, Purpose::Unfinished, key, writes + 1)
            }
        };
        // What is ahead of the first unfinished write waited for one that is durable.
        let mut freed = node.outbox.iter().take_while(|effect| !matches!(effect, Effect::Persist(_)));
        if freed.any(|effect| matches!(effect, Effect::Reply { .. })) {
            self.reached.insert(Goal::CrashBeforeReply);
        }
        let (kept, lost) = node.stop(state, kept as usize);
        self.note(&Happening::Crashed(id));
        for commit in kept {
            self.reached.insert(Goal::WriteKept);
            self.wrote(place, commit);
        }
        for commit in lost {
            self.reached.insert(Goal::WriteLost);
            self.note(&Happening::Forgot(id, &commit));
            self.changes.push(Change::Forgot { node: id, commit });
        }
        let memory = Box::new(self.nodes[place].rebuild(&self.options));
        self.changes.push(Change::Crashed { node: id, memory });
    }

    /// Starts a node again with what its storage holds.
    pub(super) fn restart(&mut self, place: usize) {
        let node = &mut self.nodes[place];
        if node.state == State::Up {
            return;
        }
        node.state = State::Up;
        let id = node.id;
        self.note(&Happening::Restarted(id));
        self.changes.push(Change::Restarted(id));
        self.start(place);
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
        self.note(&Happening::Forgot(id, &commit));
        self.changes.push(Change::Forgot { node: id, commit });
    }
}
