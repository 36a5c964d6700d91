//! Carries the plan out for one function: code into `$LATEST`, a version of it, and waiting until that can be invoked. Every
//! write is guarded by what was seen just before it.

use anyhow::Error;

use super::target::Target;
use crate::calls::poll::{Look, poll};
use crate::calls::{Answer, error_line};
use crate::context::Context;
use crate::lambda::{CodeId, Function, FunctionName, Lambda, State, Version};
use crate::outcome::{Outcome, Step, Stop, Verdict};
use crate::rollout::update_code::{
    Refused, Updated, is_busy, newer, put_just_read, settled, settled_again, unreadable,
};
use crate::text::message;

/// How often a version is asked for again because the function has another revision than the one that was read.
const REVISIONS: u32 = 5;

/// How one function ended.
pub(super) type Ended = Result<Published, Outcome>;

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

/// Carries the plan out for one function.
pub(super) struct Deployment<'a> {
    pub(super) cx: &'a Context,
    /// A client with writes of its own: what is learned of one function's write says nothing of another's.
    pub(super) lambda: Lambda,
    pub(super) target: &'a Target,
    pub(super) description: &'a str,
}

impl Deployment<'_> {
    /// Updates, publishes and waits.
    pub(super) async fn deploy(&self) -> Step<Published> {
        let function = self.update().await?;
        let newest = self.target.newest_version();
        let published = publish(self.cx, &self.lambda, function, self.code(), newest, self.description).await?;
        self.active(published.ok_or_else(|| self.superseded("before it was published"))?).await
    }

    fn name(&self) -> &FunctionName {
        &self.target.function.name
    }

    fn code(&self) -> &CodeId {
        &self.target.id
    }

    /// Puts the code into `$LATEST`, unless it is there; the function as it is once the code is in use.
    async fn update(&self) -> Step<Function> {
        let updated = put_just_read(self.cx, &self.lambda, &self.target.function, self.code(), &self.target.code).await;
        if let Err(error) = &updated
            && Refused::of(error) == Refused::NoImage
        {
            return Err(self.not_found_by_lambda(error).into());
        }
        match updated? {
            Updated::Done(function) => {
                if self.target.plan.update {
                    self.check(&format!("update of {}", self.name()), "Successful", "Successful", Verdict::Pass);
                }
                Ok(*function)
            }
            Updated::Failed(reason) => Err(self.update_failed(&reason).into()),
            Updated::Superseded(when) => Err(self.superseded(when)),
            Updated::Other(sha256) => Err(self.other_code(&sha256).into()),
            Updated::Unreadable(error) => Err(unreadable(&error, self.target.denied.as_deref()).into()),
        }
    }

    /// Waits until a version can be invoked, and reads it back.
    async fn active(&self, version: Version) -> Step<Published> {
        let name = self.name();
        let new = Some(version) > self.target.newest_version();
        if !new {
            self.lambda.correct(Answer::Unchanged);
        }
        let what = format!("version {version} of {name}");
        let required = format!("Active, {}", self.code());
        let ended = poll(&self.cx.calls.deadline, &what, async || {
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
        if matches!(function.state, State::Failed(_) | State::NotInvocable) {
            self.check(&what, &observed, &required, Verdict::Fail);
            let stop = message!("published-cannot-run", "{what} was published, and cannot run: {}", function.state);
            return Err(Outcome::fail(stop).advise("fix what the reason names, and run this step again").into());
        }
        if !holds {
            self.check(&what, &observed, &required, Verdict::Superseded);
            return Err(self.superseded("while it was published"));
        }
        self.check(&what, &observed, &required, Verdict::Pass);
        let code_changed = new && self.target.newest.as_ref().is_none_or(|newest| !self.code().is_in(newest));
        Ok(Published { version, function, new, code_changed })
    }

    fn check(&self, name: &str, observed: &str, required: &str, verdict: Verdict) {
        self.cx.report.check(name, observed, required, verdict, "lambda:GetFunction");
    }

    /// The image was read before the first write, so it is there: for us.
    fn not_found_by_lambda(&self, error: &Error) -> Outcome {
        let name = self.name();
        let seen = if self.target.denied.is_none() { ", which this step has just read in its repository" } else { "" };
        Outcome::error(message!(
            "lambda-finds-no-image", "Lambda does not find the image {} for {name}{seen}: {}; it was asked several times, and nothing was published",
            self.code().label(),
            error_line(error)
        ))
        .advise("run this step again: what was pushed a moment ago may not be seen everywhere yet")
        .advise("if it stays so, see whether somebody deletes the image meanwhile: a lifecycle rule of its repository, or a cleanup")
    }

    fn update_failed(&self, reason: &str) -> Outcome {
        let name = self.name();
        self.check(&format!("update of {name}"), &format!("Failed ({reason})"), "Successful", Verdict::Fail);
        Outcome::fail(message!("update-failed", "the update of {name} failed: {reason}; nothing was published"))
            .advise("fix what the reason names, and run this step again: it begins with a new update")
    }

    fn superseded(&self, when: &str) -> Stop {
        let name = self.name();
        self.check(&format!("code of {name}"), "changed by somebody else", &self.code().label(), Verdict::Superseded);
        Outcome::superseded(message!(
            "function-updated-by-others",
            "somebody else updated the function {name} {when}: nothing of it was published"
        ))
        .advise(format!("see who else deploys {name}, and give both the same `concurrency:` group"))
        .advise("run this step again if this release is meant to win")
        .into()
    }

    fn other_code(&self, sha256: &str) -> Outcome {
        let (name, required) = (self.name(), self.code().label());
        self.check(&format!("code of {name}"), &format!("code {sha256}"), &required, Verdict::Fail);
        Outcome::fail(message!(
            "other-code-taken", "Lambda took other code into {name} than was looked at: code {sha256}, not {required}; nothing was published"
        ))
        .advise("the object in S3 was replaced meanwhile: use a bucket with versioning, or keys that are never written twice")
    }
}

/// Publishes `$LATEST` as it was seen; `None` when somebody else put other code there. A configuration that somebody changes
/// meanwhile is waited for and goes along, and a revision may move when nothing that matters has changed. `newest` of the versions
/// there were.
pub(super) async fn publish(
    cx: &Context,
    lambda: &Lambda,
    mut function: Function,
    code: &CodeId,
    newest: Option<Version>,
    description: &str,
) -> anyhow::Result<Option<Version>> {
    let mut revisions = 0;
    loop {
        let error = match lambda.publish_version(&function, description).await {
            Ok(version) => return Ok(Some(version)),
            Err(error) => error,
        };
        let now = match Refused::of(&error) {
            Refused::Busy => settled_again(cx, lambda, &function.name).await?,
            Refused::Changed => {
                let name = &function.name;
                if let Some(version) =
                    published_before_the_answer_was_lost(lambda, name, code, newest, description).await?
                {
                    return Ok(Some(version));
                }
                revisions += 1;
                let now = newer(cx, lambda, &function, true).await?;
                if now.revision == function.revision || revisions > REVISIONS {
                    return Err(error);
                }
                if is_busy(&now) { settled(cx, lambda, name).await? } else { now }
            }
            Refused::Lost | Refused::Unreadable | Refused::NoImage | Refused::Otherwise => return Err(error),
        };
        if !code.is_in(&now) {
            return Ok(None);
        }
        note_what_changed(cx, &function, &now);
        function = now;
    }
}

/// Says what is different of a function that still holds our code.
fn note_what_changed(cx: &Context, before: &Function, now: &Function) {
    let name = &now.name;
    if before.configuration == now.configuration {
        tracing::info!("{name} has a new revision, and neither its code nor its configuration has changed");
        return;
    }
    cx.report.check(
        format!("configuration of {name}"),
        "changed by somebody else",
        "any: the version holds it",
        Verdict::Pass,
        "lambda:GetFunction",
    );
    cx.report.warn(message!(
        "configuration-changed", "somebody else changed the configuration of {name} before it was published: the code is ours, and the version holds both"
    ));
}

/// The call is sent again when its answer is lost. Should AWS give `$LATEST` a new revision when it publishes, the second
/// call is refused for what the first one did.
async fn published_before_the_answer_was_lost(
    lambda: &Lambda,
    name: &FunctionName,
    code: &CodeId,
    newest: Option<Version>,
    description: &str,
) -> anyhow::Result<Option<Version>> {
    let now = lambda.versions(name).await?.last().copied();
    let Some(version) = now.filter(|version| Some(*version) > newest) else { return Ok(None) };
    let function = lambda.existing(name, Some(version)).await?;
    let ours = function.is_some_and(|function| code.is_in(&function) && function.description == description);
    if ours {
        lambda.correct(Answer::Applied);
    }
    Ok(ours.then_some(version))
}
