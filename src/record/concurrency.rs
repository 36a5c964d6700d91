//! Open records of other runs: somebody else who changes the same targets at the same time, or a run that died over it.

use std::time::Duration;

use anyhow::Result;
use time::OffsetDateTime;

use super::history::{Entry, History};
use super::hold::admit;
use super::inputs::{OnConcurrent, RecordInputs};
use super::payload::{doer, is_same_run};
use super::run::{component, is_denied, places, this_run, unreadable};
use super::target::Target;
use crate::action::inputs::EnvironmentName;
use crate::calls::deadline::Ended;
use crate::calls::poll::{Look, poll_github};
use crate::calls::{error_line, log_not_determined};
use crate::context::Context;
use crate::github::State;
use crate::outcome::{Outcome, Step, Stop};
use crate::text::{human_duration, message};

/// What is kept of the step's time for its own work, after it waited for another run.
const RESERVED: Duration = Duration::from_secs(30);

/// For so long after it was made, an open record of a terminal is one that somebody is at work on.
const AT_TERMINAL: time::Duration = time::Duration::hours(1);

/// What other runs do at the places that a step is about to write to.
#[derive(Debug)]
pub enum Concurrency {
    /// No other run is in the way. The records so far, where they could be read.
    Clear(Option<History>),
    /// Another run was, and has ended: what was observed before may have changed.
    Waited,
}

/// Another run's open record.
struct Other<'a> {
    entry: &'a Entry,
    /// The state of the run, as GitHub reports it; unknown without `actions: read`.
    status: String,
}

/// Looks for open records of other runs for the same places. Those whose run is over are closed. For runs in progress the input
/// decides. Attempts of this run are this run. A commit that is held at its place is refused.
///
/// # Errors
/// A refusal; or GitHub gives no usable answer. Without a usable token or permission the step continues: that is reported when the
/// record is made.
pub async fn look_for_others(
    cx: &Context,
    inputs: &RecordInputs,
    by_default: OnConcurrent,
    targets: &[Target],
) -> Step<Concurrency> {
    let Some(environment) = inputs.kept_in(cx) else { return Ok(Concurrency::Clear(None)) };
    let history = match History::read(cx, environment, &component(cx), &places(targets)).await {
        Ok(history) => history,
        Err(error) if unreadable(&error) => {
            tracing::info!("the records so far could not be read: {}", error_line(&error));
            return Ok(Concurrency::Clear(None));
        }
        Err(error) => return Err(error.into()),
    };
    let checked = async {
        if look_among(cx, inputs, by_default, environment, &history).await? {
            return Ok(None);
        }
        admit(cx, &history, targets).await.map(Some)
    };
    match checked.await {
        Ok(None) => Ok(Concurrency::Waited),
        Ok(Some(admitted)) => Ok(Concurrency::Clear(Some(history.admitting(admitted)))),
        Err(Stop::Error(error)) if unreadable(&error) => {
            cx.report.warn(format!(
                "whether another run is at the same targets, or the commit is held there, could not be determined: {}",
                error_line(&error)
            ));
            Ok(Concurrency::Clear(Some(history)))
        }
        Err(stop) => Err(stop),
    }
}

/// The same among records that were read already; true when others were in the way, and were waited for.
///
/// # Errors
/// A refusal when they are in the way; or GitHub gives no usable answer.
pub async fn look_among(
    cx: &Context,
    inputs: &RecordInputs,
    by_default: OnConcurrent,
    environment: &EnvironmentName,
    history: &History,
) -> Step<bool> {
    let others = in_progress(cx, history).await?;
    let Some(first) = others.first() else { return Ok(false) };
    let found = description(cx, environment, first);
    match inputs.on_concurrent.unwrap_or(by_default) {
        OnConcurrent::Fail => Err(refusal(cx, environment, &found).into()),
        OnConcurrent::Ignore => {
            cx.report.warn(format!("{found}: this step continues all the same, because of `on-concurrent: ignore`"));
            Ok(false)
        }
        OnConcurrent::Wait if cx.is_dry_run() => {
            tracing::info!("{found}: this step would wait for it");
            Ok(false)
        }
        OnConcurrent::Wait => {
            for other in &others {
                if !wait_for_end(cx, history, other.entry).await? {
                    return Err(refusal(cx, environment, &format!("{found}; timed out waiting for it")).into());
                }
            }
            Ok(true)
        }
    }
}

/// The open records of other runs that are, or may be, in progress, newest first. Those of runs that are over are closed.
async fn in_progress<'h>(cx: &Context, history: &'h History) -> Result<Vec<Other<'h>>> {
    let mut found = Vec::new();
    for entry in history.open(cx).await? {
        if is_same_run(entry.payload.run, this_run(cx)) {
            continue;
        }
        match status_of(cx, entry).await? {
            Some(status) => found.push(Other { entry, status }),
            None => close(cx, history, entry).await,
        }
    }
    Ok(found)
}

/// Closes what runs that are over left open, where there is nothing to write and no other run matters.
pub(super) async fn close_ended(cx: &Context, history: &History) {
    if let Err(error) = in_progress(cx, history).await {
        log_not_determined("whether other runs left records open", &error);
    }
}

/// What is known of whoever made a record; nothing when that is over.
async fn status_of(cx: &Context, entry: &Entry) -> Result<Option<String>> {
    if let Some(run) = entry.payload.run {
        return run_status(cx, run.id).await;
    }
    let by = entry.payload.actor.as_deref().unwrap_or("an unknown user");
    Ok(is_at_work(entry.made(), OffsetDateTime::now_utc()).then(|| format!("of {by}")))
}

/// Whether a terminal may still be at work on a record that was made then: nobody can be asked.
fn is_at_work(made: Option<OffsetDateTime>, now: OffsetDateTime) -> bool {
    made.is_none_or(|made| now - made < AT_TERMINAL)
}

/// The status of a run; nothing when it is over. A run that GitHub no longer has is over: only such may be deleted. One that may
/// not be asked about is assumed to be running.
/// <https://docs.github.com/en/rest/actions/workflow-runs#delete-a-workflow-run>
async fn run_status(cx: &Context, run: u64) -> Result<Option<String>> {
    match cx.github().await?.run_if_any(run).await {
        Ok(found) => Ok(found
            .filter(|run| !run.is_over())
            .map(|run| run.status.map_or_else(String::new, |status| status.to_string()))),
        Err(error) if is_denied(&error) => {
            cx.report.warn(message!(
                "run-state-unknown", "whether run {run} is over could not be determined, so it is assumed to be running: {}; give the job the permission \
                 `actions: read`",
                error_line(&error)
            ));
            Ok(Some("unknown".to_owned()))
        }
        Err(error) => Err(error),
    }
}

/// Ends the record of a run that will not do it any more.
async fn close(cx: &Context, history: &History, entry: &Entry) {
    let what = message!(
        "record-left-open",
        "record: deployment {} was left open by {}, which is over",
        entry.id,
        doer(entry.payload.run)
    );
    if cx.is_dry_run() {
        tracing::info!("{what}: it would be closed");
        return;
    }
    let added = match cx.github().await {
        Ok(github) => github.add_status(entry.id, State::Error, "run ended", None).await,
        Err(error) => Err(error),
    };
    match added {
        Ok(()) => {
            tracing::info!("{what}: it is closed as an error");
            history.note(entry.id, State::Error, "run ended");
        }
        Err(error) => cx.report.warn(format!("{what}, and could not be closed: {}", error_line(&error))),
    }
}

/// Waits until a record is closed or its run is over; false when the time for that has passed.
async fn wait_for_end(cx: &Context, history: &History, entry: &Entry) -> Result<bool> {
    let (run, id) = (doer(entry.payload.run), entry.id);
    let limit = cx.calls.deadline.remaining().saturating_sub(RESERVED);
    let cx = &cx.with_deadline(cx.calls.deadline.at_most(limit));
    tracing::info!("waiting for {run} to close its record, deployment {id}: at most {}", human_duration(limit));
    let waited = poll_github(&cx.calls.deadline, &run, async || {
        history.forget(id);
        if !history.is_open(cx, entry).await? {
            return Ok(Look::Done(()));
        }
        if let Some(status) = status_of(cx, entry).await? {
            return Ok(Look::NotYet(format!("{status}, and its record is open")));
        }
        close(cx, history, entry).await;
        Ok(Look::Done(()))
    });
    match waited.await {
        Ok(()) => Ok(true),
        Err(error) if Ended::by_deadline(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

fn description(cx: &Context, environment: &EnvironmentName, other: &Other<'_>) -> String {
    let (run, id) = (other.entry.payload.run, other.entry.id);
    let repository = cx.runner.github_repository.as_deref();
    let page = repository
        .zip(run)
        .and_then(|(repository, run)| cx.runner.page_of_run(repository, run.id))
        .map(|page| format!(" ({page})"))
        .unwrap_or_default();
    message!(
        "concurrent-run",
        "{} ({}) deploys {} to {environment} too: its record, deployment {id} of {}, is open{page}",
        doer(run),
        other.status,
        component(cx),
        other.entry.created_at
    )
}

fn refusal(cx: &Context, environment: &EnvironmentName, found: &str) -> Outcome {
    Outcome::superseded(format!("{found}; nothing was written"))
        .advise(format!(
            "let one wait for the other: give the jobs of both workflows \
             `concurrency: {{group: deploy-{environment}-{}, cancel-in-progress: false}}`",
            component(cx)
        ))
        .advise("run this job again once that run is over; `on-concurrent: wait` waits for it, `on-concurrent: ignore` ignores it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::moment;

    #[test]
    fn a_terminal_is_taken_to_be_at_work_for_an_hour() {
        let now = moment("2026-11-29T12:00:00Z").unwrap();
        let table = [("2026-11-29T11:00:01Z", true), ("2026-11-29T11:00:00Z", false), ("no time", true)];
        for (made, expected) in table {
            assert_eq!(is_at_work(moment(made), now), expected, "{made}");
        }
    }
}
