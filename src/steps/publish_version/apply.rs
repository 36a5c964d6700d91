//! Carries the plan out for one function: code into `$LATEST`, a version of it, and waiting until that can be invoked. Every
//! write is guarded by what was seen just before it.

use anyhow::{Error, Result};

use super::Target;
use super::artifact::CodeId;
use super::plan::plan;
use crate::action::report::Answer;
use crate::aws::Kind;
use crate::context::Context;
use crate::deadline::shown;
use crate::lambda::{Function, FunctionName, Lambda, LastUpdate, State, Version, refusal};
use crate::poll::{Look, poll};
use crate::steps::Outcome;
use crate::verdict::Verdict;

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
enum Refused {
    /// An update is in progress; the call may be sent again after it.
    Busy,
    /// The function was changed since it was read.
    Changed,
    /// No answer came.
    Lost,
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
            Kind::Broken => Self::Lost,
            _ => Self::Otherwise,
        }
    }
}

/// Reads a function as it is once nothing is in progress any more: whoever began an update may end it first.
pub(super) async fn settled(cx: &Context, lambda: &Lambda<'_>, name: &FunctionName) -> Result<Function> {
    let now = lambda.function(name, None).await?;
    let Some(busy) = busy(&now) else { return Ok(now) };
    tracing::info!(
        "{name}: {busy}, begun by somebody else: waiting for its end, at most {}",
        shown(cx.deadline.remaining())
    );
    poll(&cx.deadline, &format!("the end of somebody else's update of {name}"), async || {
        let now = lambda.function(name, None).await?;
        Ok(match self::busy(&now) {
            Some(state) => Look::NotYet(state),
            None => Look::Done(now),
        })
    })
    .await
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

    /// Puts the code into `$LATEST`, unless it is there; the function as it is once the code is in use.
    async fn update(&self) -> Result<Or<Function>> {
        let mut function = self.target.function.clone();
        let mut sent_again = false;
        loop {
            if !plan(&function, self.code(), None).update {
                return Ok(Ok(function));
            }
            let error = match self.lambda.update_code(&function, &self.target.code).await {
                Ok(told) if self.code().is(&told.code_sha256) => return self.in_use().await,
                Ok(told) => return Ok(Err(self.other_code(&told.code_sha256))),
                Err(error) => error,
            };
            match Refused::of(&error) {
                Refused::Busy => function = settled(self.cx, self.lambda, self.name()).await?,
                Refused::Changed | Refused::Lost => {
                    let now = self.lambda.function(self.name(), None).await?;
                    if self.code().is_in(&now) {
                        self.cx.report.found(&Lambda::updating(self.name()), Answer::Applied);
                        return self.in_use().await;
                    }
                    if now.revision != function.revision {
                        return Ok(Err(self.superseded("while its code was being updated")));
                    }
                    if sent_again || matches!(Refused::of(&error), Refused::Changed) {
                        return Err(error);
                    }
                    tracing::info!("the update was not applied; sending it again, guarded by the same revision");
                    sent_again = true;
                }
                Refused::Otherwise => return Err(error),
            }
        }
    }

    /// Waits until the code that was sent is in use. <https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html>
    async fn in_use(&self) -> Result<Or<Function>> {
        let name = self.name();
        tracing::info!(
            "{name}: waiting until the new code is in use (LastUpdateStatus Successful), at most {}",
            shown(self.cx.deadline.remaining())
        );
        let what = format!("update of {name}");
        let ended = poll(&self.cx.deadline, &what, async || {
            let now = self.lambda.function(name, None).await?;
            Ok(match &now.last_update {
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
                    function = settled(self.cx, self.lambda, self.name()).await?;
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
                Refused::Lost | Refused::Otherwise => return Err(error),
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
        let required = format!("Active, {}", self.code().shown());
        let ended = poll(&self.cx.deadline, &what, async || {
            let now = self.lambda.function(name, Some(version)).await?;
            Ok(match &now.state {
                State::Pending(_) => Look::NotYet(format!("its state is {}", now.state)),
                _ => Look::Done(now),
            })
        });
        let function = ended.await?;
        let holds = self.code().is_in(&function);
        let held = if holds { self.code().shown() } else { format!("code {}", function.code_sha256) };
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
