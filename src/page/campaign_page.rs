//! The page of a campaign: what a search ran, what it covered, and what it violated.
//!
//! The page has no script: a person reads tables, and a browser sorts nothing for them. Everything in it but the pace
//! follows from the tally, so that a campaign which several machines shared has the page that one machine would write.

use std::fmt::Write;
use std::sync::LazyLock;

use data_encoding::BASE64;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};
use strum::{EnumCount, VariantArray};

use crate::api::Operation;
use crate::check::Invariant;
use crate::control::assumptions::Assumptions;
use crate::control::authorization::IamAction;
use crate::control::mutant::Mutant;
use crate::coverage_mark::CoverageMark;
use crate::scenario::run::PANIC;
use crate::sim::coverage::{Cell, CoverageBin, unreachable};
use crate::sim::fault::FaultKind;
use crate::sweep::{Tally, ViolationTally};
use crate::types::ClusterStatus;

static STYLE: LazyLock<String> =
    LazyLock::new(|| [include_str!("page.css"), include_str!("campaign_page.css")].concat());

/// A campaign that is to be shown.
#[derive(Clone, Copy, Debug)]
pub struct CampaignPage<'a> {
    /// The command with its seeds, as a person repeats it.
    pub command: &'a str,
    /// The range of the seeds, and the part of it that was run, as text.
    pub seeds: &'a str,
    /// The result.
    pub tally: &'a Tally,
    /// The number of seeds a second; `None` if the time is not known.
    pub pace: Option<u64>,
    /// What is missing, if not every seed of the range was run.
    pub partial: Option<&'a str>,
    /// The violations with the small runs that show them, in the order of the tally.
    pub violations: &'a [ShownViolation],
}

/// A violation with the run that shows it.
#[derive(Clone, Debug)]
pub struct ShownViolation {
    /// The invariant, or `panic`.
    pub invariant: String,
    /// The name of the file that has the scenario, beside the page.
    pub scenario: String,
    /// The name of the page of the run, beside the page of the campaign; `None` if there is none.
    pub page: Option<String>,
    /// The text of the scenario.
    pub text: String,
    /// The command that reproduces the first seed.
    pub reproduce: String,
}

/// The page of a campaign as one self-contained HTML file.
#[must_use]
pub fn campaign_page(campaign: &CampaignPage<'_>) -> String {
    let policy = format!(
        "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-{}'",
        BASE64.encode(&Sha256::digest(STYLE.as_bytes()))
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (verdict(campaign.tally)) " · " (campaign.command) }
                style { (PreEscaped(STYLE.as_str())) }
            }
            body {
                a .skip href="#campaign" { "Skip to the result" }
                (summary(campaign))
                main #campaign {
                    (violations(campaign))
                    (goals(campaign.tally))
                    (heat_map(campaign.tally))
                    (marks(campaign.tally))
                    (invariants(campaign.tally))
                    (members(campaign.tally))
                    (actions_and_switches(campaign.tally))
                    (mutants())
                }
            }
        }
    };
    page.into_string()
}

/// The outcome in a few words.
fn verdict(tally: &Tally) -> String {
    match tally.violations.len() {
        0 => "no violation".to_owned(),
        1 => "1 invariant violated".to_owned(),
        count => format!("{count} invariants violated"),
    }
}

fn summary(campaign: &CampaignPage<'_>) -> Markup {
    let tally = campaign.tally;
    let (style, sign) = if tally.violations.is_empty() { ("good", "✓") } else { ("bad", "✗") };
    let pace = campaign.pace.map_or("not known".to_owned(), digits);
    let facts = [
        ("seeds", campaign.seeds.to_owned()),
        ("runs", digits(tally.runs)),
        ("events", digits(tally.events)),
        ("hash", format!("{:016x}", tally.hash)),
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    html! {
        header {
            p .eyebrow { span class={ "verdict " (style) } { (sign) " " (verdict(tally)) } "dsql-sim campaign" }
            h1 { code { (campaign.command) } }
            @if let Some(partial) = campaign.partial {
                p .partial { strong { "Not complete: " } (partial) "." }
            }
            dl .facts {
                @for (name, value) in facts { div { dt { (name) } dd { (value) } } }
                div .pace { dt { "seeds a second" } dd { (pace) } }
            }
            nav aria-label="Parts of the page" {
                @for (id, title) in PARTS { a href={ "#" (id) } { (title) } }
            }
        }
    }
}

fn violations(campaign: &CampaignPage<'_>) -> Markup {
    html! {
        section #violations aria-labelledby="violations-title" {
            h2 #violations-title { "Violations" }
            @if campaign.tally.violations.is_empty() {
                p { "No invariant was violated in " (counted(campaign.tally.runs, "seed")) "." }
            }
            @for (invariant, tally) in &campaign.tally.violations {
                (violation(invariant, tally, campaign.violations.iter().find(|it| it.invariant == *invariant)))
            }
        }
    }
}

fn violation(invariant: &str, tally: &ViolationTally, shown: Option<&ShownViolation>) -> Markup {
    let rule = Invariant::named(invariant).map(Invariant::sentence);
    html! {
        article .violation {
            h3 { code { (invariant) } " in " (counted(tally.seeds, "seed")) ", first " (tally.first) }
            p .what { (tally.message.lines().next().unwrap_or_default()) }
            @if let Some(rule) = rule { p .rule { "The rule: " (rule) "." } }
            @if invariant == PANIC { p .rule { "A panic is a bug of dsql-sim itself." } }
            @if let Some(shown) = shown {
                p .links {
                    @if let Some(page) = &shown.page { a href=(page) { "The run as a page" } " " }
                    a href=(shown.scenario) { (shown.scenario) }
                }
                p .where { code { (shown.reproduce) } }
                pre .scenario tabindex="0" role="region" aria-label={ "Scenario for " (invariant) } {
                    (shown.text)
                }
            }
        }
    }
}

/// Whether a bin is of a kind.
type BinTest = fn(&CoverageBin) -> bool;

/// What a campaign should cover: each kind of situation with the number that was covered, and those that were not.
fn goals(tally: &Tally) -> Markup {
    let is_goal = |bin: &CoverageBin| unreachable(*bin).is_none();
    let kinds: [(&str, BinTest); 5] = [
        ("cells of the heat map", |bin| matches!(bin, CoverageBin::Cell(_))),
        ("members of inputs in calls that succeeded", |bin| matches!(bin, CoverageBin::Accepted(..))),
        ("members of inputs because of which a call was refused", |bin| {
            matches!(bin, CoverageBin::Refused(..))
        }),
        ("actions denied to a call", |bin| matches!(bin, CoverageBin::Denied(_))),
        ("switches flipped", |bin| matches!(bin, CoverageBin::Flipped(_))),
    ];
    let missed_marks = tally.uncovered();
    let marks = Goal {
        name: "coverage marks",
        of: CoverageMark::COUNT,
        missed: missed_marks.iter().map(|mark| mark.to_string()).collect(),
    };
    let bins = kinds.into_iter().map(|(name, is_kind)| {
        let all = || CoverageBin::all().filter(is_kind).filter(is_goal);
        let missed = all().filter(|bin| tally.coverage.of(*bin) == 0).map(|bin| bin.to_string()).collect();
        Goal { name, of: all().count(), missed }
    });
    let exercised = tally.exercised.iter().zip(Invariant::VARIANTS).filter(|(times, _)| **times == 0);
    let invariants = Goal {
        name: "invariants that were evaluated",
        of: Invariant::VARIANTS.len(),
        missed: exercised.map(|(_, invariant)| invariant.name().to_owned()).collect(),
    };
    let required: Vec<Goal> = std::iter::once(marks).chain(bins).collect();
    let is_met = required.iter().all(|goal| goal.missed.is_empty());
    html! {
        section #goals aria-labelledby="goals-title" {
            h2 #goals-title { "Goals" }
            p {
                "What " code { "--require-coverage" } " demands: " (met(is_met)) ". A search "
                "without a violation proves little about a situation that it never met."
            }
            div .scroll role="region" tabindex="0" aria-label="Goals" {
                table .goals {
                    thead { tr {
                        th scope="col" { "goal" } th scope="col" { "state" } th scope="col" { "covered" }
                        th scope="col" { "never covered" }
                    } }
                    tbody { @for goal in required.iter().chain([&invariants]) { (goal_row(goal)) } }
                }
            }
        }
    }
}

/// A kind of situation that a campaign should cover.
struct Goal {
    name: &'static str,
    /// How many there are; at least 1.
    of: usize,
    /// Those that were not covered.
    missed: Vec<String>,
}

fn goal_row(goal: &Goal) -> Markup {
    let covered = goal.of - goal.missed.len();
    let rest = goal.missed.len().saturating_sub(FEW);
    html! {
        tr {
            th scope="row" { (goal.name) }
            td { (met(goal.missed.is_empty())) }
            td .number {
                (covered) " of " (goal.of) " "
                svg .meter viewBox="0 0 100 8" width="100" height="8" aria-hidden="true" {
                    rect .track width="100" height="8" {}
                    rect .value width=(covered * 100 / goal.of.max(1)) height="8" {}
                }
            }
            td .missed {
                (goal.missed.iter().take(FEW).cloned().collect::<Vec<_>>().join(", "))
                @if rest > 0 { " and " (rest) " more" }
            }
        }
    }
}

fn met(is_met: bool) -> Markup {
    html! {
        @if is_met { strong .good { "✓ met" } } @else { strong .bad { "✗ not met" } }
    }
}

/// The cells: for each operation a group of rows, one for each status of the cluster that it met.
fn heat_map(tally: &Tally) -> Markup {
    let statuses = || [None].into_iter().chain(ClusterStatus::VARIANTS.iter().copied().map(Some));
    let cell = |operation, status, fault| CoverageBin::Cell(Cell { operation, status, fault });
    let columns = FaultKind::VARIANTS.len() + 1;
    let is_row = |operation, status| {
        FaultKind::VARIANTS.iter().any(|fault| unreachable(cell(operation, status, *fault)).is_none())
    };
    html! {
        section #cells aria-labelledby="cells-title" {
            h2 #cells-title { "Operations, statuses and faults" }
            p {
                "In how many seeds an operation met a cluster in a status after a kind of fault. A stronger shade is "
                "ten times as many."
            }
            p .legend aria-hidden="true" {
                span { span .heat.h0 { "0" } " never" } " "
                @for (level, from) in ["1", "10", "100", "1 000", "10 000"].into_iter().enumerate() {
                    span { span class={ "heat h" (level + 1) } { (from) } " and more" } " "
                }
                span { span .heat.no { "–" } " cannot occur" }
            }
            div .scroll.map role="region" tabindex="0" aria-label="Heat map" {
                table .heat-map {
                    thead { tr {
                        th scope="col" { "status" }
                        @for fault in FaultKind::VARIANTS { th scope="col" { (fault.name()) } }
                    } }
                    @for operation in Operation::ALL.iter().copied() {
                        tbody {
                            tr .group { th scope="rowgroup" colspan=(columns) { (operation.name()) } }
                            @for status in statuses().filter(|status| is_row(operation, *status)) {
                                tr {
                                    th scope="row" { (status.map_or("no cluster", |status| status.name())) }
                                    @for fault in FaultKind::VARIANTS {
                                        (heat(tally, cell(operation, status, *fault)))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A cell of the heat map: its number, in a shade by the number of digits.
fn heat(tally: &Tally, bin: CoverageBin) -> Markup {
    if unreachable(bin).is_some() {
        return html! { td .heat.no { "–" } };
    }
    let count = tally.coverage.of(bin);
    let level = count.checked_ilog10().map_or(0, |digits| digits.min(4) + 1);
    html! { td class={ "heat h" (level) } { (digits(count)) } }
}

fn marks(tally: &Tally) -> Markup {
    let rows = enumset::EnumSet::<CoverageMark>::all().iter().map(|mark| (mark, tally.mark(mark)));
    html! {
        section #marks aria-labelledby="marks-title" {
            h2 #marks-title { "Coverage marks" }
            div .scroll role="region" tabindex="0" aria-label="Coverage marks" {
                table {
                    thead { tr {
                        th scope="col" { "mark" } th scope="col" { "seeds" } th scope="col" { "first" }
                        th scope="col" { "meaning" }
                    } }
                    tbody { @for (mark, covered) in rows {
                        tr .unmet[covered.seeds == 0] {
                            th scope="row" { code { (mark) } }
                            td .number { @if covered.seeds == 0 { "✗ never" } @else { (digits(covered.seeds)) } }
                            td .number { @if covered.seeds > 0 { (covered.first) } }
                            td { (mark.meaning()) }
                        }
                    } }
                }
            }
        }
    }
}

fn invariants(tally: &Tally) -> Markup {
    html! {
        section #invariants aria-labelledby="invariants-title" {
            h2 #invariants-title { "Invariants" }
            div .scroll role="region" tabindex="0" aria-label="Invariants" {
                table {
                    thead { tr {
                        th scope="col" { "invariant" } th scope="col" { "evaluated" }
                        th scope="col" { "seeds that violate it" } th scope="col" { "rule" }
                    } }
                    tbody { @for (invariant, times) in Invariant::VARIANTS.iter().zip(tally.exercised) {
                        @let violated = tally.violations.get(invariant.name()).map_or(0, |violation| violation.seeds);
                        tr .unmet[violated > 0] {
                            th scope="row" { code { (invariant.name()) } }
                            td .number { @if times == 0 { "✗ never" } @else { (digits(times)) } }
                            td .number { @if violated > 0 { "✗ " } (digits(violated)) }
                            td { (invariant.sentence()) }
                        }
                    } }
                }
            }
        }
    }
}

fn members(tally: &Tally) -> Markup {
    let rows = Operation::ALL.iter().copied().flat_map(|operation| {
        let members = operation.members().into_iter().enumerate();
        members.map(move |(index, (name, _))| (operation, index, name))
    });
    html! {
        section #members aria-labelledby="members-title" {
            h2 #members-title { "Members of inputs" }
            div .scroll role="region" tabindex="0" aria-label="Members of inputs" {
                table {
                    thead { tr {
                        th scope="col" { "member" } th scope="col" { "seeds with a call that succeeded" }
                        th scope="col" { "seeds with a call refused because of it" }
                    } }
                    tbody { @for (operation, index, name) in rows {
                        tr {
                            th scope="row" { (operation.name()) " " code { (name) } }
                            (count_of(tally, CoverageBin::Accepted(operation, index)))
                            (count_of(tally, CoverageBin::Refused(operation, index)))
                        }
                    } }
                }
            }
        }
    }
}

fn actions_and_switches(tally: &Tally) -> Markup {
    let table = |title: &str, rows: Vec<(String, CoverageBin)>| {
        html! {
            div .scroll role="region" tabindex="0" aria-label=(title) {
                table {
                    thead { tr { th scope="col" { (title) } th scope="col" { "seeds" } } }
                    tbody { @for (name, bin) in rows {
                        tr { th scope="row" { code { (name) } } (count_of(tally, bin)) }
                    } }
                }
            }
        }
    };
    let actions = IamAction::all().map(|it| (it.iam_name().to_string(), CoverageBin::Denied(it))).collect();
    let names = Assumptions::NAMES.iter().enumerate();
    let switches = names.map(|(index, name)| ((*name).to_owned(), CoverageBin::Flipped(index))).collect();
    html! {
        section #actions aria-labelledby="actions-title" {
            h2 #actions-title { "Denied actions and flipped switches" }
            div .beside { (table("denied action", actions)) (table("flipped switch", switches)) }
        }
    }
}

/// The number of seeds that covered a bin, as a cell of a table.
fn count_of(tally: &Tally, bin: CoverageBin) -> Markup {
    if let Some(reason) = unreachable(bin) {
        return html! { td .number.no title=(reason) { "–" } };
    }
    let count = tally.coverage.of(bin);
    html! { td .number .unmet[count == 0] { @if count == 0 { "✗ never" } @else { (digits(count)) } } }
}

/// The bugs that are planted to prove that the invariants can fail, as `docs/mutants.md` has them.
fn mutants() -> Markup {
    let rows = Mutant::ALL.iter().map(|mutant| (mutant, median_of(mutant.name())));
    html! {
        section #mutants aria-labelledby="mutants-title" {
            h2 #mutants-title { "Mutants" }
            p {
                "How hard the invariants look: for each planted bug, the number of generated seeds that a search "
                "takes until its invariant catches it, the median of eleven searches. It was measured beforehand, and "
                "not by this campaign."
            }
            div .scroll role="region" tabindex="0" aria-label="Mutants" {
                table {
                    thead { tr {
                        th scope="col" { "mutant" } th scope="col" { "median seeds" }
                        th scope="col" { "caught by" } th scope="col" { "bug" }
                    } }
                    tbody { @for (mutant, median) in rows {
                        tr {
                            th scope="row" { code { (mutant.name()) } }
                            td .number { (median.map_or("–".to_owned(), digits)) }
                            td { code { (mutant.caught_by()) } }
                            td { (mutant.breaks()) }
                        }
                    } }
                }
            }
        }
    }
}

/// The median number of seeds in the measured table; `None` if the table has none.
fn median_of(name: &str) -> Option<u64> {
    let row =
        MEASURED.lines().find_map(|line| line.strip_prefix("| ")?.strip_prefix(name)?.strip_prefix(' '))?;
    row.split('|').nth(1)?.trim().parse().ok()
}

/// A number with a thin space before every three digits.
fn digits(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        // Writing to a string cannot fail.
        let _ = write!(text, "{digit}");
    }
    text
}

fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{} {noun}s", digits(count)) }
}

/// The parts of the page, for its navigation.
const PARTS: [(&str, &str); 8] = [
    ("violations", "Violations"),
    ("goals", "Goals"),
    ("cells", "Heat map"),
    ("marks", "Marks"),
    ("invariants", "Invariants"),
    ("members", "Members"),
    ("actions", "Actions and switches"),
    ("mutants", "Mutants"),
];

/// The most situations that a goal names which were not covered.
const FEW: usize = 12;

/// The page with the measured table of the mutants.
const MEASURED: &str = include_str!("../../docs/mutants.md");

#[cfg(test)]
mod tests {
    use super::*;

    fn page(tally: &Tally) -> String {
        let violations = [ShownViolation {
            invariant: PANIC.to_owned(),
            scenario: "panic.scenario".to_owned(),
            page: None,
            text: "# </pre><script>".to_owned(),
            reproduce: "dsql-sim generate 7".to_owned(),
        }];
        campaign_page(&CampaignPage {
            command: "dsql-sim sweep --seeds 0..2",
            seeds: "0..2",
            tally,
            pace: None,
            partial: Some("of 2, interrupted by SIGINT"),
            violations: &violations,
        })
    }

    #[test]
    fn no_text_of_a_scenario_becomes_markup() {
        let mut tally = Tally::default();
        let violation = ViolationTally { seeds: 1, first: 7, message: "<b>".to_owned() };
        tally.violations.insert(PANIC.to_owned(), violation);
        let page = page(&tally);
        assert!(!page.contains("<script") && !page.contains("<b>"));
        assert!(page.contains("# &lt;/pre&gt;&lt;script&gt;") && page.contains("&lt;b&gt;"));
        assert!(page.contains("1 invariant violated") && page.contains("interrupted by SIGINT"));
    }

    #[test]
    fn every_goal_of_an_empty_campaign_is_unmet_and_every_mutant_has_its_median() {
        let page = page(&Tally::default());
        assert!(!page.contains("✓ met"));
        assert!(page.contains("No invariant was violated in 0 seeds."));
        for mutant in Mutant::ALL {
            assert!(median_of(mutant.name()).is_some(), "{mutant}");
        }
    }

    #[test]
    fn numbers_have_a_space_before_every_three_digits() {
        assert_eq!(["0", "12", "123"], [0, 12, 123].map(digits).each_ref().map(String::as_str));
        assert_eq!(digits(1_234_567), "1\u{202f}234\u{202f}567");
    }
}
