//! Follows a task to its end, with its log; stops it when its time is over, or where the step is cancelled.

use std::time::Duration;

use anyhow::Result;

use super::RunTask;
use super::backend::Backend;
use super::judge::End;
use super::log::{Reader, note_log};
use super::seen::Seen;
use crate::calls::poll::{Look, poll, poll_begun};
use crate::calls::{Deadline, Ended, error_line};
use crate::context::Context;
use crate::outcome::Step;

/// What was just started may be unknown to AWS so long.
const APPEARS: Duration = Duration::from_mins(1);
/// A task that was asked to stop is waited for so long: its containers have up to two minutes
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>, `stopTimeout`).
const STOPPING: Duration = Duration::from_mins(3);
/// After a signal, one request to stop has so long.
const AT_ONCE: Duration = Duration::from_secs(2);

/// A task and what was seen of it.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) id: String,
    pub(super) reader: Reader,
    pub(super) seen: Seen,
    /// How the wait ended.
    pub(super) wait: Wait,
    /// When it was first waited for, by the clock of the step.
    since: Duration,
}

/// How the wait for the end of a task ended.
#[derive(Debug)]
pub(super) enum Wait {
    /// With the task.
    Ended(End),
    /// The time was over. With the end of the task, where it was stopped; else with why it goes on.
    Deadline(Result<End, String>),
    /// The step was cancelled. With whether the task was asked to stop, or why not.
    Cancelled(Result<(), String>),
}

/// Follows a task that was started, or found, until it has ended.
pub(super) async fn read_back(
    step: &RunTask,
    cx: &Context,
    backend: &Backend,
    id: String,
    is_new: bool,
) -> Step<Followed> {
    let mut one = Followed {
        id,
        reader: Reader::new(step.logs),
        seen: Seen::default(),
        wait: Wait::Ended(End::Exited(0)),
        since: cx.calls.deadline.elapsed(),
    };
    let what = format!("the {} {}", backend.noun(), backend.name(&one.id));
    let waited = if is_new {
        poll_begun(&cx.calls.deadline, &what, async || one.look(cx, backend, is_new).await).await
    } else {
        poll(&cx.calls.deadline, &what, async || one.look(cx, backend, is_new).await).await
    };
    one.wait =
        match waited {
            Ok(end) => {
                one.read_rest(cx, &end).await?;
                Wait::Ended(end)
            }
            Err(error) => match error.chain().find_map(|cause| cause.downcast_ref::<Ended>()) {
                Some(Ended::Deadline) => Wait::Deadline(one.stop(step, cx, backend).await?),
                Some(Ended::Cancelled) => Wait::Cancelled(one.stop_at_once(step, cx, backend).await),
                None => return Err(error
                    .context(format!(
                        "{what} was started, and goes on: stop it with `{}`, or run the step again, which follows it",
                        backend.stopping(&one.id)
                    ))
                    .into()),
            },
        };
    Ok(one)
}

impl Followed {
    async fn look(&mut self, cx: &Context, backend: &Backend, is_new: bool) -> Result<Look<End>> {
        let Some(seen) = backend.look(cx, &self.id).await? else {
            let is_late = cx.calls.deadline.elapsed() > self.since + APPEARS;
            return Ok(if is_new && self.seen.state.is_empty() && !is_late {
                Look::NotYet("not seen yet".to_owned())
            } else {
                Look::Done(End::Unknown(
                    "AWS does not know it any more; it forgets what has stopped after an hour".to_owned(),
                ))
            });
        };
        self.see(cx, seen).await
    }

    async fn see(&mut self, cx: &Context, seen: Seen) -> Result<Look<End>> {
        let log = seen.log.or_else(|| self.seen.log.take());
        self.seen = Seen { log, ..seen };
        note_log(cx, self.seen.log.as_ref()).await?;
        self.reader.read(cx, self.seen.log.as_ref()).await?;
        Ok(match &self.seen.end {
            Some(end) => Look::Done(end.clone()),
            None => Look::NotYet(self.seen.state.clone()),
        })
    }

    async fn read_rest(&mut self, cx: &Context, end: &End) -> Result<()> {
        let has_run = matches!(end, End::Exited(_) | End::Failed(_) | End::OutOfMemory(_));
        self.reader.read_rest(cx, self.seen.log.as_ref(), has_run).await
    }

    /// Stops it when the time is over, and waits until it has stopped.
    async fn stop(&mut self, step: &RunTask, cx: &Context, backend: &Backend) -> Result<Result<End, String>> {
        if !step.stop_on_timeout.0 {
            return Ok(Err("`stop-on-timeout` is `false`".to_owned()));
        }
        let later = &cx.with_deadline(cx.calls.deadline.renew(STOPPING));
        tracing::info!("its time is over: it is asked to stop, and waited for");
        if let Err(error) = backend.stop(later, &self.id).await {
            return Ok(Err(error_line(&error)));
        }
        let what = format!("the {} to stop", backend.noun());
        let stopped = poll(&later.calls.deadline, &what, async || self.look(later, backend, false).await).await;
        Ok(match stopped {
            Ok(end) => {
                self.read_rest(later, &end).await?;
                Ok(end)
            }
            Err(error) => Err(error_line(&error)),
        })
    }

    /// Asks it to stop after a signal, where that is wanted: a request, and no waiting.
    async fn stop_at_once(&self, step: &RunTask, cx: &Context, backend: &Backend) -> Result<(), String> {
        if !step.stops_on_cancel() {
            return Err(String::new());
        }
        let (deadline, _kept) = Deadline::new(AT_ONCE);
        let later = &cx.with_deadline(deadline);
        backend.stop(later, &self.id).await.map_err(|error| error_line(&error))
    }
}
