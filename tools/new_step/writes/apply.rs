//! The write, and the proof of it. The write names what was read (`rollout/move_alias.rs`).

use anyhow::Result;

use super::plan::Observed;
use super::report;
use crate::context::Context;
use crate::explain::failure;
use crate::lambda::{Alias, Version};
use crate::outcome::{Outcome, Step};
use crate::rollout::move_alias::{self, Moved, Written, move_alias};

/// Writes.
pub(super) async fn apply(cx: &Context, observed: &Observed, to: Version) -> Result<Written> {
    match &observed.alias {
        Some(alias) => move_alias(cx, &cx.lambda().await?, alias, to).await,
        None => Ok(Written::Superseded(None)),
    }
}

/// Reads back what serves now; or how the step ends otherwise.
pub(super) async fn read_back(
    cx: &Context,
    observed: &Observed,
    applied: Result<Written>,
) -> Step<Result<Alias, Outcome>> {
    let moved = match applied {
        Ok(written) => move_alias::read_back(cx, written).await,
        Err(error) => Err(error),
    };
    // TODO: what was written before a failure is put back, as in swap-alias (`rollout/put_back.rs`).
    match moved {
        Ok(Moved::Done(now)) => Ok(Ok(now)),
        Ok(Moved::Superseded(found)) => Ok(Err(report::superseded(observed, found.as_ref()))),
        Err(error) => Ok(Err(failure(&cx.calls.deadline, error)?)),
    }
}
