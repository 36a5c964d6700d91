//! Waiting for the source: an image that is still being built, or a deployment that is not judged yet.

use super::promotion::Promotion;
use super::search::{Found, Purpose};
use super::unproved;
use crate::calls::deadline::Ended;
use crate::calls::poll::{Look, poll, poll_github};
use crate::outcome::{Step, Stop};
use crate::registry::{Reference, Stored};
use crate::text::human_duration;

/// How often is looked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// The registry is asked.
    Often,
    /// GitHub is asked, whose calls are counted.
    Rarely,
}

impl Promotion<'_> {
    /// The manifest of the source, as soon as it is there.
    pub(super) async fn manifest_at_source(&self, reference: Reference<'_>) -> Step<Stored> {
        let source = &self.places.source;
        let look = async |_| {
            Ok(match source.manifest(reference).await? {
                Some(stored) => Found::There(stored),
                None => Found::NotYet("it is not there".to_owned(), unproved::no_source(source, reference)),
            })
        };
        self.wait_for(Pace::Often, look).await
    }

    /// Looks until the source is there, or `wait-for-source` is over: then it is looked for once more. A refusal ends the waiting.
    pub(super) async fn wait_for<T>(&self, pace: Pace, look: impl AsyncFn(Purpose) -> Step<Found<T>>) -> Step<T> {
        let limit = self.inputs.wait_for_source.0;
        if limit.is_zero() {
            return match look(Purpose::Conclude).await? {
                Found::There(there) => Ok(there),
                Found::NotYet(_, refusal) => Err(refusal.into()),
            };
        }
        tracing::info!("the source is waited for, at most {}", human_duration(limit));
        let deadline = self.cx.calls.deadline.at_most(limit);
        let what = "the source";
        let look_once = async || match look(Purpose::Wait).await {
            Ok(Found::There(there)) => Ok(Look::Done(Ok(there))),
            Ok(Found::NotYet(state, _)) => Ok(Look::NotYet(state)),
            Err(Stop::Ended(refusal)) => Ok(Look::Done(Err(refusal))),
            Err(Stop::Error(error)) => Err(error),
        };
        let waited = match pace {
            Pace::Often => poll(&deadline, what, look_once).await,
            Pace::Rarely => poll_github(&deadline, what, look_once).await,
        };
        let is_over = |error: &anyhow::Error| error.downcast_ref() == Some(&Ended::Deadline);
        match waited {
            Err(error) if is_over(&error) && self.cx.calls.deadline.check().is_ok() => {
                match look(Purpose::Conclude).await? {
                    Found::There(there) => Ok(there),
                    Found::NotYet(_, refusal) => Err(unproved::after_waiting(refusal, limit).into()),
                }
            }
            ended => Ok(ended??),
        }
    }
}
