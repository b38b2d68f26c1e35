//! The registers of one cluster or stream: for each member the values that a read may show.
//!
//! A write sets its members at one point between its arrival and its answer, or, as long as nobody knows what became of
//! it, at any later point. A read shows the members at one point between its arrival and its answer. So a read may
//! show what a write has set, unless another write, which is known to have been carried out, began after the first had
//! ended, and was known of before the read arrived.

use crate::check::open::Moment;
use crate::types::Instant;

use super::fact::Fact;

/// What is known of a cluster or of a stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Registers {
    /// Whether its creation was answered: a member that no write has set is as it was created.
    pub(super) is_known: bool,
    /// Since when it is known not to exist any more.
    pub(super) gone: Option<Moment>,
    writes: Vec<Write>,
}

/// A write that later reads may show.
#[derive(Clone, Debug)]
struct Write {
    began: Moment,
    /// Since when it can be carried out no more.
    ended: Option<Moment>,
    /// Whether it was carried out, as far as anybody knows.
    is_certain: bool,
    /// Whether its token was perhaps remembered, so that its success may be that of an earlier write.
    is_maybe: bool,
    /// How many requests for it are open.
    open: u32,
    /// Whether a request for it was lost in a crash, or answered with 5xx: it may be carried out at any time.
    is_lost: bool,
    sets: Vec<Assignment>,
}

#[derive(Clone, Debug)]
struct Assignment {
    fact: Fact,
    /// Since when another write is known to have replaced it.
    out: Option<Moment>,
}

/// A read: when it arrived and when it was answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadInterval {
    pub(super) arrived: Moment,
    pub(super) answered: Moment,
    /// Whether a cluster that declares nothing may show the peer that declares it.
    pub(super) is_silent_shown: bool,
}

impl Registers {
    /// Those of something that was created with these members.
    pub(super) fn created(facts: Vec<Fact>) -> Registers {
        let mut registers = Registers { is_known: true, ..Registers::default() };
        registers.know(Moment::default(), Moment::default(), facts);
        registers
    }

    /// A write arrives that sets `facts`.
    pub(super) fn begin(&mut self, began: Moment, is_maybe: bool, facts: Vec<Fact>) {
        let sets = facts.into_iter().map(|fact| Assignment { fact, out: None }).collect();
        let (ended, is_certain, is_lost) = (None, false, false);
        self.writes.push(Write { began, ended, is_certain, is_maybe, open: 1, is_lost, sets });
    }

    /// Another request arrives for the write that began then; `false` if there is none that could be carried out.
    pub(super) fn join(&mut self, began: Moment) -> bool {
        let write = self.write(began).filter(|write| write.ended.is_none());
        write.map(|write| write.open += 1).is_some()
    }

    /// The write is answered with success.
    pub(super) fn succeeded(&mut self, began: Moment, now: Moment, version: Option<&str>) {
        let Some(write) = self.write(began) else { return };
        write.open = write.open.saturating_sub(1);
        if write.ended.is_some() && write.is_certain {
            return;
        }
        write.ended = write.ended.or(Some(now));
        write.is_certain = !write.is_maybe;
        for set in &mut write.sets {
            if let (Fact::Policy(Some(policy)), Some(version)) = (&mut set.fact, version) {
                policy.version = Some(version.to_owned());
            }
        }
        if write.is_certain {
            self.replace_older(began, now);
        }
    }

    /// The write is refused: this request for it does nothing.
    pub(super) fn refused(&mut self, began: Moment) {
        if let Some(write) = self.write(began) {
            write.open = write.open.saturating_sub(1);
        }
        self.writes.retain(|write| write.open > 0 || write.is_lost || write.ended.is_some());
    }

    /// Nobody knows what became of a request for the write.
    pub(super) fn lost(&mut self, began: Moment) {
        if let Some(write) = self.write(began) {
            write.open = write.open.saturating_sub(1);
            write.is_lost = true;
        }
    }

    /// Forgets what no open read can show any more: what was replaced before `since`.
    pub(super) fn forget(&mut self, since: impl Fn(Instant) -> bool) {
        for write in &mut self.writes {
            write.sets.retain(|set| set.out.is_none_or(|out| !since(out.at)));
        }
        self.writes.retain(|write| !write.sets.is_empty());
    }

    /// Forgets everything: it is gone.
    pub(super) fn leave(&mut self, now: Moment) {
        self.gone = self.gone.or(Some(now));
        self.writes = Vec::new();
    }

    /// Whether nothing is known of it.
    pub(super) fn is_blank(&self) -> bool {
        !self.is_known && self.gone.is_none() && self.writes.is_empty()
    }

    /// Whether it existed throughout a read, for nothing may have deleted it.
    pub(super) fn must_exist(&self, read: ReadInterval) -> bool {
        let existed =
            |write: &Write| write.is_certain && write.ended.is_some_and(|ended| ended < read.arrived);
        self.gone.is_none() && self.writes.iter().any(existed) && !self.may_show(&Fact::Deleted(true), read)
    }

    /// The keys of the tags that any write has set.
    pub(super) fn tag_keys(&self) -> Vec<String> {
        let facts = self.writes.iter().flat_map(|write| &write.sets).map(|set| &set.fact);
        facts.filter_map(|fact| if let Fact::Tag(key, _) = fact { Some(key.clone()) } else { None }).collect()
    }

    /// Whether a read may show `fact`.
    pub(super) fn may_show(&self, fact: &Fact, read: ReadInterval) -> bool {
        self.candidates(fact, read).any(|(_, set)| set.fact.agrees(fact, read.is_silent_shown))
            || self.may_be_as_created(fact, read)
    }

    /// What a read may show instead of `fact`, in words.
    pub(super) fn expected(&self, fact: &Fact, read: ReadInterval) -> String {
        let known: Vec<String> = self.candidates(fact, read).map(|(_, set)| set.fact.to_string()).collect();
        if known.is_empty() { "nothing of the kind".to_owned() } else { known.join(" or ") }
    }

    /// A read has shown `fact`, which it may: it was so at some point while the read was open. What had ended before
    /// that and differs is replaced; and if one write alone can have set it, that write was carried out.
    pub(super) fn shown(&mut self, fact: &Fact, read: ReadInterval) {
        let is_as_created = self.may_be_as_created(fact, read);
        let agreeing = self.candidates(fact, read);
        let mut agreeing = agreeing.filter(|(_, set)| set.fact.agrees(fact, read.is_silent_shown));
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
            for set in write.sets.iter_mut().filter(|set| set.out.is_none() && set.fact.is_about_what(fact)) {
                if !set.fact.agrees(fact, read.is_silent_shown) {
                    set.out = Some(read.answered);
                }
            }
        }
    }

    /// Something is known to have set `facts` between two moments.
    fn know(&mut self, began: Moment, ended: Moment, facts: Vec<Fact>) {
        self.begin(began, false, facts);
        if let Some(write) = self.writes.last_mut() {
            (write.ended, write.is_certain, write.open) = (Some(ended), true, 0);
        }
    }

    /// The write was carried out, for a read has shown what only it has set.
    fn confirm(&mut self, began: Moment, now: Moment, fact: &Fact) {
        let Some(write) = self.write(began) else { return };
        (write.ended, write.is_certain) = (Some(now), true);
        for set in write.sets.iter_mut().filter(|set| set.fact.is_about_what(fact)) {
            set.fact = fact.clone();
        }
        self.replace_older(began, now);
    }

    /// What had ended before the write began is replaced by it, member by member.
    fn replace_older(&mut self, began: Moment, now: Moment) {
        let Some(place) = self.writes.iter().position(|write| write.began == began) else { return };
        let new = std::mem::take(&mut self.writes[place].sets);
        for write in self.writes.iter_mut().filter(|write| write.ended.is_some_and(|ended| ended < began)) {
            for set in write.sets.iter_mut().filter(|set| set.out.is_none()) {
                if new.iter().any(|it| it.fact.is_about_what(&set.fact)) {
                    set.out = Some(now);
                }
            }
        }
        self.writes[place].sets = new;
    }

    fn candidates<'a>(
        &'a self,
        fact: &'a Fact,
        read: ReadInterval,
    ) -> impl Iterator<Item = (&'a Write, &'a Assignment)> {
        let sets = self.writes.iter().flat_map(|write| write.sets.iter().map(move |set| (write, set)));
        sets.filter(move |(_, set)| {
            set.fact.is_about_what(fact) && set.out.is_none_or(|out| out > read.arrived)
        })
    }

    /// Whether no write was known to have set the member when the read arrived, and it may show what it was before.
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
