//! What becomes of a record, from how the job ended and what the steps said. No I/O.

use crate::github::{State, Status};
use crate::record::Standing;
use crate::record::status_line::{Said, last_words};
use crate::text::message_str;

/// How the job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JobStatus {
    /// Every step before this one passed.
    Success,
    /// One failed.
    Failure,
    /// It was cancelled.
    Cancelled,
}

/// What is to be done with a record.
#[derive(Debug, PartialEq)]
pub(super) enum Decision {
    /// It says so already.
    Already(&'static str),
    /// It cannot become what the job says.
    Refused(String),
    /// Close it so, because.
    Close(State, String),
}

/// A release counts only when the job passed, and no check's last word about it was bad. Too little data is no bad word.
pub(super) fn decide(result: JobStatus, statuses: &[Status]) -> Decision {
    let is_bad = |verdict: &str| matches!(verdict, "fail" | "error" | "superseded" | "cancelled");
    let words = last_words(statuses);
    let bad: Vec<&Said> = words.iter().filter(|said| is_bad(&said.verdict)).collect();
    let said = bad.iter().map(|said| format!("{} said {}", said.check(), said.verdict)).collect::<Vec<_>>().join("; ");
    match (Standing::of(statuses), result) {
        (Standing::Succeeded, JobStatus::Success) => Decision::Already("is closed as a success already"),
        (Standing::Failed, JobStatus::Success) => Decision::Refused(
            message_str!("deployment-failed", "failed or was withdrawn, and cannot become a success").to_owned(),
        ),
        (Standing::Failed, _) => Decision::Already("is closed as a failure already"),
        (Standing::Open, JobStatus::Success) if bad.is_empty() => {
            Decision::Close(State::Success, "every check passed".to_owned())
        }
        (Standing::Open, JobStatus::Success) => Decision::Close(State::Failure, said),
        (_, JobStatus::Failure) if bad.is_empty() => Decision::Close(State::Failure, "the job failed".to_owned()),
        (_, JobStatus::Failure) => Decision::Close(State::Failure, format!("the job failed: {said}")),
        (_, JobStatus::Cancelled) => Decision::Close(State::Error, "the job was cancelled".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Case<'a> = (&'a str, JobStatus, &'a [(&'a str, &'a str)], Decision);

    #[test]
    fn a_release_counts_only_when_everything_passed() {
        let close = |state, told: &str| Decision::Close(state, told.to_owned());
        // Oldest first, as they were written.
        let table: [Case<'_>; 12] = [
            (
                "all passed",
                JobStatus::Success,
                &[("in_progress", "da1 swap-alias pass api=42")],
                close(State::Success, "every check passed"),
            ),
            (
                "a check failed and the job went on",
                JobStatus::Success,
                &[
                    ("in_progress", "da1 swap-alias pass"),
                    ("in_progress", "da1 health-check-with-backoff fail attempts=3"),
                ],
                close(State::Failure, "health-check-with-backoff said fail"),
            ),
            (
                "a check failed and passed when repeated",
                JobStatus::Success,
                &[
                    ("in_progress", "da1 health-check-with-backoff fail"),
                    ("in_progress", "da1 health-check-with-backoff pass"),
                ],
                close(State::Success, "every check passed"),
            ),
            (
                "the job failed",
                JobStatus::Failure,
                &[("in_progress", "da1 swap-alias pass")],
                close(State::Failure, "the job failed"),
            ),
            (
                "one check failed and another of the same step passed",
                JobStatus::Success,
                &[
                    ("in_progress", "da1 health-check-with-backoff#aaaaaa fail attempts=3 health of https://a/"),
                    ("in_progress", "da1 health-check-with-backoff#bbbbbb pass attempts=1"),
                ],
                close(State::Failure, "health-check-with-backoff#aaaaaa (health of https://a/) said fail"),
            ),
            ("the job was cancelled", JobStatus::Cancelled, &[], close(State::Error, "the job was cancelled")),
            (
                "closed already",
                JobStatus::Success,
                &[("success", "x")],
                Decision::Already("is closed as a success already"),
            ),
            (
                "withdrawn",
                JobStatus::Failure,
                &[("failure", "withdrawn: x")],
                Decision::Already("is closed as a failure already"),
            ),
            (
                "withdrawn after success, and the job says success",
                JobStatus::Success,
                &[("success", "x"), ("failure", "withdrawn: x")],
                Decision::Refused("failed or was withdrawn, and cannot become a success".to_owned()),
            ),
            (
                "a success whose job failed later",
                JobStatus::Failure,
                &[("success", "x")],
                close(State::Failure, "the job failed"),
            ),
            (
                "a foreign status",
                JobStatus::Success,
                &[("in_progress", "da1"), ("queued", "")],
                close(State::Success, "every check passed"),
            ),
            (
                "inconclusive",
                JobStatus::Success,
                &[("in_progress", "da1 monitor inconclusive")],
                close(State::Success, "every check passed"),
            ),
        ];
        for (case, result, statuses, decision) in table {
            assert_eq!(decide(result, &Status::newest_first(statuses)), decision, "{case}");
        }
    }
}
