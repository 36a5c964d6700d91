//! What dispatch decides from what GitHub answers. No I/O.

use sha2::{Digest as _, Sha256};

use super::values::{ID_INPUT, ID_PROPERTY};
use crate::github::{CommitState, CommitStatus, Conclusion, RunStatus, WorkflowRun};
use crate::text::message;

/// Who asks for what: the same for all attempts of a run, and for nothing else.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking<'a> {
    /// Our repository.
    pub repository: &'a str,
    /// Our run, but not its attempt.
    pub run: u64,
    /// Our job, and our step in it.
    pub step: (&'a str, &'a str),
    /// The repository that is asked.
    pub target: &'a str,
    /// The workflow's file or the event's type.
    pub what: &'a str,
    /// The branch or tag, if one is named.
    pub git_ref: &'a str,
    /// What it is given, as JSON.
    pub given: &'a str,
}

impl Asking<'_> {
    /// The correlation id, `da-` and sixteen hexadecimal digits.
    pub(super) fn id(&self) -> String {
        let run = self.run.to_string();
        let (job, step) = self.step;
        let parts = [self.repository, &run, job, step, self.target, self.what, self.git_ref, self.given];
        let mut hash = Sha256::new();
        for part in parts {
            // With its length, so that no two lists of parts run into the same text.
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        let digits = hash.finalize().iter().take(8).fold(0_u64, |digits, byte| digits << 8 | u64::from(*byte));
        format!("da-{digits:016x}")
    }
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Nothing of ours goes on or has succeeded: start it. These runs of earlier attempts are over.
    Start { over: Vec<u64> },
    /// An earlier attempt of our run started this one: it goes on, or has succeeded.
    Follow(WorkflowRun),
}

/// Decides from the runs, newest first.
///
/// # Errors
/// Several workflows show our id, so that nobody knows which is meant.
pub(super) fn plan(runs: &[WorkflowRun], id: &str) -> Result<Plan, String> {
    let ours: Vec<&WorkflowRun> = runs.iter().filter(|run| run.display_title.contains(id)).collect();
    if let Some(why) = several(&ours) {
        return Err(why);
    }
    Ok(match ours.first() {
        Some(newest) if has_ended_badly(newest) => Plan::Start { over: ours.iter().map(|run| run.id).collect() },
        Some(newest) => Plan::Follow((*newest).clone()),
        None => Plan::Start { over: Vec::new() },
    })
}

/// The run that a dispatch has started: the one with our id that was not there before.
pub(super) fn find_started(runs: &[WorkflowRun], id: &str, over: &[u64]) -> Result<Option<WorkflowRun>, String> {
    let new = |run: &&WorkflowRun| run.display_title.contains(id) && !over.contains(&run.id);
    let ours: Vec<&WorkflowRun> = runs.iter().filter(new).collect();
    match several(&ours) {
        Some(why) => Err(why),
        None => Ok(ours.first().map(|run| (*run).clone())),
    }
}

fn several(ours: &[&WorkflowRun]) -> Option<String> {
    let first = ours.first()?;
    let other = ours.iter().find(|run| run.path != first.path)?;
    Some(message!(
        "ambiguous-run",
        "both {} (run {}) and {} (run {}) show the id in their names",
        first.path,
        first.id,
        other.path,
        other.id
    ))
}

fn has_ended_badly(run: &WorkflowRun) -> bool {
    matches!(Standing::of(run), Standing::Ended(conclusion) if conclusion != Conclusion::Success)
}

/// How a run stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It goes on.
    Going(String),
    /// It waits for somebody to approve it.
    Waiting(String),
    /// It is over, with this conclusion.
    Ended(Conclusion),
}

impl Standing {
    pub(super) fn of(run: &WorkflowRun) -> Self {
        let status = run.status.map_or("in an unknown state", RunStatus::word).replace('_', " ");
        let attempt = if run.run_attempt > 1 { format!(", attempt {}", run.run_attempt) } else { String::new() };
        match (run.status, run.conclusion) {
            (Some(RunStatus::Completed), Some(conclusion)) => Self::Ended(conclusion),
            (Some(RunStatus::Waiting), _) => Self::Waiting(format!("it waits for an approval{attempt}")),
            _ => Self::Going(format!("it is {status}{attempt}")),
        }
    }
}

/// From when on a status of our commit counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Counts {
    /// After the one of this number, the newest before the dispatch; 0 when there was none.
    After(u64),
    /// Since the run of an earlier attempt was made, RFC 3339, UTC.
    Since(String),
}

impl Counts {
    /// The state of a status that counts: an older one is about something else.
    pub(super) fn state(&self, status: Option<&CommitStatus>) -> Option<CommitState> {
        let counts = |status: &&CommitStatus| match self {
            Self::After(id) => status.id > *id,
            Self::Since(time) => status.created_at >= *time,
        };
        status.filter(counts).map(|status| status.state)
    }
}

/// What the receiver has to say for its run to be found, a line each.
pub(super) fn receiver_lines(by_workflow: bool) -> Vec<String> {
    if by_workflow {
        return vec![
            format!("run-name: ${{{{ github.workflow }}}} ${{{{ inputs.{ID_INPUT} }}}}"),
            format!("and under its `workflow_dispatch:`, to `inputs:`, {ID_INPUT}: {{type: string, required: false}}"),
        ];
    }
    vec![format!("run-name: ${{{{ github.workflow }}}} ${{{{ github.event.client_payload.{ID_PROPERTY}.id }}}}")]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: u64, title: &str, status: &str, conclusion: Option<&str>) -> WorkflowRun {
        WorkflowRun {
            id,
            run_attempt: 1,
            display_title: title.to_owned(),
            path: ".github/workflows/a.yml".to_owned(),
            status: Some(status.to_owned().try_into().unwrap()),
            conclusion: conclusion.map(|word| word.to_owned().try_into().unwrap()),
            created_at: "2026-11-21T10:00:00Z".to_owned(),
            run_started_at: None,
        }
    }

    #[test]
    fn an_earlier_attempt_is_followed_unless_it_ended_badly() {
        let table = [
            (vec![], None),
            (vec![run(1, "other da-2", "in_progress", None)], None),
            (vec![run(1, "a da-1 b", "queued", None)], Some(1)),
            (vec![run(1, "da-1", "waiting", None)], Some(1)),
            (vec![run(1, "da-1", "completed", Some("success"))], Some(1)),
            (vec![run(1, "da-1", "completed", Some("failure"))], None),
            (vec![run(1, "da-1", "completed", Some("cancelled"))], None),
            (vec![run(1, "da-1", "completed", Some("neutral"))], None),
            // Run again after it had failed.
            (vec![WorkflowRun { run_attempt: 2, ..run(1, "da-1", "in_progress", None) }], Some(1)),
            // Newest first: the first failed, the second attempt's goes on.
            (vec![run(2, "da-1", "in_progress", None), run(1, "da-1", "completed", Some("failure"))], Some(2)),
            (vec![run(2, "da-1", "completed", Some("failure")), run(1, "da-1", "completed", Some("success"))], None),
        ];
        for (runs, follows) in table {
            let over = runs.iter().filter(|run| run.display_title.contains("da-1")).map(|run| run.id).collect();
            match (plan(&runs, "da-1"), follows) {
                (Ok(Plan::Follow(run)), Some(id)) => assert_eq!(run.id, id),
                (plan, None) => assert_eq!(plan, Ok(Plan::Start { over }), "{runs:?}"),
                (plan, _) => panic!("{plan:?}: {runs:?}"),
            }
        }
    }

    #[test]
    fn an_id_that_several_workflows_show_tells_nothing() {
        let other = WorkflowRun { path: ".github/workflows/b.yml".to_owned(), ..run(2, "da-1", "queued", None) };
        let runs = [other, run(1, "da-1", "queued", None)];
        let why = "both .github/workflows/b.yml (run 2) and .github/workflows/a.yml (run 1) show the id in their names";
        assert_eq!(plan(&runs, "da-1"), Err(why.to_owned()));
        assert_eq!(find_started(&runs, "da-1", &[]), Err(why.to_owned()));
        assert_eq!(find_started(&runs, "da-1", &[1]).map(|run| run.map(|run| run.id)), Ok(Some(2)));
        assert_eq!(find_started(&runs, "da-1", &[1, 2]), Ok(None));
    }

    #[test]
    fn a_run_stands_as_github_says() {
        let again = WorkflowRun { run_attempt: 2, ..run(1, "", "in_progress", None) };
        let table = [
            (run(1, "", "queued", None), Standing::Going("it is queued".to_owned())),
            (again, Standing::Going("it is in progress, attempt 2".to_owned())),
            (run(1, "", "waiting", None), Standing::Waiting("it waits for an approval".to_owned())),
            (run(1, "", "completed", Some("timed_out")), Standing::Ended(Conclusion::TimedOut)),
            (run(1, "", "completed", None), Standing::Going("it is completed".to_owned())),
            (
                WorkflowRun { status: None, ..run(1, "", "queued", None) },
                Standing::Going("it is in an unknown state".to_owned()),
            ),
        ];
        for (run, standing) in table {
            assert_eq!(Standing::of(&run), standing);
        }
    }

    #[test]
    fn a_status_of_before_does_not_count() {
        let status = |id, created_at: &str| CommitStatus {
            id,
            state: CommitState::Success,
            context: "integration".to_owned(),
            target_url: None,
            created_at: created_at.to_owned(),
        };
        let at_ten = status(7, "2026-11-21T10:00:00Z");
        let table = [
            (Counts::After(6), Some(&at_ten), Some(CommitState::Success)),
            (Counts::After(7), Some(&at_ten), None),
            (Counts::After(0), None, None),
            (Counts::Since("2026-11-21T10:00:00Z".to_owned()), Some(&at_ten), Some(CommitState::Success)),
            (Counts::Since("2026-11-21T10:00:01Z".to_owned()), Some(&at_ten), None),
        ];
        for (counts, newest, state) in table {
            assert_eq!(counts.state(newest), state, "{counts:?}");
        }
    }

    #[test]
    fn the_id_is_that_of_the_run_whatever_its_attempt_and_of_what_is_asked() {
        let asking = Asking {
            repository: "org/shop",
            run: 700,
            step: ("deploy", "integration"),
            target: "org/main",
            what: "integration.yml",
            git_ref: "main",
            given: "{}",
        };
        let id = asking.id();
        assert!(id.len() == 19 && id.starts_with("da-"), "{id}");
        assert_eq!(asking.id(), id);
        let others = [
            Asking { run: 701, ..asking },
            Asking { step: ("deploy", "other"), ..asking },
            Asking { step: ("deployi", "ntegration"), ..asking },
            Asking { target: "org/other", ..asking },
            Asking { given: r#"{"a":"1"}"#, ..asking },
        ];
        for other in others {
            assert_ne!(other.id(), id, "{other:?}");
        }
    }
}
