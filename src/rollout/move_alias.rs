//! Moving one alias safely: guarded by its revision, understood when the answer is lost, proved by reading it back.

use std::time::Duration;

use anyhow::Result;

use crate::aws::{Kind, refusal};
use crate::calls::Answer;
use crate::calls::deadline::Ended;
use crate::context::Context;
use crate::lambda::{Alias, Lambda, Version};

/// What became of a move.
#[derive(Debug)]
pub enum Moved {
    /// The alias was read back and points to the version, with no weights.
    Done(Alias),
    /// Somebody else wrote to the alias; this is how it was found, and nothing was written after that was seen.
    Superseded(Option<Alias>),
}

/// Looking for a write whose answer was lost, and reading back, may take this long, also after the step's own deadline.
const LOOKING: Duration = Duration::from_secs(10);

/// How often, and after what pause, a read that lags behind the write is repeated.
const RE_READS: u32 = 6;
const LAG: Duration = Duration::from_millis(500);

/// Moves an alias to a version.
pub async fn move_alias(cx: &Context, lambda: &Lambda, alias: &Alias, to: Version) -> Result<Moved> {
    let there = |now: &Alias| now.serves_only(to);
    let lambda = lambda.separate();
    written(cx, &lambda, alias, there, async || lambda.move_alias(alias, to).await).await
}

/// Points an alias where it pointed `before`, weights included.
pub async fn restore_alias(cx: &Context, lambda: &Lambda, alias: &Alias, before: &Alias) -> Result<Moved> {
    let there = |now: &Alias| now.version == before.version && now.weights == before.weights;
    let lambda = lambda.separate();
    written(cx, &lambda, alias, there, async || lambda.restore_alias(alias, before).await).await
}

/// Writes and reads back. A write whose answer was lost is looked for before it is sent again.
async fn written(
    cx: &Context,
    lambda: &Lambda,
    alias: &Alias,
    there: impl Fn(&Alias) -> bool,
    write: impl AsyncFn() -> Result<Alias>,
) -> Result<Moved> {
    let later = cx.with_deadline(cx.calls.deadline.renewed(LOOKING));
    for last in [false, true] {
        let answer = write().await;
        if let Err(error) = &answer
            && !is_doubtful(error)
        {
            return answer.map(Moved::Done);
        }
        let reader = later.lambda().await?;
        let mut now = reader.alias(&alias.function, &alias.name).await?;
        // A read may lag behind an answered write for a moment: the revision before it is no sign of somebody else.
        for _ in 0..RE_READS {
            if answer.is_err() || now.as_ref().is_none_or(|now| now.revision != alias.revision) {
                break;
            }
            later.calls.deadline.sleep(LAG).await?;
            now = reader.alias(&alias.function, &alias.name).await?;
        }
        match (now, answer) {
            (Some(now), _) if there(&now) => {
                lambda.correct(Answer::Applied);
                return Ok(Moved::Done(now));
            }
            // It has not arrived, and may still: what becomes of it stays unknown.
            (Some(now), Err(error)) if now.revision == alias.revision && is_late(&error) => return Err(error),
            (Some(now), Err(error)) if now.revision == alias.revision => {
                lambda.correct(Answer::Refused);
                if last {
                    return Err(error);
                }
                tracing::info!("the write was not applied; sending it again, guarded by the same revision");
            }
            (now, _) => return Ok(Moved::Superseded(now)),
        }
    }
    Ok(Moved::Superseded(None))
}

/// True when the write may have been applied, or somebody else wrote in between.
fn is_doubtful(error: &anyhow::Error) -> bool {
    is_late(error)
        || refusal(error).is_some_and(|refusal| {
            matches!(refusal.kind, Kind::Precondition | Kind::TimedOut | Kind::Broken | Kind::Conflict)
        })
}

/// True when the deadline passed while it was on its way.
fn is_late(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref() == Some(&Ended::Deadline))
}

/// The command that points an alias to a version by hand.
#[must_use]
pub fn by_hand(alias: &Alias, version: Option<Version>) -> String {
    let version = version.map_or_else(|| "'$LATEST'".to_owned(), |version| version.to_string());
    format!(
        "aws lambda update-alias --function-name {} --name {} --function-version {version} \
         --routing-config AdditionalVersionWeights={{}}",
        alias.function, alias.name
    )
}
