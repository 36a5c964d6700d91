//! Releases: the records of one run, environment and component together, as a matrix makes several, and how they ended.

use time::{Duration, OffsetDateTime};

use crate::action::inputs::CommitSha;
use crate::github::{State, Status};
use crate::record::status_line::{StatusLine, last_words};
use crate::record::{Entry, Kind};

/// A record that nobody has ended after this long is abandoned: no job runs longer
/// (<https://docs.github.com/en/actions/reference/limits>).
const LONGEST_JOB: Duration = Duration::hours(120);
/// The step whose lines say how often it asked.
const HEALTH: &str = "health-check-with-backoff";

/// How a release ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It serves, or did until a newer one came.
    Succeeded,
    /// It goes on.
    Open,
    /// Nobody has ended it, and nobody will.
    Abandoned,
    /// It ended without a judgement.
    Errored,
    /// It was judged bad, or withdrawn.
    Failed,
}

impl Outcome {
    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Open => "in progress",
            Self::Abandoned => "abandoned",
            Self::Errored => "error",
            Self::Failed => "failed",
        }
    }
}

/// A release.
#[derive(Clone, Debug)]
pub struct Release {
    /// Where.
    pub environment: String,
    /// Which app.
    pub component: String,
    /// Forward or back.
    pub kind: Kind,
    /// What it brought.
    pub commit: Option<CommitSha>,
    /// When its first record was made: immediately before its first write.
    pub made: OffsetDateTime,
    /// When the last of its records ended.
    pub ended: Option<OffsetDateTime>,
    /// How.
    pub outcome: Outcome,
    /// How long that took, without the time in which it waited for an approval.
    pub worked: Option<Duration>,
    /// How often its health checks had to ask again.
    pub retries: Vec<u64>,
    run: Option<u64>,
}

impl Outcome {
    /// What became of a record, from its statuses, newest first.
    #[must_use]
    pub fn of(statuses: &[Status], made: OffsetDateTime, now: OffsetDateTime) -> Self {
        match statuses.iter().find(|status| ends(status.state)).map(|status| (status.state, StatusLine::of(status))) {
            Some((State::Success, _)) => Self::Succeeded,
            Some((State::Failure, _)) => Self::Failed,
            // Closed by another run, because its own is over: no step has said how it went.
            Some((_, None)) => Self::Abandoned,
            Some((_, Some(_))) => Self::Errored,
            None if now - made > LONGEST_JOB => Self::Abandoned,
            None => Self::Open,
        }
    }
}

/// The releases of records with their statuses, newest first, in the order in which they were made. Candidates are none.
#[must_use]
pub fn releases<'r>(
    records: impl IntoIterator<Item = (&'r str, &'r Entry, &'r [Status])>,
    now: OffsetDateTime,
) -> Vec<Release> {
    let mut all: Vec<Release> = Vec::new();
    for (environment, entry, statuses) in records {
        let (payload, Some(made)) = (&entry.payload, entry.made()) else { continue };
        if !payload.serves {
            continue;
        }
        let first_end = statuses.iter().rfind(|status| ends(status.state)).and_then(Status::at);
        let one = Release {
            environment: environment.to_owned(),
            component: payload.component.clone(),
            kind: payload.kind,
            commit: payload.commit.parse().ok(),
            made,
            ended: first_end,
            outcome: Outcome::of(statuses, made, now),
            worked: first_end.map(|end| end - made - waited(statuses)),
            retries: retries(statuses),
            run: payload.run.map(|run| run.id),
        };
        let is_same = |known: &&mut Release| {
            known.run.is_some()
                && (known.run, known.kind) == (one.run, one.kind)
                && (&known.environment, &known.component) == (&one.environment, &one.component)
        };
        match all.iter_mut().find(is_same) {
            Some(known) => known.join(one),
            None => all.push(one),
        }
    }
    all.sort_by_key(|release| release.made);
    all
}

impl Release {
    /// One more record of the same: it has ended when all have, and succeeded when all did.
    fn join(&mut self, other: Self) {
        self.outcome = self.outcome.max(other.outcome);
        self.made = self.made.min(other.made);
        self.ended = self.ended.zip(other.ended).map(|(one, other)| one.max(other));
        self.worked = self.worked.zip(other.worked).map(|(one, other)| one.max(other));
        self.retries.extend(other.retries);
    }
}

fn ends(state: State) -> bool {
    matches!(state, State::Success | State::Failure | State::Error)
}

/// How long a record waited for somebody: from each `waiting` to what came after it.
fn waited(statuses: &[Status]) -> Duration {
    let oldest_first: Vec<&Status> = statuses.iter().rev().collect();
    let pairs = oldest_first.windows(2).filter(|pair| pair[0].state == State::Waiting);
    pairs.filter_map(|pair| Some(pair[1].at()? - pair[0].at()?)).sum()
}

/// How often health checks asked again, by the last word of each.
fn retries(statuses: &[Status]) -> Vec<u64> {
    let lines = last_words(statuses).into_iter().filter(|line| line.step == HEALTH);
    let attempts = lines.filter_map(|line: StatusLine| line.figure("attempts")?.parse::<u64>().ok());
    attempts.map(|attempts| attempts.saturating_sub(1)).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A moment so many minutes after the beginning.
    pub(crate) fn minute(minute: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_767_225_600 + minute * 60).unwrap()
    }

    fn text(at: i64) -> String {
        crate::action::report::time(minute(at))
    }

    /// A record that was made in this minute, by this run.
    pub(crate) fn entry(made: i64, run: u64, more: &Value) -> Entry {
        let mut payload = json!({
            "schema": 1, "component": "shop", "kind": "deploy", "commit": "a".repeat(40), "targets": [],
            "run": {"id": run, "attempt": 1},
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            payload[name] = value.clone();
        }
        let payload = serde_json::from_value(payload).unwrap();
        Entry { id: u64::try_from(made).unwrap(), created_at: text(made), payload }
    }

    /// Statuses, newest first, from minutes, states and descriptions, oldest first.
    pub(crate) fn statuses(written: &[(i64, &str, &str)]) -> Vec<Status> {
        let status = |(at, state, words): &(i64, &str, &str)| Status {
            created_at: text(*at),
            ..Status::now((*state).to_owned().try_into().unwrap(), words)
        };
        written.iter().rev().map(status).collect()
    }

    #[test]
    fn what_became_of_a_record_is_read_from_its_statuses() {
        let bad = "da1 swap-alias#3f2a1b error it could not be read";
        let table = [
            (vec![(1, "success", ""), (2, "inactive", "")], Outcome::Succeeded),
            (vec![(1, "success", ""), (2, "failure", "withdrawn: x")], Outcome::Failed),
            (vec![(1, "error", bad)], Outcome::Errored),
            (vec![(1, "error", "run ended")], Outcome::Abandoned),
            (vec![(1, "in_progress", "")], Outcome::Open),
            (vec![], Outcome::Open),
            (vec![(1, "failure", bad), (2, "success", "")], Outcome::Succeeded),
        ];
        for (written, outcome) in table {
            assert_eq!(Outcome::of(&statuses(&written), minute(0), minute(10)), outcome, "{written:?}");
        }
        assert_eq!(Outcome::of(&[], minute(0), minute(8000)), Outcome::Abandoned, "the runner died");
    }

    #[test]
    fn an_approval_that_was_waited_for_is_no_part_of_the_duration() {
        let two_days = 2 * 24 * 60;
        let said = statuses(&[(0, "waiting", ""), (two_days, "in_progress", ""), (two_days + 7, "success", "")]);
        let all = releases([("prd", &entry(0, 1, &json!({})), said.as_slice())], minute(two_days + 10));
        assert_eq!(all[0].worked, Some(Duration::minutes(7)));
    }

    #[test]
    fn the_records_of_one_run_are_one_release_that_succeeded_when_each_did() {
        let good = statuses(&[(3, "success", "")]);
        let bad = statuses(&[(9, "failure", "da1 swap-alias#1 fail x")]);
        let check = statuses(&[
            (1, "in_progress", "da1 health-check-with-backoff#3f2a pass attempts=3 ms=412"),
            (5, "success", ""),
        ]);
        let [one, other] = [entry(0, 1, &json!({})), entry(1, 1, &json!({}))];
        let (later, back) = (entry(2, 2, &json!({})), entry(4, 2, &json!({"kind": "rollback"})));
        let candidate = entry(6, 3, &json!({"serves": false}));
        let records = [
            ("prd", &one, good.as_slice()),
            ("prd", &other, bad.as_slice()),
            ("prd", &later, check.as_slice()),
            ("prd", &back, good.as_slice()),
            ("prd", &candidate, good.as_slice()),
        ];
        let all = releases(records, minute(20));
        let shown: Vec<_> = all.iter().map(|one| (one.kind, one.outcome, one.retries.clone())).collect();
        assert_eq!(
            shown,
            [
                (Kind::Deploy, Outcome::Failed, vec![]),
                (Kind::Deploy, Outcome::Succeeded, vec![2]),
                (Kind::Rollback, Outcome::Succeeded, vec![]),
            ]
        );
        assert_eq!(all[0].worked, Some(Duration::minutes(8)));
    }
}
