//! Carries the plan out. Each write names what was read, and is read back (`rollout/move_alias.rs`).

use super::plan::Observed;
use super::report;
use crate::context::Context;
use crate::explain::error_outcome;
use crate::lambda::{Alias, Lambda, Version};
use crate::outcome::{Outcome, Step};
use crate::rollout::move_alias::{Moved, move_alias};

/// What serves then, or how it ended otherwise.
pub(super) async fn apply(
    cx: &Context,
    lambda: &Lambda,
    observed: &Observed,
    to: Version,
) -> Step<Result<Alias, Outcome>> {
    let Some(alias) = &observed.alias else { return Ok(Err(report::nothing_to_do(observed))) };
    // TODO: what was written before a failure is put back, as in swap-alias (`rollout/put_back.rs`).
    match move_alias(cx, lambda, alias, to).await {
        Ok(Moved::Done(now)) => Ok(Ok(now)),
        Ok(Moved::Superseded(found)) => Ok(Err(report::superseded(alias, found.as_ref()))),
        Err(error) if cx.calls.deadline.is_cancelled() => Err(error.into()),
        Err(error) => Ok(Err(error_outcome(&error))),
    }
}
