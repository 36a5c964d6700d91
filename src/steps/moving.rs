//! Moving one alias safely: guarded by its revision, understood when the answer is lost, proved by reading it back.

use std::time::Duration;

use anyhow::Result;

use crate::action::report::Answer;
use crate::aws::Kind;
use crate::context::Context;
use crate::deadline::Ended;
use crate::lambda::{Alias, Lambda, Version, refusal};

/// What became of a move.
#[derive(Debug)]
pub enum Moved {
    /// The alias was read back and points to the version, with no weights.
    Done(Alias),
    /// Somebody else wrote to the alias; this is how it was found, and nothing was written after that was seen.
    Superseded(Option<Alias>),
}

/// Looking for a write whose answer was lost may take this long, also after the step's own deadline.
const LOOKING: Duration = Duration::from_secs(10);

/// Moves an alias to a version. A write whose answer was lost is looked for before it is sent again.
pub async fn move_alias(cx: &Context, lambda: &Lambda<'_>, alias: &Alias, to: Version) -> Result<Moved> {
    let later = cx.with_deadline(cx.deadline.renewed(LOOKING));
    for last in [false, true] {
        let error = match lambda.move_alias(alias, to).await {
            Ok(_) => return read_back(lambda, alias, to).await,
            Err(error) if is_doubtful(&error) => error,
            Err(error) => return Err(error),
        };
        let now = later.lambda().await?.alias(&alias.function, &alias.name).await?;
        match now {
            Some(now) if now.serves_only(to) => {
                cx.report.found(&Lambda::moving(alias, to), Answer::Applied);
                return Ok(Moved::Done(now));
            }
            Some(now) if now.revision == alias.revision => {
                cx.report.found(&Lambda::moving(alias, to), Answer::Refused);
                if last {
                    return Err(error);
                }
                tracing::info!("the write was not applied; sending it again, guarded by the same revision");
            }
            now => return Ok(Moved::Superseded(now)),
        }
    }
    Ok(Moved::Superseded(None))
}

/// True when the write may have been applied, or somebody else wrote in between.
fn is_doubtful(error: &anyhow::Error) -> bool {
    let late = error.chain().any(|cause| cause.downcast_ref() == Some(&Ended::Deadline));
    late || refusal(error)
        .is_some_and(|refusal| matches!(refusal.kind, Kind::Precondition | Kind::Broken | Kind::Conflict))
}

async fn read_back(lambda: &Lambda<'_>, alias: &Alias, to: Version) -> Result<Moved> {
    let now = lambda.alias(&alias.function, &alias.name).await?;
    Ok(match now {
        Some(now) if now.serves_only(to) => Moved::Done(now),
        now => Moved::Superseded(now),
    })
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
