//! Carries the plan out: the record, the guarded write, what was read back.

use super::plan::Observed;
use super::{NewStep, report};
use crate::context::Context;
use crate::explain::error_outcome;
use crate::lambda::{Lambda, Version};
use crate::outcome::{Outcome, Step};
use crate::record::{History, Kind, Record, Release};
use crate::rollout::move_alias::{Moved, move_alias};
use crate::steps::DeployStep as _;

/// Each write names what was read, and is read back (`rollout/move_alias.rs`).
pub(super) async fn apply(
    step: &NewStep,
    cx: &Context,
    lambda: &Lambda,
    observed: &Observed,
    to: Version,
    history: Option<History>,
) -> Step<Outcome> {
    let Some(alias) = &observed.alias else { return Ok(report::nothing_to_do(observed)) };
    let target = observed.target(to);
    let release = Release {
        kind: Kind::Deploy,
        commit: target.commit.clone(),
        proof: None,
        description: NewStep::NAME,
        undone: Vec::new(),
        history,
    };
    let record = Record::open(cx, &step.record, release, vec![target.clone()], &[target]).await?;
    let ended = match move_alias(cx, lambda, alias, to).await {
        Ok(Moved::Done(now)) => {
            report::read_back(cx, &now, to);
            if let Some(record) = record {
                record.succeed(cx, NewStep::NAME, NewStep::FIGURES).await;
            }
            return Ok(report::done(&now));
        }
        Ok(Moved::Superseded(found)) => report::superseded(alias, found.as_ref()),
        Err(error) if cx.calls.deadline.is_cancelled() => return Err(error.into()),
        Err(error) => error_outcome(&error),
    };
    // TODO: what was written before this failure is put back, as in swap-alias (`rollout/put_back.rs`).
    if let Some(record) = record {
        record.fail(cx, NewStep::NAME, &ended).await;
    }
    Ok(ended)
}
