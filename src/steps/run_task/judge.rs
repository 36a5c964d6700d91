//! How a task ended, told apart. No I/O.

use std::fmt;

use crate::aws::codebuild::{Build, BuildStatus};
use crate::calls::UnknownValue;
use crate::ecs::{ContainerName, StopCode, Task, TaskContainer};
use crate::outcome::Verdict;
use crate::text::{Foreign, LONGEST};

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It ended by itself, with this code; `CodeBuild` and Lambda tell of none but by what failed.
    Exited(i64),
    /// It failed, in words.
    Failed(String),
    /// It never ran.
    NeverStarted(String),
    /// It had no memory left.
    OutOfMemory(String),
    /// What it ran on went away.
    Interrupted(String),
    /// Somebody stopped it.
    Stopped {
        /// Why.
        why: String,
        /// What it ended with then.
        exit: Option<i64>,
    },
    /// A time-out of its own passed.
    TimedOut(String),
    /// AWS no longer says how it ended.
    Unknown(String),
}

impl End {
    /// The output `ended-as`.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Exited(_) => "exited",
            Self::Failed(_) => "failed",
            Self::NeverStarted(_) => "never-started",
            Self::OutOfMemory(_) => "out-of-memory",
            Self::Interrupted(_) => "interrupted",
            Self::Stopped { .. } => "stopped",
            Self::TimedOut(_) => "timed-out",
            Self::Unknown(_) => "unknown",
        }
    }

    /// What it means.
    pub(super) fn verdict(&self) -> Verdict {
        match self {
            Self::Exited(0) => Verdict::Pass,
            Self::Exited(_) | Self::Failed(_) | Self::NeverStarted(_) | Self::OutOfMemory(_) | Self::TimedOut(_) => {
                Verdict::Fail
            }
            Self::Interrupted(_) | Self::Stopped { .. } | Self::Unknown(_) => Verdict::Error,
        }
    }

    /// What it ended with.
    pub(super) fn exit_code(&self) -> Option<i64> {
        match self {
            Self::Exited(code) => Some(*code),
            Self::Stopped { exit, .. } => *exit,
            _ => None,
        }
    }

    /// Whether it may have begun its work and not ended it.
    pub(super) fn is_broken_off(&self) -> bool {
        !matches!(self, Self::Exited(_) | Self::Failed(_) | Self::NeverStarted(_))
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "ended with {code}"),
            Self::Failed(why) => write!(f, "failed: {why}"),
            Self::NeverStarted(why) => write!(f, "never started: {why}"),
            Self::OutOfMemory(why) => write!(f, "had no memory left: {why}"),
            Self::Interrupted(why) => write!(f, "was interrupted: {why}"),
            Self::Stopped { why, .. } => write!(f, "was stopped by somebody: {why}"),
            Self::TimedOut(why) => write!(f, "ran out of its own time: {why}"),
            Self::Unknown(why) => write!(f, "has ended, and how is not known: {why}"),
        }
    }
}

fn shown(text: Option<&Foreign>) -> Option<String> {
    text.map(|text| text.for_message(LONGEST)).filter(|text| !text.is_empty())
}

/// How a task of ECS ended, by the container that decides. What the others ended with is no matter.
///
/// # Errors
/// A stop code that this release does not know.
pub(super) fn of_task(task: &Task, container: &ContainerName) -> Result<End, UnknownValue> {
    let code = task.stop_code.as_ref().map(|code| StopCode::try_from(code.raw().to_owned())).transpose()?;
    let own = task.containers.iter().find(|one| one.name.raw() == container.as_str());
    let exit = own.and_then(|own| own.exit_code);
    let reason = own.and_then(|own| shown(own.reason.as_ref()));
    let mut why: Vec<String> = code.iter().map(ToString::to_string).collect();
    why.extend(shown(task.stopped_reason.as_ref()));
    why.extend(reason.clone().filter(|reason| !why.contains(reason)));
    let why = if why.is_empty() { "no reason is given".to_owned() } else { why.join(": ") };
    let has_no_memory = reason.as_deref().is_some_and(|reason| reason.starts_with("OutOfMemory"));
    Ok(match (code, exit) {
        (Some(StopCode::SpotInterruption | StopCode::TerminationNotice | StopCode::InfrastructureHealth), _) => {
            End::Interrupted(why)
        }
        _ if has_no_memory => End::OutOfMemory(why),
        (Some(StopCode::TaskFailedToStart), Some(code)) => {
            End::NeverStarted(format!("{why}, though container {container} ended with {code}"))
        }
        (Some(StopCode::UserInitiated | StopCode::ServiceSchedulerInitiated), exit) => End::Stopped { why, exit },
        (_, Some(code)) => End::Exited(code),
        (_, None) => End::NeverStarted(why),
    })
}

/// The containers that do not decide, one line each.
pub(super) fn sidecars(task: &Task, container: &ContainerName) -> Vec<String> {
    let others = task.containers.iter().filter(|one| one.name.raw() != container.as_str());
    let line = |one: &TaskContainer| {
        let code = one.exit_code.map_or_else(|| "has no exit code".to_owned(), |code| format!("ended with {code}"));
        let reason = shown(one.reason.as_ref()).map(|reason| format!(": {reason}")).unwrap_or_default();
        format!("container {} {code}{reason}", one.name.for_message(LONGEST))
    };
    others.map(line).collect()
}

/// How a build ended; `None` as long as it goes on.
pub(super) fn of_build(build: &Build) -> Option<End> {
    let bad = build.phases.iter().find(|phase| phase.status.as_ref().is_some_and(|status| status.raw() != "SUCCEEDED"));
    let why = bad.map_or_else(
        || "CodeBuild does not say in which phase".to_owned(),
        |phase| {
            let message = phase.message();
            let message =
                if message.is_empty() { String::new() } else { format!(": {}", message.for_message(LONGEST)) };
            format!("phase {}{message}", phase.name.for_message(LONGEST))
        },
    );
    match build.status {
        BuildStatus::InProgress => None,
        BuildStatus::Succeeded => Some(End::Exited(0)),
        BuildStatus::Failed => Some(exit_status(&why).map_or(End::Failed(why), End::Exited)),
        BuildStatus::Fault => Some(End::Interrupted(format!("CodeBuild itself failed (FAULT), {why}"))),
        BuildStatus::TimedOut => Some(End::TimedOut(why)),
        BuildStatus::Stopped => Some(End::Stopped { why, exit: None }),
    }
}

/// What a command of a build exited with: `Error while executing command: make test. Reason: exit status 2`.
fn exit_status(why: &str) -> Option<i64> {
    let rest = why.rsplit_once("exit status ")?.1;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|code| *code != 0)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn judge(stop_code: Option<&str>, containers: &Value) -> Result<End, UnknownValue> {
        let task = json!({"taskArn": "t", "stopCode": stop_code, "stoppedReason": "why", "containers": containers});
        of_task(&serde_json::from_value(task).unwrap(), &"app".parse().unwrap())
    }

    #[test]
    fn the_container_that_decides_decides() {
        let app = |code: Option<i64>, reason: Option<&str>| json!([{"name": "proxy", "exitCode": 137}, {"name": "app", "exitCode": code, "reason": reason}]);
        let exited = Some("EssentialContainerExited");
        let table = [
            (exited, app(Some(0), None), "exited", Verdict::Pass),
            (None, app(Some(0), None), "exited", Verdict::Pass),
            (exited, app(Some(3), None), "exited", Verdict::Fail),
            (exited, app(None, None), "never-started", Verdict::Fail),
            (Some("TaskFailedToStart"), app(None, Some("CannotPullContainerError")), "never-started", Verdict::Fail),
            (Some("TaskFailedToStart"), app(Some(0), None), "never-started", Verdict::Fail),
            (
                exited,
                app(Some(137), Some("OutOfMemoryError: Container killed due to memory usage")),
                "out-of-memory",
                Verdict::Fail,
            ),
            (Some("SpotInterruption"), app(Some(0), None), "interrupted", Verdict::Error),
            (Some("TerminationNotice"), app(None, None), "interrupted", Verdict::Error),
            (Some("InfrastructureHealth"), app(Some(0), None), "interrupted", Verdict::Error),
            (Some("UserInitiated"), app(Some(143), None), "stopped", Verdict::Error),
            (exited, json!([{"name": "proxy", "exitCode": 0}]), "never-started", Verdict::Fail),
        ];
        for (code, containers, word, verdict) in table {
            let end = judge(code, &containers).unwrap();
            assert_eq!((end.word(), end.verdict()), (word, verdict), "{code:?} {containers}");
        }
        assert!(judge(Some("Tired"), &json!([])).unwrap_err().to_string().contains("stopCode of a task is Tired"));
    }

    #[test]
    fn what_a_command_of_a_build_exited_with_is_read_of_its_phase() {
        let build = |status: &str, message: &str| {
            let phases = json!([{"phaseType": "INSTALL", "phaseStatus": "SUCCEEDED"},
                {"phaseType": "BUILD", "phaseStatus": "FAILED", "contexts": [{"statusCode": "COMMAND_EXECUTION_ERROR", "message": message}]}]);
            of_build(&serde_json::from_value(json!({"id": "p:1", "buildStatus": status, "phases": phases})).unwrap())
                .unwrap()
        };
        assert_eq!(build("FAILED", "Error while executing command: make test. Reason: exit status 2"), End::Exited(2));
        assert!(
            matches!(build("FAILED", "no such file"), End::Failed(why) if why.contains("phase BUILD: COMMAND_EXECUTION_ERROR: no such file"))
        );
        assert_eq!(
            (build("FAULT", "x").verdict(), build("STOPPED", "x").verdict(), build("TIMED_OUT", "x").verdict()),
            (Verdict::Error, Verdict::Error, Verdict::Fail)
        );
    }
}
