//! What becomes of records, from how the job ended and what the steps said. No I/O.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Status;
use crate::github::{State, Status as RecordStatus};
use crate::outcome::Outcome;
use crate::record::status_line::{StatusLine, last_words};
use crate::record::{Place, Standing};
use crate::text::{human_duration, message};

/// Everything the decision needs.
#[derive(Debug)]
pub(super) struct Observed {
    /// How the job ended, or that places were given up.
    pub status: Status,
    /// The records it is about: those that were named, or those of the places that were given up.
    pub records: Vec<Found>,
    /// What the records are about, for people: `shop in prd`.
    pub about: String,
    /// The records that a success replaces, newest first.
    pub earlier: Vec<u64>,
    /// Deployments that GitHub made for the job beside these, each with its environment.
    pub of_jobs: Vec<(String, u64)>,
    /// How long the run took, where that is asked for and known.
    pub took: Option<Duration>,
}

/// A record as it was found.
#[derive(Debug)]
pub(super) struct Found {
    pub id: u64,
    pub environment: String,
    /// The places that it speaks of; of those that are given up, the ones whose newest record it is.
    pub places: Vec<Place>,
    /// Newest first.
    pub statuses: Vec<RecordStatus>,
}

/// What the inputs say.
#[derive(Debug, Default)]
pub(super) struct Rules {
    pub max_duration: Option<Duration>,
    pub over_budget_fails: bool,
}

/// A status to be added to a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Task {
    pub id: u64,
    pub change: Change,
}

/// What a record becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// A success.
    Succeed,
    /// Not one, because.
    Fail(State, String),
    /// Inactive: this release has replaced it.
    Replace(u64),
    /// Inactive: its places were given up.
    End,
}

impl Change {
    /// The state it ends in.
    pub(super) const fn state(&self) -> State {
        match self {
            Self::Succeed => State::Success,
            Self::Fail(state, _) => *state,
            Self::Replace(_) | Self::End => State::Inactive,
        }
    }
}

/// What is to be done, and how the step ends once it is.
#[derive(Debug)]
pub(super) struct Plan {
    pub tasks: Vec<Task>,
    pub ended: Outcome,
    pub warning: Option<String>,
}

impl Plan {
    fn nothing(ended: Outcome) -> Self {
        Self { tasks: Vec::new(), ended, warning: None }
    }
}

/// A release counts only when the job passed, and no check's last word about any of its records was bad. Too little data is no bad
/// word.
pub(super) fn plan(observed: &Observed, rules: &Rules) -> Plan {
    let records = &observed.records;
    match observed.status {
        Status::Ended => end(observed),
        _ if records.is_empty() => Plan::nothing(Outcome::skipped("there is no `deployment-id`: no record was opened")),
        Status::Success => succeed(observed, rules),
        Status::Failure => {
            let bad = bad_words(records);
            let why = if bad.is_empty() { "the job failed".to_owned() } else { format!("the job failed: {bad}") };
            fail(records, State::Failure, &why)
        }
        Status::Cancelled => fail(records, State::Error, "the job was cancelled"),
    }
}

fn succeed(observed: &Observed, rules: &Rules) -> Plan {
    let of = |wanted: Standing| observed.records.iter().filter(move |record| record.standing() == wanted);
    let open: Vec<&Found> = of(Standing::Open).collect();
    let failed: Vec<&Found> = of(Standing::Failed).collect();
    if open.is_empty() && failed.is_empty() {
        let all: Vec<&Found> = observed.records.iter().collect();
        return Plan::nothing(Outcome::skipped(format!("{} closed as a success already", are(&all))));
    }
    if open.is_empty() {
        return Plan::nothing(
            Outcome::fail(message!(
                "deployment-failed",
                "{} failed or was withdrawn, and cannot become a success",
                deployments(&failed)
            ))
            .advise("nothing was changed in the record; deploy again to have a release that counts"),
        );
    }
    let gone = format!("{} failed or was withdrawn", deployments(&failed));
    let gone = (!failed.is_empty()).then_some(gone);
    let why: Vec<String> =
        Some(bad_words(&observed.records)).filter(|bad| !bad.is_empty()).into_iter().chain(gone).collect();
    if !why.is_empty() {
        let why = why.join("; ");
        let tasks = open.iter().map(|one| Task { id: one.id, change: Change::Fail(State::Failure, why.clone()) });
        // The job says success, and a step said otherwise: the one who reads the job must learn it.
        let ended = Outcome::fail(format!("{} closed as not successful: {why}", are(&open)));
        return Plan { tasks: tasks.collect(), ended, warning: None };
    }
    let newest = open.iter().map(|one| one.id).max().unwrap_or_default();
    let replaced = observed.earlier.iter().map(|id| Task { id: *id, change: Change::Replace(newest) });
    let tasks = open.iter().map(|one| Task { id: one.id, change: Change::Succeed }).chain(replaced).collect();
    let done = format!("{} succeeded: every check passed", deployments(&open));
    let over = observed.took.zip(rules.max_duration).filter(|(took, limit)| took > limit).map(|(took, limit)| {
        message!(
            "max-duration",
            "the run took {}, longer than `max-duration` {}",
            human_duration(took),
            human_duration(limit)
        )
    });
    match over {
        Some(over) if rules.over_budget_fails => {
            let ended = Outcome::fail(format!("{done}; {over}"))
                .advise("the release serves and counts: look which job took its time, or allow more by `max-duration`");
            Plan { tasks, ended, warning: None }
        }
        warning => Plan { tasks, ended: Outcome::pass(done), warning },
    }
}

/// Records that a job did not finish. One that failed already says so.
fn fail(records: &[Found], state: State, why: &str) -> Plan {
    let (failed, rest): (Vec<&Found>, Vec<&Found>) =
        records.iter().partition(|record| record.standing() == Standing::Failed);
    if rest.is_empty() {
        return Plan::nothing(Outcome::skipped(format!("{} closed as a failure already", are(&failed))));
    }
    let tasks = rest.iter().map(|one| Task { id: one.id, change: Change::Fail(state, why.to_owned()) });
    let ended = Outcome::pass(format!("{} closed as not successful: {why}", are(&rest)));
    Plan { tasks: tasks.collect(), ended, warning: None }
}

fn end(observed: &Observed) -> Plan {
    let places: BTreeSet<&Place> = observed.records.iter().flat_map(|record| &record.places).collect();
    if places.is_empty() {
        return Plan::nothing(Outcome::skipped(format!("no place of {} is recorded", observed.about)));
    }
    let names = places.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let tasks = observed.records.iter().map(|record| Task { id: record.id, change: Change::End });
    let ended = Outcome::pass(format!("{} no longer counts at {names}", observed.about));
    Plan { tasks: tasks.collect(), ended, warning: None }
}

impl Found {
    pub(super) fn standing(&self) -> Standing {
        Standing::of(&self.statuses)
    }
}

/// What the checks said last about these records, as far as it was bad; a check that was told to several is named once.
fn bad_words(records: &[Found]) -> String {
    let is_bad = |said: &StatusLine| matches!(said.verdict.as_str(), "fail" | "error" | "superseded" | "cancelled");
    let words = records.iter().flat_map(|record| last_words(&record.statuses)).filter(is_bad);
    let mut told: Vec<String> = Vec::new();
    for word in words.map(|said| format!("{} said {}", said.check(), said.verdict)) {
        if !told.contains(&word) {
            told.push(word);
        }
    }
    told.join("; ")
}

/// `deployment 7`, `deployments 7, 8`.
fn deployments(records: &[&Found]) -> String {
    let ids = records.iter().map(|record| record.id.to_string()).collect::<Vec<_>>().join(", ");
    format!("deployment{} {ids}", if records.len() == 1 { "" } else { "s" })
}

/// `deployment 7 is`, `deployments 7, 8 are`.
fn are(records: &[&Found]) -> String {
    format!("{} {}", deployments(records), if records.len() == 1 { "is" } else { "are" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Verdict;

    fn record(id: u64, statuses: &[(&str, &str)]) -> Found {
        let statuses = RecordStatus::newest_first(statuses);
        Found { id, environment: "prd".to_owned(), places: Vec::new(), statuses }
    }

    fn observed(status: Status, records: Vec<Found>) -> Observed {
        let about = "shop in prd".to_owned();
        Observed { status, records, about, earlier: vec![5], of_jobs: Vec::new(), took: None }
    }

    type Case<'a> = (&'a str, Status, &'a [(&'a str, &'a str)], Option<Change>, Verdict);

    #[test]
    fn a_release_counts_only_when_everything_passed() {
        use Status::{Cancelled, Failure, Success};
        const SWAPPED: (&str, &str) = ("in_progress", "da1 swap-alias pass api=42");
        const BAD: (&str, &str) = ("in_progress", "da1 smoke-test fail cases=3");
        const AGAIN: (&str, &str) = ("in_progress", "da1 smoke-test pass cases=3");
        const ONE: (&str, &str) = ("in_progress", "da1 smoke-test#aaaaaa fail cases=3 health of https://a/");
        const OTHER: (&str, &str) = ("in_progress", "da1 smoke-test#bbbbbb pass cases=1");
        const TOO_LITTLE: (&str, &str) = ("in_progress", "da1 monitor inconclusive");
        const WITHDRAWN: (&str, &str) = ("failure", "withdrawn: x");
        let bad = |why: &str| Some(Change::Fail(State::Failure, why.to_owned()));
        let cancelled = || Some(Change::Fail(State::Error, "the job was cancelled".to_owned()));
        let good = || Some(Change::Succeed);
        // Oldest first, as they were written.
        let table: [Case<'_>; 13] = [
            ("all passed", Success, &[SWAPPED], good(), Verdict::Pass),
            ("the job went on", Success, &[SWAPPED, BAD], bad("smoke-test said fail"), Verdict::Fail),
            ("it passed when repeated", Success, &[BAD, AGAIN], good(), Verdict::Pass),
            ("the job failed", Failure, &[SWAPPED], bad("the job failed"), Verdict::Pass),
            ("it failed by a check", Failure, &[BAD], bad("the job failed: smoke-test said fail"), Verdict::Pass),
            (
                "another check of the same step passed",
                Success,
                &[ONE, OTHER],
                bad("smoke-test#aaaaaa (health of https://a/) said fail"),
                Verdict::Fail,
            ),
            ("the job was cancelled", Cancelled, &[], cancelled(), Verdict::Pass),
            ("closed already", Success, &[("success", "x")], None, Verdict::Skipped),
            ("withdrawn", Failure, &[WITHDRAWN], None, Verdict::Skipped),
            ("withdrawn after success", Success, &[("success", "x"), WITHDRAWN], None, Verdict::Fail),
            ("a success whose job failed later", Failure, &[("success", "x")], bad("the job failed"), Verdict::Pass),
            ("a foreign status", Success, &[("in_progress", "da1"), ("queued", "")], good(), Verdict::Pass),
            ("inconclusive", Success, &[TOO_LITTLE], good(), Verdict::Pass),
        ];
        for (case, status, statuses, change, verdict) in table {
            let plan = plan(&observed(status, vec![record(7, statuses)]), &Rules::default());
            let expected: Vec<Task> = change.into_iter().map(|change| Task { id: 7, change }).collect();
            let own: Vec<Task> = plan.tasks.into_iter().filter(|task| task.id == 7).collect();
            assert_eq!((own, plan.ended.ending.verdict()), (expected, verdict), "{case}");
        }
    }

    #[test]
    fn several_records_are_one_release() {
        let pass = ("in_progress", "da1 swap-alias#aaaaaa pass");
        let bad = ("in_progress", "da1 smoke-test#bbbbbb fail");
        let states = |records: Vec<Found>| {
            let plan = plan(&observed(Status::Success, records), &Rules::default());
            let states: Vec<(u64, State)> = plan.tasks.iter().map(|task| (task.id, task.change.state())).collect();
            (states, plan.ended.reason)
        };
        let (tasks, reason) = states(vec![record(7, &[pass]), record(8, &[pass])]);
        assert_eq!(tasks, [(7, State::Success), (8, State::Success), (5, State::Inactive)]);
        assert_eq!(reason, "deployments 7, 8 succeeded: every check passed");
        let (tasks, reason) = states(vec![record(7, &[pass, bad]), record(8, &[pass, bad])]);
        assert_eq!(tasks, [(7, State::Failure), (8, State::Failure)]);
        assert_eq!(reason, "deployments 7, 8 are closed as not successful: smoke-test#bbbbbb said fail");
        let (tasks, _) = states(vec![record(7, &[("success", "x")]), record(8, &[pass])]);
        assert_eq!(tasks, [(8, State::Success), (5, State::Inactive)], "killed between the two");
        let (tasks, reason) = states(vec![record(7, &[("failure", "withdrawn: x")]), record(8, &[pass])]);
        assert_eq!(tasks, [(8, State::Failure)]);
        assert_eq!(reason, "deployment 8 is closed as not successful: deployment 7 failed or was withdrawn");
    }

    #[test]
    fn a_release_that_took_too_long_counts_all_the_same() {
        let minutes = Duration::from_mins;
        let table =
            [(4, false, Verdict::Pass, false), (6, false, Verdict::Pass, true), (6, true, Verdict::Fail, false)];
        for (took, over_budget_fails, verdict, warns) in table {
            let observed = Observed { took: Some(minutes(took)), ..observed(Status::Success, vec![record(7, &[])]) };
            let plan = plan(&observed, &Rules { max_duration: Some(minutes(5)), over_budget_fails });
            assert_eq!(plan.tasks[0].change, Change::Succeed);
            assert_eq!((plan.ended.ending.verdict(), plan.warning.is_some()), (verdict, warns), "{took}");
        }
    }
}
