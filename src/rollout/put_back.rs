//! Putting back what served before a change that failed: the one way, for an alias and for the code in `$LATEST`. Nothing here asks
//! GitHub, ECR or S3 for anything that only decides what is reported.

use std::time::Duration;

use anyhow::Result;

use crate::aws::refusal;
use crate::calls::deadline::Ended;
use crate::calls::{ServiceError, error_line};
use crate::context::Context;
use crate::lambda::{Alias, Code, CodeId, Function, Lambda, LastUpdate};
use crate::net::download::is_too_large;
use crate::outcome::{Outcome, Verdict};
use crate::rollout::image;
use crate::rollout::latest::{self, code_of};
use crate::rollout::move_alias::{self, Moved, found_at, put_back_by_hand, restore_alias};
use crate::rollout::provisioned::{self, Arrived, Provision};
use crate::rollout::update_code::{Updated, put, wait_until_settled};
use crate::text::{message, message_str};

/// AWS may take this long until the provisioned concurrency of a version that was put back is ready.
const ARRIVING: Duration = Duration::from_mins(5);
/// Fetching the code that serves, before it is replaced, may take this long.
const FETCHING: Duration = Duration::from_mins(1);

/// What became of putting one target back.
#[derive(Debug)]
pub enum Back {
    /// What this step was to put there never came there.
    Untouched,
    /// What this step put there does not serve, or will not: in a sentence, and what to do.
    Settled(String, Vec<String>),
    /// What this step put there serves: why, and what to do.
    Left(String, Vec<String>),
}

/// How a step ends that put back what it had changed, after `ended` came up.
#[must_use]
pub fn outcome(mut ended: Outcome, backs: impl IntoIterator<Item = Back>) -> Outcome {
    let mut left = Vec::new();
    for back in backs {
        let advice = match back {
            Back::Untouched => continue,
            Back::Settled(sentence, advice) => {
                ended.reason = format!("{}; {sentence}", ended.reason);
                advice
            }
            Back::Left(why, advice) => {
                left.push(why);
                advice
            }
        };
        ended.advice.extend(advice);
    }
    if left.is_empty() {
        return ended;
    }
    let bad = Outcome::bad_version_serves(format!("{}; {}", ended.reason, left.join("; ")));
    Outcome { advice: ended.advice, ..bad }
}

/// Puts an alias back to where it pointed `before` this step moved it to where it is `now`.
pub async fn alias(cx: &Context, lambda: &Lambda, before: Option<&Alias>, now: &Alias) -> Back {
    let (name, function) = (&now.name, &now.function);
    let Some(before) = before else {
        return Back::Left(format!("{function} keeps its new alias {now}"), Vec::new());
    };
    let before = &before.settle();
    let moved_on = |now: Option<Alias>| {
        Back::Settled(format!("{function} was moved on by somebody else: it {}", found_at(now.as_ref())), Vec::new())
    };
    let restored = async { move_alias::read_back(cx, restore_alias(cx, lambda, now, before).await?).await };
    match restored.await {
        Ok(Moved::Done(back)) => {
            let why = match arrival(cx, now, &back, before).await {
                Ok(Arrived::Ready(_)) => None,
                Ok(Arrived::Superseded(now)) => return moved_on(now),
                Ok(Arrived::Failed(why)) => Some(why),
                Err(error) => Some(error_line(&error)),
            };
            if let Some(why) = why {
                return Back::Left(
                    format!(
                        "{function} points to version {before} again, and AWS has not moved its traffic back yet: {why}"
                    ),
                    vec![format!("look at alias {name} of {function}: AWS goes on by itself")],
                );
            }
            cx.report.check(
                format!("{function}:{name} put back"),
                format!("version {before}"),
                format!("version {before}"),
                Verdict::Pass,
                "lambda:GetAlias",
            );
            Back::Settled(format!("{function} was put back to version {before}"), Vec::new())
        }
        Ok(Moved::Superseded(now)) => moved_on(now),
        Err(error) => Back::Left(
            format!("{function} could not be put back to version {before}: {}", error_line(&error)),
            advice_of(&error).chain([by_hand(&put_back_by_hand(before))]).collect(),
        ),
    }
}

/// Waits until an alias that was put back serves what it points to: AWS keeps its traffic where it was until provisioned concurrency is
/// ready.
async fn arrival(cx: &Context, moved: &Alias, back: &Alias, before: &Alias) -> Result<Arrived> {
    let Some(to) = before.version.filter(|to| before.weights.is_empty() && !back.serves_only(*to)) else {
        return Ok(Arrived::Ready(back.clone()));
    };
    let cx = &cx.with_deadline(cx.calls.deadline.renew(ARRIVING));
    provisioned::wait_for_arrival(cx, &cx.lambda().await?, moved, (back, to), &Provision::Unknown).await
}

/// What was in `$LATEST` before a step put other code there.
#[derive(Debug)]
pub struct Before {
    /// The version that holds it.
    pub version: Function,
    /// The same to be sent, where it could be fetched before the change.
    pub code: Option<Code>,
}

impl Before {
    /// Fetches it as long as nothing has changed: there is no way back without it, so that who cannot fetch it changes nothing. Only an
    /// archive that is too large to be sent is left to a way by hand, which is reported.
    pub async fn fetch(cx: &Context, lambda: &Lambda, version: Function) -> Result<Self> {
        let clock = cx.calls.until(cx.calls.deadline.at_most(FETCHING));
        let code = match code_of(&lambda.with_calls(clock), &version).await {
            Ok(code) => Some(code),
            Err(error) if is_too_large(&error) => {
                cx.report.warn(format!(
                    "should this change fail, {} can be put back by hand only: {}",
                    version.name,
                    error_line(&error)
                ));
                None
            }
            Err(error) => {
                return Err(error.context(message_str!(
                    "archive-not-fetched",
                    "fetch what serves, to have it to put back; nothing was changed"
                )));
            }
        };
        Ok(Self { version, code })
    }
}

/// Puts code back into `$LATEST` of a function that was `found` so, where `ours` was put.
pub async fn code(cx: &Context, lambda: &Lambda, found: &Function, ours: &CodeId, before: Option<&Before>) -> Back {
    let name = &found.name;
    let by_hand = before.map(|before| by_hand(&latest::by_hand(&before.version)));
    match code_back(cx, lambda, found, ours, before).await {
        Ok(Back::Left(why, _)) => {
            Back::Left(format!("{name} could not be put back: {why}"), by_hand.into_iter().collect())
        }
        Ok(back) => back,
        Err(error) => {
            let advice = advice_of(&error).chain(by_hand).collect();
            Back::Left(format!("{name} could not be put back: {}", error_line(&error)), advice)
        }
    }
}

async fn code_back(
    cx: &Context,
    lambda: &Lambda,
    found: &Function,
    ours: &CodeId,
    before: Option<&Before>,
) -> Result<Back> {
    let name = &found.name;
    let moved = || Back::Settled(format!("{name} was moved on by somebody else, and is left alone"), Vec::new());
    let now = match wait_until_settled(cx, lambda, name).await {
        Err(error) if Ended::by_deadline(&error) => {
            return Ok(Back::Settled(
                format!(
                    "the update of {name} has not ended: what was there before answers until then, and the new code after it"
                ),
                vec![format!("run rollback with `mode: code` once the update of {name} has ended")],
            ));
        }
        now => now?,
    };
    let failed = matches!(now.last_update, LastUpdate::Failed(_));
    if !ours.is_in(&now) && !failed {
        return Ok(if CodeId::of(found).is_some_and(|found| found.is_in(&now)) { Back::Untouched } else { moved() });
    }
    let left = |why: String| {
        if failed {
            Back::Settled(format!("{name} still answers with what was there before, but {why}"), Vec::new())
        } else {
            Back::Left(why, Vec::new())
        }
    };
    let Some((before, number)) = before.and_then(|before| Some((before, before.version.version?))) else {
        return Ok(left("there is no version of it".to_owned()));
    };
    let Some(code) = &before.code else {
        return Ok(left(format!("the code of version {number} could not be fetched before the change")));
    };
    let id = latest::id_of(&before.version)?;
    let now = now.kept_as(&before.version.storage);
    Ok(match put(cx, lambda, &now, &id, code).await {
        Ok(Updated::Done(function)) => {
            cx.report.check(
                format!("{name} put back"),
                CodeId::of(&function).map(|code| code.to_string()).unwrap_or_default(),
                id.to_string(),
                Verdict::Pass,
                "lambda:GetFunction",
            );
            Back::Settled(format!("{name} was put back to version {number}"), Vec::new())
        }
        Ok(Updated::Superseded(_)) => moved(),
        Ok(Updated::Failed(why)) => left(format!("the update failed: {why}")),
        Ok(Updated::Other(hash)) => left(format!("Lambda took other code, {hash}")),
        Err(_) if image::is_gone(cx, &before.version).await => {
            left(message!("image-gone", "the image of version {number} is gone from its repository"))
        }
        Ok(Updated::Unreadable(error)) | Err(error) => left(error_line(&error)),
    })
}

/// What to do about a refusal of AWS, such as the permission that is missing.
fn advice_of(error: &anyhow::Error) -> impl Iterator<Item = String> {
    refusal(error).map(ServiceError::advice).into_iter().flatten()
}

fn by_hand(command: &str) -> String {
    format!("to put back by hand: {command}")
}
