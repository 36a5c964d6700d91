//! Putting code into `$LATEST` safely: guarded by the function's revision, understood when the answer is lost, proved by
//! reading it back once the code is in use.

use std::time::Duration;

use anyhow::{Context as _, Error, Result};

use crate::aws::{Kind, refusal};
use crate::calls::Answer;
use crate::calls::poll::{Look, poll, poll_begun};
use crate::context::Context;
use crate::explain::explain;
use crate::lambda::{Code, CodeId, Function, FunctionName, Lambda, LastUpdate, State};
use crate::outcome::Outcome;
use crate::text::{self, human_duration};

/// Lambda may go on refusing for a moment after it says that nothing is in progress any more: a call is sent again after this.
const PAUSE: Duration = Duration::from_secs(2);

/// How often, and after what pause, a read that lags behind somebody's write is repeated.
const RE_READS: u32 = 6;
const LAG: Duration = Duration::from_millis(500);

/// What became of an update.
#[derive(Debug)]
pub enum Updated {
    /// The code is in use; the function as it was read back.
    Done(Box<Function>),
    /// AWS took the code and could not use it, for this reason. The code before it answers.
    Failed(String),
    /// Somebody else put other code there; in words, when.
    Superseded(&'static str),
    /// Lambda took code of this hash, which is not what was looked at.
    Other(String),
    /// Lambda itself may not read the image.
    Unreadable(Error),
}

/// What a refused write means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// An update is in progress; the call may be sent again after it.
    Busy,
    /// The function was changed since it was read.
    Changed,
    /// No answer came.
    Lost,
    /// Lambda itself may not read the image.
    Unreadable,
    /// Lambda does not find the image.
    NoImage,
    /// Anything else.
    Otherwise,
}

impl Refused {
    /// Reads a refusal of `UpdateFunctionCode` or `PublishVersion`.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        let Some(refusal) = refusal(error) else { return Self::Otherwise };
        let says = |words: &str| refusal.message.raw().contains(words);
        match refusal.kind {
            // "The operation cannot be performed at this time. An update is in progress for resource", or "The function is
            // currently in the following state: Pending". Other conflicts do not pass by themselves.
            Kind::Conflict if says("in progress") || says("Pending") => Self::Busy,
            Kind::Precondition => Self::Changed,
            Kind::Invalid if says("is different from current CodeSHA256") => Self::Changed,
            // "Lambda does not have permission to access the ECR image. Check the ECR permissions."
            Kind::Denied | Kind::Invalid if says("permission to access the ECR image") => Self::Unreadable,
            // "Source image .. does not exist. Provide a valid source image."
            Kind::Invalid | Kind::NotFound if says("Source image") && says("does not exist") => Self::NoImage,
            Kind::TimedOut | Kind::Broken => Self::Lost,
            _ => Self::Otherwise,
        }
    }

    /// True for a refusal that passes: somebody is updating the function, or has just done so.
    #[must_use]
    pub fn passes(self) -> bool {
        matches!(self, Self::Busy | Self::Changed)
    }
}

/// Whether code has to be put into `$LATEST`. After a failed update the code before it runs on, whatever `CodeSha256` says.
#[must_use]
pub fn must_be_sent(function: &Function, code: &CodeId) -> bool {
    matches!(function.last_update, LastUpdate::Failed(_)) || !code.is_in(function)
}

/// Reads a function as it is once nothing is in progress any more: an update that was begun, by whomever, may end first.
pub async fn wait_until_settled(cx: &Context, lambda: &Lambda, name: &FunctionName) -> Result<Function> {
    poll(&cx.calls.deadline, &format!("the end of an update of {name}"), async || {
        let now = lambda.function(name, None).await?;
        Ok(match busy(&now) {
            Some(state) => Look::NotYet(state),
            None => Look::Done(now),
        })
    })
    .await
}

/// [`wait_until_settled`], after a refusal because of an update.
pub async fn wait_again_until_settled(cx: &Context, lambda: &Lambda, name: &FunctionName) -> Result<Function> {
    let pause = cx.calls.deadline.sleep(PAUSE).await;
    pause.with_context(|| format!("wait for the end of somebody else's update of {name}"))?;
    wait_until_settled(cx, lambda, name).await
}

/// True while something is in progress on a function.
#[must_use]
pub fn is_busy(function: &Function) -> bool {
    busy(function).is_some()
}

fn busy(function: &Function) -> Option<String> {
    match (&function.last_update, &function.state) {
        (LastUpdate::InProgress, _) => Some("an update is in progress".to_owned()),
        (_, state @ State::Pending(_)) => Some(format!("its state is {state}")),
        _ => None,
    }
}

/// Puts code into `$LATEST`, unless it is there, and waits until it is in use. `function` as it was read when nothing was in
/// progress; its package is kept as it says there, where it lost that since.
pub async fn put(cx: &Context, lambda: &Lambda, function: &Function, id: &CodeId, code: &Code) -> Result<Updated> {
    let (name, lambda) = (&function.name, &lambda.separate());
    let mut function = function.clone();
    let mut sent_again = false;
    loop {
        if !must_be_sent(&function, id) {
            return Ok(Updated::Done(Box::new(function)));
        }
        let error = match lambda.update_code(&function, code).await {
            Ok(answered) if id.is(&answered.code_sha256) => return in_use(cx, lambda, &function, id).await,
            Ok(answered) => return Ok(Updated::Other(answered.code_sha256)),
            Err(error) => error,
        };
        match Refused::of(&error) {
            Refused::Busy => {
                let now = wait_again_until_settled(cx, lambda, name).await?;
                if now.code_sha256 != function.code_sha256 && !id.is_in(&now) {
                    return Ok(Updated::Superseded("while its code was being updated"));
                }
                function = now.kept_as(&function.storage);
            }
            refused @ (Refused::Changed | Refused::Lost) => {
                let now = newer(cx, lambda, &function, refused == Refused::Changed).await?;
                if id.is_in(&now) && now.revision != function.revision {
                    // A refusal of the only call means that somebody else put the same code there.
                    let ours = sent_again || refused == Refused::Lost;
                    let answer = if ours { Answer::Applied } else { Answer::Unchanged };
                    lambda.correct(answer);
                    return in_use(cx, lambda, &function, id).await;
                }
                if now.code_sha256 != function.code_sha256 {
                    return Ok(Updated::Superseded("while its code was being updated"));
                }
                let known =
                    if matches!(refused, Refused::Lost) { sent_again } else { now.revision == function.revision };
                if known {
                    return Err(error);
                }
                // At most somebody's configuration came between: it stays, and our code goes beside it.
                lambda.correct(Answer::Refused);
                tracing::info!("the update was not applied; sending it again, guarded by the revision just seen");
                sent_again = true;
                function = now.kept_as(&function.storage);
            }
            Refused::Unreadable => return Ok(Updated::Unreadable(error)),
            Refused::NoImage | Refused::Otherwise => return Err(error),
        }
    }
}

/// [`put`] of an image that was just read in its registry: Lambda, which does not find it, may not see it yet.
pub async fn put_just_read(
    cx: &Context,
    lambda: &Lambda,
    function: &Function,
    id: &CodeId,
    code: &Code,
) -> Result<Updated> {
    for look in 1..=RE_READS {
        match put(cx, lambda, function, id, code).await {
            Err(error) if Refused::of(&error) == Refused::NoImage => {
                tracing::info!("Lambda does not find the image; asking again in a moment ({look} of {RE_READS})");
                if cx.calls.deadline.sleep(LAG * look).await.is_err() {
                    return Err(error);
                }
            }
            put => return put,
        }
    }
    put(cx, lambda, function, id, code).await
}

/// Reads a function; where a refusal says that there is a newer revision, again for a moment: the read may lag behind it.
pub async fn newer(cx: &Context, lambda: &Lambda, before: &Function, is_there: bool) -> Result<Function> {
    let mut now = lambda.function(&before.name, None).await?;
    for _ in 0..RE_READS {
        if !is_there || now.revision != before.revision {
            break;
        }
        cx.calls.deadline.sleep(LAG).await?;
        now = lambda.function(&before.name, None).await?;
    }
    Ok(now)
}

/// Waits until the code that was sent is in use. What has the revision of `before` was read too early.
/// <https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html>
async fn in_use(cx: &Context, lambda: &Lambda, before: &Function, id: &CodeId) -> Result<Updated> {
    let name = &before.name;
    tracing::info!(
        "{name}: waiting until the new code is in use (LastUpdateStatus Successful), at most {}",
        human_duration(cx.calls.deadline.remaining())
    );
    poll_begun(&cx.calls.deadline, &format!("update of {name}"), async || {
        let now = lambda.function(name, None).await?;
        Ok(match &now.last_update {
            _ if now.revision == before.revision => Look::NotYet("it is not to be seen yet".to_owned()),
            LastUpdate::Failed(reason) if reason.is_empty() => {
                Look::Done(Updated::Failed("AWS gave no reason".to_owned()))
            }
            LastUpdate::Failed(reason) => Look::Done(Updated::Failed(reason.for_message(text::LONGEST))),
            _ if !id.is_in(&now) => Look::Done(Updated::Superseded("right after our update")),
            LastUpdate::InProgress => Look::NotYet("LastUpdateStatus is InProgress".to_owned()),
            LastUpdate::Successful => match busy(&now) {
                Some(state) => Look::NotYet(state),
                None => Look::Done(Updated::Done(Box::new(now))),
            },
        })
    })
    .await
}

/// How a step ends when an image may not be read. Lambda asks to read it of whoever deploys it, and of the repository for itself; its
/// words are the same, so `denied` is the permission that this role was seen to lack.
/// <https://docs.aws.amazon.com/lambda/latest/dg/images-create.html>, "Amazon ECR permissions"
#[must_use]
pub fn unreadable(error: &Error, denied: Option<&str>) -> Outcome {
    let outcome = Outcome::error(explain(error).reason);
    if let Some(action) = denied {
        return outcome.advise(format!(
            "allow {action} on the image's repository to the role of this job: Lambda asks it of whoever deploys an image"
        ));
    }
    outcome
        .advise(
            "let Lambda read the repository: its policy has to allow ecr:BatchGetImage and ecr:GetDownloadUrlForLayer to \
             lambda.amazonaws.com, and for a function of another account to that account as well",
        )
        .advise(
            "in the same account Lambda adds that policy itself, if the role of this job may ecr:GetRepositoryPolicy and \
             ecr:SetRepositoryPolicy",
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::AwsError;

    #[test]
    fn a_refusal_is_known_by_its_kind_and_words() {
        let of = |kind, message: &str| {
            let refusal = AwsError {
                operation: "lambda:UpdateFunctionCode",
                kind,
                code: String::new(),
                message: text::Foreign::new(message),
                reason: None,
                request_id: None,
            };
            Refused::of(&Error::new(refusal).context("update the code of function api"))
        };
        let cannot = "The operation cannot be performed at this time.";
        let busy = format!(
            "{cannot} An update is in progress for resource: arn:aws:lambda:eu-west-1:111122223333:function:api"
        );
        let pending = format!("{cannot} The function is currently in the following state: Pending");
        let sha = "CodeSHA256 (a) is different from current CodeSHA256 in $LATEST (b). Please try again";
        let ecr = "Lambda does not have permission to access the ECR image. Check the ECR permissions.";
        let table = [
            (of(Kind::Conflict, &busy), Refused::Busy),
            (of(Kind::Conflict, &pending), Refused::Busy),
            (of(Kind::Conflict, "The function is being deleted."), Refused::Otherwise),
            (
                of(Kind::Precondition, "The Revision Id provided does not match the latest Revision Id."),
                Refused::Changed,
            ),
            (of(Kind::Invalid, sha), Refused::Changed),
            (of(Kind::Invalid, "Could not unzip uploaded file."), Refused::Otherwise),
            (of(Kind::Denied, ecr), Refused::Unreadable),
            (of(Kind::Invalid, "Source image a:b does not exist. Provide a valid source image."), Refused::NoImage),
            (of(Kind::Denied, "not authorized to perform: lambda:UpdateFunctionCode"), Refused::Otherwise),
            (of(Kind::Broken, "reset"), Refused::Lost),
            (Refused::of(&Error::msg("no refusal of AWS")), Refused::Otherwise),
        ];
        for (number, (found, expected)) in table.into_iter().enumerate() {
            assert_eq!(found, expected, "line {number}");
        }
    }
}
