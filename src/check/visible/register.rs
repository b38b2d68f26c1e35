//! The registers of one cluster or stream: for each member, the values that a read may show.
//!
//! A write sets its members at one point between its arrival and its answer or, as long as its outcome is unknown, at
//! any later point. A read shows the members at one point between its arrival and its answer. A read may therefore
//! show the value of a write, unless another write replaced it: one that is known to be carried out, began after the
//! first had ended, and was known before the read arrived.

use crate::check::open::Moment;
use crate::types::Instant;

use super::fact::Fact;

/// The registers of a cluster or a stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Registers {
    /// Whether its creation was answered, so that a member that no write has set has its initial value.
    pub(super) is_known: bool,
    /// The moment since which it is known to be gone.
    pub(super) gone: Option<Moment>,
    writes: Vec<Write>,
}

/// A write whose values later reads may show.
#[derive(Clone, Debug)]
struct Write {
    began: Moment,
    /// The moment since which it cannot be carried out any more.
    ended: Option<Moment>,
    /// Whether it is known to be carried out.
    is_certain: bool,
    /// Whether its token may have been remembered, so that its success may repeat the answer of an earlier write.
    may_be_replay: bool,
    /// The number of open requests for it: the first one and its retries.
    open: u32,
    /// Whether a request for it was lost in a crash or answered with 5xx: it may be carried out at any time.
    is_lost: bool,
    sets: Vec<Assignment>,
}

/// One member that a write sets.
#[derive(Clone, Debug)]
struct Assignment {
    fact: Fact,
    /// The moment since which another write is known to have replaced it.
    replaced_at: Option<Moment>,
}

/// The time of a read, from its arrival to its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadInterval {
    pub(super) arrived: Moment,
    pub(super) answered: Moment,
    /// Whether a cluster that declares no peer may show the peer that declares it.
    pub(super) may_show_declarer: bool,
}

impl Registers {
    /// The registers of a cluster or stream that was created with these members.
    pub(super) fn created(facts: Vec<Fact>) -> Registers {
        let mut registers = Registers { is_known: true, ..Registers::default() };
        registers.know(Moment::default(), Moment::default(), facts);
        registers
    }

    /// A write of `facts` arrived.
    pub(super) fn begin(&mut self, began: Moment, may_be_replay: bool, facts: Vec<Fact>) {
        let sets = facts.into_iter().map(|fact| Assignment { fact, replaced_at: None }).collect();
        let (ended, is_certain, is_lost) = (None, false, false);
        self.writes.push(Write { began, ended, is_certain, may_be_replay, open: 1, is_lost, sets });
    }

    /// Another request arrived for the write that began at `began`; `false` if no such write can still be carried
    /// out.
    pub(super) fn join(&mut self, began: Moment) -> bool {
        let write = self.write(began).filter(|write| write.ended.is_none());
        write.map(|write| write.open += 1).is_some()
    }

    /// The write was answered with success. `version` is the version of the policy that the answer names.
    pub(super) fn succeeded(&mut self, began: Moment, now: Moment, version: Option<&str>) {
        let Some(write) = self.write(began) else { return };
        write.open = write.open.saturating_sub(1);
        // A retry that is answered later adds nothing: the write ended with the first answer.
        if write.ended.is_some() && write.is_certain {
            return;
        }
        write.ended = write.ended.or(Some(now));
        write.is_certain = !write.may_be_replay;
        for set in &mut write.sets {
            if let (Fact::Policy(Some(policy)), Some(version)) = (&mut set.fact, version) {
                policy.version = Some(version.to_owned());
            }
        }
        if write.is_certain {
            self.replace_older(began, now);
        }
    }

    /// A request for the write was refused. The write remains while another request for it may carry it out.
    pub(super) fn refused(&mut self, began: Moment) {
        if let Some(write) = self.write(began) {
            write.open = write.open.saturating_sub(1);
        }
        self.writes.retain(|write| write.open > 0 || write.is_lost || write.ended.is_some());
    }

    /// The outcome of a request for the write is unknown.
    pub(super) fn lost(&mut self, began: Moment) {
        if let Some(write) = self.write(began) {
            write.open = write.open.saturating_sub(1);
            write.is_lost = true;
        }
    }

    /// Discards the values that no open read can show: those replaced at a time for which `is_past` holds.
    pub(super) fn forget(&mut self, is_past: impl Fn(Instant) -> bool) {
        for write in &mut self.writes {
            write.sets.retain(|set| set.replaced_at.is_none_or(|replaced_at| !is_past(replaced_at.at)));
        }
        self.writes.retain(|write| !write.sets.is_empty());
    }

    /// Discards all values: the cluster or stream is gone.
    pub(super) fn remove(&mut self, now: Moment) {
        self.gone = self.gone.or(Some(now));
        self.writes = Vec::new();
    }

    /// Whether nothing is known of it.
    pub(super) fn is_blank(&self) -> bool {
        !self.is_known && self.gone.is_none() && self.writes.is_empty()
    }

    /// Whether it existed throughout a read: it existed before, and nothing can have deleted it.
    pub(super) fn must_exist(&self, read: ReadInterval) -> bool {
        let existed =
            |write: &Write| write.is_certain && write.ended.is_some_and(|ended| ended < read.arrived);
        self.gone.is_none() && self.writes.iter().any(existed) && !self.may_show(&Fact::Deleted(true), read)
    }

    /// The keys of all tags in the registers.
    pub(super) fn tag_keys(&self) -> Vec<String> {
        let facts = self.writes.iter().flat_map(|write| &write.sets).map(|set| &set.fact);
        facts.filter_map(|fact| if let Fact::Tag(key, _) = fact { Some(key.clone()) } else { None }).collect()
    }

    /// Whether a read may show `fact`.
    pub(super) fn may_show(&self, fact: &Fact, read: ReadInterval) -> bool {
        self.candidates(fact, read).any(|(_, set)| set.fact.agrees(fact, read.may_show_declarer))
            || self.may_be_as_created(fact, read)
    }

    /// The values that a read may show for the member of `fact`, in words.
    pub(super) fn expected(&self, fact: &Fact, read: ReadInterval) -> String {
        let known: Vec<String> = self.candidates(fact, read).map(|(_, set)| set.fact.to_string()).collect();
        if known.is_empty() { "nothing of the kind".to_owned() } else { known.join(" or ") }
    }

    /// A read has shown `fact`, which `may_show` allows, so the register had this value at some point while the read
    /// was open. Every other value whose write had ended before the read arrived is replaced. If a single write can
    /// have set the value, that write was carried out.
    pub(super) fn shown(&mut self, fact: &Fact, read: ReadInterval) {
        let is_as_created = self.may_be_as_created(fact, read);
        let agreeing = self.candidates(fact, read);
        let mut agreeing = agreeing.filter(|(_, set)| set.fact.agrees(fact, read.may_show_declarer));
        let (first, second) = (agreeing.next().map(|(write, _)| (write.began, write.ended)), agreeing.next());
        let is_alone = second.is_none() && !is_as_created;
        drop(agreeing);
        match first {
            Some((began, None)) if is_alone => self.confirm(began, read.answered, fact),
            _ if is_as_created && !self.is_known => {
                self.know(read.arrived, read.answered, vec![fact.clone()]);
            }
            _ => {}
        }
        for write in self.writes.iter_mut().filter(|write| write.ended.is_some_and(|it| it < read.arrived)) {
            for set in
                write.sets.iter_mut().filter(|set| set.replaced_at.is_none() && set.fact.is_same_member(fact))
            {
                if !set.fact.agrees(fact, read.may_show_declarer) {
                    set.replaced_at = Some(read.answered);
                }
            }
        }
    }

    /// Adds a write that is known to have set `facts` between two moments.
    fn know(&mut self, began: Moment, ended: Moment, facts: Vec<Fact>) {
        self.begin(began, false, facts);
        if let Some(write) = self.writes.last_mut() {
            (write.ended, write.is_certain, write.open) = (Some(ended), true, 0);
        }
    }

    /// The write was carried out: a read has shown a value that only it has set.
    fn confirm(&mut self, began: Moment, now: Moment, fact: &Fact) {
        let Some(write) = self.write(began) else { return };
        (write.ended, write.is_certain) = (Some(now), true);
        for set in write.sets.iter_mut().filter(|set| set.fact.is_same_member(fact)) {
            set.fact = fact.clone();
        }
        self.replace_older(began, now);
    }

    /// Marks the values of the same members as replaced, if their writes had ended before this write began.
    fn replace_older(&mut self, began: Moment, now: Moment) {
        let Some(index) = self.writes.iter().position(|write| write.began == began) else { return };
        let new = std::mem::take(&mut self.writes[index].sets);
        for write in self.writes.iter_mut().filter(|write| write.ended.is_some_and(|ended| ended < began)) {
            for set in write.sets.iter_mut().filter(|set| set.replaced_at.is_none()) {
                if new.iter().any(|it| it.fact.is_same_member(&set.fact)) {
                    set.replaced_at = Some(now);
                }
            }
        }
        self.writes[index].sets = new;
    }

    /// The values of the member of `fact` that were not replaced when the read arrived.
    fn candidates<'a>(
        &'a self,
        fact: &'a Fact,
        read: ReadInterval,
    ) -> impl Iterator<Item = (&'a Write, &'a Assignment)> {
        let sets = self.writes.iter().flat_map(|write| write.sets.iter().map(move |set| (write, set)));
        sets.filter(move |(_, set)| {
            set.fact.is_same_member(fact)
                && set.replaced_at.is_none_or(|replaced_at| replaced_at > read.arrived)
        })
    }

    /// Whether the member may still have its initial value: no write was known to have set it when the read arrived.
    fn may_be_as_created(&self, fact: &Fact, read: ReadInterval) -> bool {
        let is_set = self
            .candidates(fact, read)
            .any(|(write, _)| write.is_certain && write.ended.is_some_and(|ended| ended <= read.arrived));
        !is_set && (!self.is_known || matches!(fact, Fact::Tag(_, None)))
    }

    fn write(&mut self, began: Moment) -> Option<&mut Write> {
        self.writes.iter_mut().find(|write| write.began == began)
    }
}
