//! Carries the plan out for one function: code into `$LATEST`, a version of it, and waiting until that can be invoked. Every
//! write is guarded by what was seen just before it.

use std::time::Duration;

use anyhow::{Context as _, Error, Result};

use super::Target;
use super::artifact::CodeId;
use super::plan::must_be_sent;
use crate::action::report::Answer;
use crate::aws::Kind;
use crate::context::Context;
use crate::deadline::shown;
use crate::explain::explain;
use crate::lambda::{Function, FunctionName, Lambda, LastUpdate, State, Version, refusal};
use crate::poll::{Look, poll, poll_begun};
use crate::steps::Outcome;
use crate::verdict::Verdict;

/// Lambda may go on refusing for a moment after it says that nothing is in progress any more: a call is sent again after this.
const PAUSE: Duration = Duration::from_secs(2);

/// A version that holds what was asked for, and can be invoked.
#[derive(Clone, Debug)]
pub(super) struct Published {
    pub(super) version: Version,
    /// As it was read back.
    pub(super) function: Function,
    /// False when AWS answered the version there was.
    pub(super) new: bool,
    /// Whether it holds other code than the version before it.
    pub(super) code_changed: bool,
}

/// Something, or the reason to end here.
type Or<T> = Result<T, Outcome>;

/// What a refused write means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    /// An update is in progress; the call may be sent again after it.
    Busy,
    /// The function was changed since it was read.
    Changed,
    /// No answer came.
    Lost,
    /// Lambda itself may not read the image.
    Unreadable,
    /// Anything else.
    Otherwise,
}

impl Refused {
    fn of(error: &Error) -> Self {
        let Some(refusal) = refusal(error) else { return Self::Otherwise };
        let says = |words: &str| refusal.message.contains(words);
        match refusal.kind {
            // "The operation cannot be performed at this time. An update is in progress for resource", or "The function is
            // currently in the following state: Pending". Other conflicts do not pass by themselves.
            Kind::Conflict if says("in progress") || says("Pending") => Self::Busy,
            Kind::Precondition => Self::Changed,
            Kind::Invalid if says("is different from current CodeSHA256") => Self::Changed,
            // "Lambda does not have permission to access the ECR image. Check the ECR permissions."
            Kind::Denied | Kind::Invalid if says("permission to access the ECR image") => Self::Unreadable,
            Kind::Broken => Self::Lost,
            _ => Self::Otherwise,
        }
    }
}

/// Reads a function as it is once nothing is in progress any more: whoever began an update may end it first.
pub(super) async fn settled(cx: &Context, lambda: &Lambda<'_>, name: &FunctionName) -> Result<Function> {
    poll(&cx.deadline, &format!("the end of somebody else's update of {name}"), async || {
        let now = lambda.function(name, None).await?;
        Ok(match busy(&now) {
            Some(state) => Look::NotYet(state),
            None => Look::Done(now),
        })
    })
    .await
}

/// True while something is in progress on a function.
pub(super) fn is_busy(function: &Function) -> bool {
    busy(function).is_some()
}

fn busy(function: &Function) -> Option<String> {
    match (&function.last_update, &function.state) {
        (LastUpdate::InProgress, _) => Some("an update is in progress".to_owned()),
        (_, state @ State::Pending(_)) => Some(format!("its state is {state}")),
        _ => None,
    }
}

/// Carries the plan out for one function.
pub(super) struct Deployment<'a> {
    pub(super) cx: &'a Context,
    pub(super) lambda: &'a Lambda<'a>,
    pub(super) target: &'a Target,
    pub(super) description: &'a str,
}

impl Deployment<'_> {
    /// Updates, publishes and waits.
    pub(super) async fn deploy(&self) -> Result<Or<Published>> {
        let function = match self.update().await? {
            Ok(function) => function,
            Err(stop) => return Ok(Err(stop)),
        };
        match self.publish(function).await? {
            Ok(version) => self.active(version).await,
            Err(stop) => Ok(Err(stop)),
        }
    }

    fn name(&self) -> &FunctionName {
        &self.target.function.name
    }

    fn code(&self) -> &CodeId {
        &self.target.id
    }

    /// The function after a refusal because of an update, once nothing is in progress any more.
    async fn not_busy(&self) -> Result<Function> {
        let name = self.name();
        let pause = self.cx.deadline.sleep(PAUSE).await;
        pause.with_context(|| format!("wait for the end of somebody else's update of {name}"))?;
        settled(self.cx, self.lambda, name).await
    }

    /// Puts the code into `$LATEST`, unless it is there; the function as it is once the code is in use.
    async fn update(&self) -> Result<Or<Function>> {
        let mut function = self.target.function.clone();
        let mut sent_again = false;
        loop {
            if !must_be_sent(&function, self.code()) {
                return Ok(Ok(function));
            }
            let error = match self.lambda.update_code(&function, &self.target.code).await {
                Ok(told) if self.code().is(&told.code_sha256) => return self.in_use(&function.revision).await,
                Ok(told) => return Ok(Err(self.other_code(&told.code_sha256))),
                Err(error) => error,
            };
            match Refused::of(&error) {
                Refused::Busy => function = self.not_busy().await?,
                refused @ (Refused::Changed | Refused::Lost) => {
                    let now = self.lambda.function(self.name(), None).await?;
                    if self.code().is_in(&now) {
                        // A refusal of the only call means that somebody else put the same code there.
                        let ours = sent_again || refused == Refused::Lost;
                        let answer = if ours { Answer::Applied } else { Answer::Unchanged };
                        self.cx.report.found(&Lambda::updating(self.name()), answer);
                        return self.in_use(&function.revision).await;
                    }
                    if now.code_sha256 != function.code_sha256 {
                        return Ok(Err(self.superseded("while its code was being updated")));
                    }
                    let known =
                        if matches!(refused, Refused::Lost) { sent_again } else { now.revision == function.revision };
                    if known {
                        return Err(error);
                    }
                    // At most somebody's configuration came between: it stays, and our code goes beside it.
                    tracing::info!("the update was not applied; sending it again, guarded by the revision just seen");
                    sent_again = true;
                    function = now;
                }
                Refused::Unreadable => return Ok(Err(unreadable(&error, self.target.denied.as_deref()))),
                Refused::Otherwise => return Err(error),
            }
        }
    }

    /// Waits until the code that was sent is in use. What has the revision of `before` was read too early. <https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html>
    async fn in_use(&self, before: &str) -> Result<Or<Function>> {
        let name = self.name();
        tracing::info!(
            "{name}: waiting until the new code is in use (LastUpdateStatus Successful), at most {}",
            shown(self.cx.deadline.remaining())
        );
        let what = format!("update of {name}");
        let ended = poll_begun(&self.cx.deadline, &what, async || {
            let now = self.lambda.function(name, None).await?;
            Ok(match &now.last_update {
                _ if now.revision == before => Look::NotYet("it is not to be seen yet".to_owned()),
                LastUpdate::Failed(reason) => Look::Done(Err(self.update_failed(reason))),
                _ if !self.code().is_in(&now) => Look::Done(Err(self.superseded("right after our update"))),
                LastUpdate::InProgress => Look::NotYet("LastUpdateStatus is InProgress".to_owned()),
                LastUpdate::Successful => match busy(&now) {
                    Some(state) => Look::NotYet(state),
                    None => Look::Done(Ok(now)),
                },
            })
        });
        let ended = ended.await?;
        if ended.is_ok() {
            self.check(&what, "Successful", "Successful", Verdict::Pass);
        }
        Ok(ended)
    }

    /// Publishes `$LATEST` as it was seen. A configuration that somebody changes meanwhile is waited for and goes along; other
    /// code is not ours to publish.
    async fn publish(&self, mut function: Function) -> Result<Or<Version>> {
        loop {
            let error = match self.lambda.publish_version(&function, self.description).await {
                Ok(version) => return Ok(Ok(version)),
                Err(error) => error,
            };
            match Refused::of(&error) {
                Refused::Busy => {
                    function = self.not_busy().await?;
                    if !self.code().is_in(&function) {
                        return Ok(Err(self.superseded("before it was published")));
                    }
                }
                Refused::Changed => {
                    return Ok(match self.published_before_the_answer_was_lost().await? {
                        Some(version) => Ok(version),
                        None => Err(self.superseded("before it was published")),
                    });
                }
                Refused::Lost | Refused::Unreadable | Refused::Otherwise => return Err(error),
            }
        }
    }

    /// The call is sent again when its answer is lost. Should AWS give `$LATEST` a new revision when it publishes, the second
    /// call is refused for what the first one did.
    async fn published_before_the_answer_was_lost(&self) -> Result<Option<Version>> {
        let newest = self.lambda.versions(self.name()).await?.last().copied();
        let Some(version) = newest.filter(|version| Some(*version) > self.target.newest_version()) else {
            return Ok(None);
        };
        let function = self.lambda.existing(self.name(), Some(version)).await?;
        let ours =
            function.is_some_and(|function| self.code().is_in(&function) && function.description == self.description);
        if ours {
            self.cx.report.found(&Lambda::publishing(self.name()), Answer::Applied);
        }
        Ok(ours.then_some(version))
    }

    /// Waits until a version can be invoked, and reads it back.
    async fn active(&self, version: Version) -> Result<Or<Published>> {
        let name = self.name();
        let new = Some(version) > self.target.newest_version();
        if !new {
            self.cx.report.found(&Lambda::publishing(name), Answer::Unchanged);
        }
        let what = format!("version {version} of {name}");
        let required = format!("Active, {}", self.code());
        let ended = poll(&self.cx.deadline, &what, async || {
            Ok(match self.lambda.existing(name, Some(version)).await? {
                // Whoever has just published it may be read from where that is not known yet.
                None => Look::NotYet("it is not to be seen yet".to_owned()),
                Some(now) if matches!(now.state, State::Pending(_)) => {
                    Look::NotYet(format!("its state is {}", now.state))
                }
                Some(now) => Look::Done(now),
            })
        });
        let function = ended.await?;
        let holds = self.code().is_in(&function);
        let held = if holds { self.code().to_string() } else { format!("code {}", function.code_sha256) };
        let observed = format!("{}, {held}", function.state);
        if let State::Failed(_) = &function.state {
            self.check(&what, &observed, &required, Verdict::Fail);
            let stop = format!("{what} was published, and cannot run: {}", function.state);
            return Ok(Err(Outcome::fail(stop).advise("mend what the reason names, and run this step again")));
        }
        if !holds {
            self.check(&what, &observed, &required, Verdict::Superseded);
            return Ok(Err(self.superseded("while it was published")));
        }
        self.check(&what, &observed, &required, Verdict::Pass);
        let code_changed = new && self.target.newest.as_ref().is_none_or(|newest| !self.code().is_in(newest));
        Ok(Ok(Published { version, function, new, code_changed }))
    }

    fn check(&self, name: &str, observed: &str, required: &str, verdict: Verdict) {
        self.cx.report.check(name, observed, required, verdict, "lambda:GetFunction");
    }

    fn update_failed(&self, reason: &str) -> Outcome {
        let name = self.name();
        let reason = if reason.is_empty() { "AWS gave no reason" } else { reason };
        self.check(&format!("update of {name}"), &format!("Failed ({reason})"), "Successful", Verdict::Fail);
        Outcome::fail(format!("the update of {name} failed: {reason}; nothing was published"))
            .advise("mend what the reason names, and run this step again: it begins with a new update")
    }

    fn superseded(&self, when: &str) -> Outcome {
        let name = self.name();
        self.check(&format!("code of {name}"), "changed by somebody else", &self.code().shown(), Verdict::Superseded);
        Outcome::superseded(format!("somebody else updated the function {name} {when}: nothing of it was published"))
            .advise(format!("see who else deploys {name}, and give both the same `concurrency:` group"))
            .advise("run this step again if this release is meant to win")
    }

    fn other_code(&self, sha256: &str) -> Outcome {
        let (name, required) = (self.name(), self.code().shown());
        self.check(&format!("code of {name}"), &format!("code {sha256}"), &required, Verdict::Fail);
        Outcome::fail(format!(
            "Lambda took other code into {name} than was looked at: code {sha256}, not {required}; nothing was published"
        ))
        .advise("the object in S3 was replaced meanwhile: use a bucket with versioning, or keys that are never written twice")
    }
}

/// True for a refusal that passes: somebody is updating the function, or has just done so.
pub(super) fn passes(error: &Error) -> bool {
    matches!(Refused::of(error), Refused::Busy | Refused::Changed)
}

/// Lambda asks to read the image of whoever deploys it, and of the repository for itself; its words are the same.
/// <https://docs.aws.amazon.com/lambda/latest/dg/images-create.html>, "Amazon ECR permissions"
fn unreadable(error: &Error, denied: Option<&str>) -> Outcome {
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
                message: message.to_owned(),
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
            (of(Kind::Denied, "not authorized to perform: lambda:UpdateFunctionCode"), Refused::Otherwise),
            (of(Kind::Broken, "reset"), Refused::Lost),
            (Refused::of(&Error::msg("no refusal of AWS")), Refused::Otherwise),
        ];
        for (number, (found, expected)) in table.into_iter().enumerate() {
            assert_eq!(found, expected, "line {number}");
        }
    }
}
