//! Moving one alias safely: guarded by its revision, understood when the answer is lost, and proved by [`read_back`].

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;

use crate::aws::{Kind, refusal};
use crate::calls::Answer;
use crate::calls::deadline::Ended;
use crate::calls::poll::{Look, poll};
use crate::context::Context;
use crate::lambda::{Alias, AliasName, FunctionName, Lambda, Version};
use crate::rollout::provisioned::points_to;
use crate::text::message;

/// What became of a write, before it is read back.
#[derive(Debug)]
pub enum Written {
    /// AWS answered it: [`read_back`] proves it.
    Answered(Box<Answered>),
    /// The alias was read, and is where it was to go: there was nothing to write, or the answer was lost.
    Seen(Alias),
    /// Somebody else wrote to the alias; this is how it was found, and nothing was written after that was seen.
    Superseded(Option<Alias>),
}

impl Written {
    /// The alias after the write, as far as AWS has said.
    #[must_use]
    pub fn now(&self) -> Option<&Alias> {
        match self {
            Self::Answered(answered) => Some(&answered.now),
            Self::Seen(alias) => Some(alias),
            Self::Superseded(_) => None,
        }
    }
}

/// A write that AWS answered.
#[derive(Debug)]
pub struct Answered {
    /// The client that sent it, which notes what became of it.
    lambda: Lambda,
    goal: Goal,
    /// The alias as AWS answered it.
    now: Alias,
}

/// What became of a move.
#[derive(Debug)]
pub enum Moved {
    /// The alias was read back and points to the version. It has no weights, but where AWS keeps the traffic on the version it left until
    /// provisioned concurrency is ready: see [`provisioned`](super::provisioned).
    Done(Alias),
    /// Somebody else wrote to the alias; this is how it was found.
    Superseded(Option<Alias>),
}

/// Where an alias is to go.
#[derive(Clone, Debug)]
struct Goal {
    /// As it was read; `None` for one that is made.
    from: Option<Alias>,
    /// The version and the weights it is to have.
    to: Alias,
}

impl Goal {
    /// True when the alias is there, or AWS took our write and moves the traffic once the version is ready.
    fn is_reached(&self, now: &Alias) -> bool {
        is_same(now, &self.to)
            || self.to.weights.is_empty()
                && self
                    .from
                    .as_ref()
                    .zip(self.to.version)
                    .is_some_and(|(from, to)| now.revision != from.revision && points_to(now, from, to))
    }
}

/// Looking for a write may take this long, also after the step's own deadline: AWS shows an answered write within seconds.
const LOOKING: Duration = Duration::from_secs(20);

/// How often, and after what pause, a read that may lag behind somebody's write is repeated.
const RE_READS: u32 = 6;
const LAG: Duration = Duration::from_millis(500);

/// How often a write is sent that did not arrive, or was refused for a revision behind which nothing has changed.
const SENDS: usize = 3;

/// How an alias was found that somebody else wrote to, after `it`.
#[must_use]
pub fn found_at(now: Option<&Alias>) -> String {
    now.map_or_else(|| "is gone".to_owned(), |now| format!("is at version {now}"))
}

/// Moves an alias to a version.
pub async fn move_alias(cx: &Context, lambda: &Lambda, alias: &Alias, to: Version) -> Result<Written> {
    let goal = Alias { version: Some(to), weights: BTreeMap::new(), ..alias.clone() };
    write(cx, &lambda.separate(), alias, goal, async |lambda, guard| lambda.move_alias(guard, to).await).await
}

/// Gives other versions than the one an alias points to their shares.
pub async fn shift_alias(cx: &Context, lambda: &Lambda, alias: &Alias, to: &Alias) -> Result<Written> {
    let shift = async |lambda: &Lambda, guard: &Alias| lambda.shift_alias(guard, to).await;
    write(cx, &lambda.separate(), alias, to.clone(), shift).await
}

/// Points an alias where users get what they got `before`, weights included.
pub async fn restore_alias(cx: &Context, lambda: &Lambda, alias: &Alias, before: &Alias) -> Result<Written> {
    let before = before.settle();
    let restore = async |lambda: &Lambda, guard: &Alias| lambda.restore_alias(guard, &before).await;
    write(cx, &lambda.separate(), alias, before.clone(), restore).await
}

/// Makes an alias at a version.
pub async fn create_alias(
    cx: &Context,
    lambda: &Lambda,
    function: &FunctionName,
    name: &AliasName,
    to: Version,
) -> Result<Written> {
    let lambda = lambda.separate();
    let error = match lambda.create_alias(function, name, to).await {
        Ok(now) => {
            let goal = Goal { from: None, to: Alias { version: Some(to), weights: BTreeMap::new(), ..now.clone() } };
            return Ok(Written::Answered(Box::new(Answered { lambda, goal, now })));
        }
        Err(error) if is_doubtful(&error) => error,
        Err(error) => return Err(error),
    };
    match look(cx, (function, name), |now| now.is_none()).await? {
        Some(now) if now.serves_only(to) => {
            lambda.correct(Answer::Applied);
            Ok(Written::Seen(now))
        }
        Some(now) => Ok(Written::Superseded(Some(now))),
        None => Err(error),
    }
}

/// Writes. A write whose answer was lost, and one that was refused because the alias has another revision, is looked for before it is
/// sent again: a revision also moves when nothing that matters has changed, as with the alias's policy.
async fn write(
    cx: &Context,
    lambda: &Lambda,
    alias: &Alias,
    to: Alias,
    send: impl AsyncFn(&Lambda, &Alias) -> Result<Alias>,
) -> Result<Written> {
    let goal = Goal { from: Some(alias.clone()), to };
    let mut guard = alias.clone();
    for left in (0..SENDS).rev() {
        let error = match send(lambda, &guard).await {
            Ok(now) => {
                let goal = Goal { from: Some(guard), ..goal };
                return Ok(Written::Answered(Box::new(Answered { lambda: lambda.clone(), goal, now })));
            }
            Err(error) if is_doubtful(&error) => error,
            Err(error) => return Err(error),
        };
        // Whoever refuses knows a newer revision; a read may lag behind that.
        let refused = refusal(&error).is_some_and(|refusal| refusal.kind == Kind::Precondition);
        let lags = |now: Option<&Alias>| refused && now.is_some_and(|now| now.revision == guard.revision);
        let now = match look(cx, (&alias.function, &alias.name), lags).await? {
            Some(now) if goal.is_reached(&now) => {
                lambda.correct(Answer::Applied);
                return Ok(Written::Seen(now));
            }
            Some(now)
                if (is_same(&now, alias) || has_arrived(&now, alias))
                    && (refused || now.revision == guard.revision) =>
            {
                now
            }
            now => return Ok(Written::Superseded(now)),
        };
        // What is late has not arrived, and may still: what becomes of it stays unknown.
        if Ended::by_deadline(&error) {
            return Err(error);
        }
        lambda.correct(Answer::Refused);
        if left == 0 {
            return Err(error);
        }
        let why = if now.revision == guard.revision {
            "was not applied"
        } else {
            "found another revision than what was read"
        };
        tracing::info!("the write {why}: sending it again, guarded by the revision just seen");
        guard = now;
    }
    Ok(Written::Superseded(None))
}

/// Waits until a write that AWS answered is seen. Only another revision than the one before and the one answered says that somebody
/// else wrote; what is not seen in time stays unknown.
pub async fn read_back(cx: &Context, written: Written) -> Result<Moved> {
    let Answered { lambda, goal, now: answered } = match written {
        Written::Answered(answered) => *answered,
        Written::Seen(alias) => return Ok(Moved::Done(alias)),
        Written::Superseded(found) => return Ok(Moved::Superseded(found)),
    };
    let later = cx.with_deadline(cx.calls.deadline.renew(LOOKING));
    let reader = later.lambda().await?;
    let name = format!("alias {} of {}", answered.name, answered.function);
    let is_known = |now: &Alias| {
        now.revision == answered.revision || goal.from.as_ref().is_some_and(|from| now.revision == from.revision)
    };
    let what = format!("the write to {name} to be seen");
    let looked = poll(&later.calls.deadline, &what, async || {
        Ok(match reader.alias(&answered.function, &answered.name).await? {
            Some(now) if goal.is_reached(&now) => Look::Done(Moved::Done(now)),
            Some(now) if !is_known(&now) => Look::Done(Moved::Superseded(Some(now))),
            _ => Look::NotYet("not seen yet".to_owned()),
        })
    });
    let looked = looked.await;
    if looked.is_err() && !cx.calls.deadline.is_cancelled() {
        lambda.correct(Answer::Unknown);
    }
    looked.map_err(|error| {
        error.context(message!("write-not-seen", "AWS answered the write to {name}, and what it serves is unknown"))
    })
}

/// Reads the alias, again for a moment as long as the read `lags`.
async fn look(
    cx: &Context,
    (function, name): (&FunctionName, &AliasName),
    lags: impl Fn(Option<&Alias>) -> bool,
) -> Result<Option<Alias>> {
    let later = cx.with_deadline(cx.calls.deadline.renew(LOOKING));
    let reader = later.lambda().await?;
    let mut now = reader.alias(function, name).await?;
    for _ in 0..RE_READS {
        if !lags(now.as_ref()) {
            break;
        }
        later.calls.deadline.sleep(LAG).await?;
        now = reader.alias(function, name).await?;
    }
    Ok(now)
}

fn is_same(one: &Alias, other: &Alias) -> bool {
    one.version == other.version && one.weights == other.weights
}

/// True when AWS itself has taken the weights away since the alias was read: the version it points to is ready.
fn has_arrived(now: &Alias, read: &Alias) -> bool {
    read.serving() != read.version && read.version.is_some_and(|version| now.serves_only(version))
}

/// True when the write may have been applied, or somebody else wrote in between.
fn is_doubtful(error: &anyhow::Error) -> bool {
    Ended::by_deadline(error)
        || refusal(error).is_some_and(|refusal| {
            matches!(refusal.kind, Kind::Precondition | Kind::TimedOut | Kind::Broken | Kind::Conflict)
        })
}

/// The command that puts back what users of an alias got, weights included.
#[must_use]
pub fn put_back_by_hand(alias: &Alias) -> String {
    let alias = &alias.settle();
    command(alias, alias.version, &alias.weights)
}

/// The command that points an alias to a version by hand.
#[must_use]
pub fn by_hand(alias: &Alias, version: Version) -> String {
    command(alias, Some(version), &BTreeMap::new())
}

fn command(alias: &Alias, version: Option<Version>, weights: &BTreeMap<Version, f64>) -> String {
    let version = version.map_or_else(|| "'$LATEST'".to_owned(), |version| version.to_string());
    let shares =
        weights.iter().map(|(version, weight)| format!("\"{version}\":{weight}")).collect::<Vec<_>>().join(",");
    let routing = match shares.as_str() {
        "" => "AdditionalVersionWeights={}".to_owned(),
        shares => format!("'{{\"AdditionalVersionWeights\":{{{shares}}}}}'"),
    };
    format!(
        "aws lambda update-alias --function-name {} --name {} --function-version {version} --routing-config {routing}",
        alias.function, alias.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lambda::AliasRevision;

    #[test]
    fn what_is_put_back_by_hand_has_its_weights_again() {
        let alias = |weights: &[(u64, f64)]| Alias {
            function: "api".parse().unwrap(),
            name: AliasName::live(),
            version: Some(Version::number(41)),
            weights: weights.iter().map(|(number, weight)| (Version::number(*number), *weight)).collect(),
            revision: AliasRevision::default(),
        };
        let command = "aws lambda update-alias --function-name api --name live --function-version";
        assert_eq!(
            put_back_by_hand(&alias(&[(42, 0.1), (43, 0.05)])),
            format!("{command} 41 --routing-config '{{\"AdditionalVersionWeights\":{{\"42\":0.1,\"43\":0.05}}}}'")
        );
        let none = format!("{command} 41 --routing-config AdditionalVersionWeights={{}}");
        assert_eq!(put_back_by_hand(&alias(&[])), none);
        assert_eq!(by_hand(&alias(&[(42, 0.1)]), Version::number(41)), none);
    }
}
