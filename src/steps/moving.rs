//! Moving one alias safely: guarded by its revision, understood when the answer is lost, proved by reading it back.

use anyhow::Result;

use crate::aws::Kind;
use crate::lambda::{Alias, Lambda, Version, refusal};

/// What became of a move.
#[derive(Debug)]
pub enum Moved {
    /// The alias was read back and points to the version, with no weights.
    Done(Alias),
    /// Somebody else wrote to the alias; this is how it was found, and nothing was written after that was seen.
    Superseded(Option<Alias>),
}

/// Moves an alias to a version. A write whose answer was lost is looked for before it is sent again.
pub async fn move_alias(lambda: &Lambda<'_>, alias: &Alias, to: Version) -> Result<Moved> {
    for last in [false, true] {
        let error = match lambda.move_alias(alias, to).await {
            Ok(_) => return read_back(lambda, alias, to).await,
            Err(error) => error,
        };
        let doubtful = refusal(&error)
            .is_some_and(|refusal| matches!(refusal.kind, Kind::Precondition | Kind::Broken | Kind::Conflict));
        if !doubtful {
            return Err(error);
        }
        let now = lambda.alias(&alias.function, &alias.name).await?;
        match now {
            Some(now) if now.serves_only(to) => return Ok(Moved::Done(now)),
            Some(now) if now.revision == alias.revision => {
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
