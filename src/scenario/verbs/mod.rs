//! The verbs of the scenario language.
//!
//! Each verb has a file with its entry in the reference, its reader, its text and its effect. [`Verb`] lists them; it
//! feeds the reader, `dsql-sim help scenario` and the reference page.

pub(super) mod advance;
pub(super) mod assume;
pub(super) mod at;
pub(super) mod broken_target;
pub(super) mod call;
pub(super) mod clients;
pub(super) mod converge;
pub(super) mod crash;
pub(super) mod deny;
pub(super) mod disk;
pub(super) mod expect;
pub(super) mod external_event;
pub(super) mod heal;
pub(super) mod key;
pub(super) mod latency;
pub(super) mod meanwhile;
pub(super) mod mutant;
pub(super) mod outage;
pub(super) mod pair;
pub(super) mod parallel;
pub(super) mod partition;
pub(super) mod principal;
mod principal_facts;
pub(super) mod refuse;
pub(super) mod regions;
pub(super) mod release;
pub(super) mod restart;
pub(super) mod rule;
pub(super) mod run;
pub(super) mod seed;
pub(super) mod show;
pub(super) mod skew;
pub(super) mod trace;
pub(super) mod wait;

mod target;

use crate::api::Operation;
use crate::sim::fault::{Fault, Heal, Rule};

use super::arguments::Arguments;
use super::diagnostic::{Diagnostic, Parsed, ParsedWhole, did_you_mean};
use super::read::ScenarioReader;
use super::script::{Command, Word};
use super::write::Writer;
use super::{Action, SetUp};

/// A chapter of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chapter {
    /// Commands before the first call or fault, which describe the world.
    SetUp,
    /// Calls of the API.
    Calls,
    /// Faults of the network, the nodes and their surroundings.
    Faults,
    /// The passage of virtual time.
    Time,
    /// Claims that hold for every seed.
    Expectations,
}

impl Chapter {
    /// Every chapter, in the order of the reference.
    pub const ALL: [Chapter; 5] =
        [Chapter::SetUp, Chapter::Calls, Chapter::Faults, Chapter::Time, Chapter::Expectations];

    /// The chapter's title.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Chapter::SetUp => "Set-up",
            Chapter::Calls => "Calls",
            Chapter::Faults => "Faults",
            Chapter::Time => "Time",
            Chapter::Expectations => "Expectations",
        }
    }
}

/// What the file of a verb defines: its entry in the reference, and its reader.
pub(super) struct VerbEntry {
    /// The verb as it is written.
    pub(super) name: &'static str,
    /// The chapter of the reference that describes it.
    pub(super) chapter: Chapter,
    /// The form of the command: its words and options.
    pub(super) usage: &'static str,
    /// The meaning, as Markdown.
    pub(super) meaning: &'static str,
    /// An example.
    pub(super) example: &'static str,
    /// The reader of the command.
    pub(super) reader: VerbReader,
}

/// The reader of a command.
pub(super) enum VerbReader {
    /// The command is a part of the set-up.
    SetUp {
        /// Reads it into the set-up.
        read: fn(&mut SetUp, &mut Arguments<'_>) -> Parsed<()>,
        /// Writes the lines that read back as this part of the set-up; none for the default.
        write: fn(&mut Writer<'_>),
    },
    /// A client makes a call.
    Call(fn(&mut ScenarioReader, &Command) -> ParsedWhole<Action>),
    /// The command stands for several steps: calls of one client, and what is expected of each.
    Calls(fn(&mut ScenarioReader, &Command) -> ParsedWhole<Vec<Action>>),
    /// The command injects a fault, now or, behind `at` or `meanwhile`, later. A rule in it has no key yet: it depends
    /// on the whole step, and [`StepKeys`](super::step_keys::StepKeys) sets it.
    Fault(fn(&SetUp, &mut Arguments<'_>) -> Parsed<Fault>),
    /// Any other step.
    Step(fn(&mut ScenarioReader, &mut Arguments<'_>) -> Parsed<Action>),
}

/// The text of a kind of fault, which the file of its verb implements.
trait FaultText {
    /// Writes the command that reads back as the fault.
    fn write(&self, writer: &mut Writer<'_>);

    /// The reason why the fault never acted.
    fn idle(&self, set_up: &SetUp) -> String;
}

macro_rules! verbs {
    ($($variant:ident => $entry:expr,)+) => {
        /// The verb of a command.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "each is the verb that it is named after")]
        pub enum Verb { $($variant,)+ }

        impl Verb {
            /// Every verb, in the order of the reference.
            pub const ALL: &[Verb] = &[$(Verb::$variant),+];

            /// The definition of the verb.
            pub(super) fn entry(self) -> &'static VerbEntry {
                match self { $(Verb::$variant => &$entry),+ }
            }
        }
    };
}

verbs! {
    Seed => seed::SEED,
    Regions => regions::REGIONS,
    Principal => principal::PRINCIPAL,
    Key => key::KEY,
    Clients => clients::CLIENTS,
    Latency => latency::LATENCY,
    Disk => disk::DISK,
    Assume => assume::ASSUME,
    Mutant => mutant::MUTANT,
    Trace => trace::TRACE,
    Call => call::CALL,
    Wait => wait::WAIT,
    Pair => pair::PAIR,
    Parallel => parallel::PARALLEL,
    Drop => rule::DROP,
    Delay => rule::DELAY,
    Duplicate => rule::DUPLICATE,
    Hold => rule::HOLD,
    Release => release::RELEASE,
    Slow => rule::SLOW,
    Partition => partition::PARTITION,
    Heal => heal::HEAL,
    Crash => crash::CRASH,
    Restart => restart::RESTART,
    Outage => outage::OUTAGE,
    Skew => skew::SKEW,
    Deny => deny::DENY,
    Allow => deny::ALLOW,
    Idle => external_event::IDLE,
    Connect => external_event::CONNECT,
    DisableKeys => external_event::DISABLE_KEYS,
    EnableKeys => external_event::ENABLE_KEYS,
    DisableKey => external_event::DISABLE_KEY,
    EnableKey => external_event::ENABLE_KEY,
    BreakTarget => broken_target::BREAK_TARGET,
    RepairTarget => broken_target::REPAIR_TARGET,
    FailCreation => external_event::FAIL_CREATION,
    RestoreCluster => external_event::RESTORE_CLUSTER,
    RaiseQuota => external_event::RAISE_QUOTA,
    Throttle => refuse::THROTTLE,
    Fail => refuse::FAIL,
    Advance => advance::ADVANCE,
    Run => run::RUN,
    Converge => converge::CONVERGE,
    At => at::AT,
    Meanwhile => meanwhile::MEANWHILE,
    Expect => expect::EXPECT,
    Show => show::SHOW,
}

impl Verb {
    /// The verb as it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// The form of the command: its words and options.
    #[must_use]
    pub fn usage(self) -> &'static str {
        self.entry().usage
    }

    /// The meaning, as Markdown.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.entry().meaning
    }

    /// An example.
    #[must_use]
    pub fn example(self) -> &'static str {
        self.entry().example
    }

    /// The chapter of the reference that describes the verb.
    #[must_use]
    pub fn chapter(self) -> Chapter {
        self.entry().chapter
    }

    /// The verb called `name`; `None` for the AWS CLI names of operations, which all are [`Verb::Call`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Verb> {
        Verb::named().find(|verb| verb.name() == name)
    }

    /// The verbs that are written by their names.
    fn named() -> impl Iterator<Item = Verb> {
        Verb::ALL.iter().copied().filter(|verb| *verb != Verb::Call)
    }
}

/// Verbs by the names that they had before.
const RENAMED: [(&str, Verb); 2] = [("doze", Verb::Idle), ("wake", Verb::Connect)];

/// The verb that `word` is.
pub(super) fn read(word: &Word) -> Parsed<Verb> {
    Verb::parse(&word.text).ok_or_else(|| {
        let commands = Operation::ALL.iter().map(|operation| operation.command());
        let help = match RENAMED.iter().find(|(old, _)| *old == word.text) {
            Some((old, verb)) => Some(format!("`{old}` is called `{}` now", verb.name())),
            None => did_you_mean(&word.text, Verb::named().map(Verb::name).chain(commands)),
        };
        let advice = || Some("`dsql-sim help scenario` lists the verbs".to_owned());
        Diagnostic::new(format!("unknown verb `{}`", word.text), word.span).help(help.or_else(advice))
    })
}

/// The text of a fault.
fn text_of(fault: &Fault) -> &dyn FaultText {
    match fault {
        Fault::All(faults) => faults,
        Fault::Rule(rule) => rule,
        Fault::Heal(heal) => heal,
        Fault::Release(release) => release,
        Fault::Crash(crash) => crash,
        Fault::Restart(restart) => restart,
        Fault::Outage(outage) => outage,
        Fault::Skew(skew) => skew,
        Fault::Deny(deny) => deny,
        Fault::ExternalEvent(event) => event,
        Fault::Refuse(refuse) => refuse,
    }
}

/// Writes `fault` as the command that reads back as it.
pub(super) fn write_fault(fault: &Fault, writer: &mut Writer<'_>) {
    text_of(fault).write(writer);
}

/// The reason why `fault` never acted.
pub(super) fn idle(fault: &Fault, set_up: &SetUp) -> String {
    text_of(fault).idle(set_up)
}

/// The faults of one command: links that are cut or healed, or nodes that are restarted.
impl FaultText for Vec<Fault> {
    fn write(&self, writer: &mut Writer<'_>) {
        for (index, fault) in self.iter().enumerate() {
            let (verb, subject) = match fault {
                Fault::Rule(Rule { from, to, both_ways, .. }) => {
                    (Verb::Partition, writer.link(*from, *to, *both_ways))
                }
                Fault::Heal(Heal { between: Some((one, other)) }) => {
                    (Verb::Heal, writer.link(*one, *other, true))
                }
                Fault::Restart(restart) => (Verb::Restart, writer.node(restart.node)),
                other => unreachable!("no command injects several of {other:?}"),
            };
            if index == 0 {
                writer.add(format_args!("{}", verb.name()));
            }
            writer.add(format_args!(" {subject}"));
        }
    }

    fn idle(&self, set_up: &SetUp) -> String {
        let reasons: Vec<String> = self.iter().map(|fault| idle(fault, set_up)).collect();
        reasons.join(", ")
    }
}
