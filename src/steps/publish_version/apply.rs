//! The writes of publish-version for one function, and the proof of them: code into `$LATEST`, a version of it, and waiting until that
//! can be invoked. Every write is guarded by what was seen just before it.

use anyhow::Error;
use futures_util::future::join_all;

use super::inputs::PublishVersion;
use super::plan::{Observed, Target};
use crate::calls::poll::{Look, poll};
use crate::calls::{Answer, error_line};
use crate::context::Context;
use crate::explain::error_outcome;
use crate::lambda::{CodeId, Function, FunctionName, Lambda, State, Version};
use crate::outcome::{Outcome, Step, Stop, Verdict};
use crate::rollout::update_code::{
    Refused, Updated, is_busy, newer, put_just_read, unreadable, wait_again_until_settled, wait_until_settled,
};
use crate::text::message;

/// How often a version is asked for again because the function has another revision than the one that was read.
const REVISIONS: u32 = 5;

/// A version that AWS answered, to be read back.
pub(super) struct Answered {
    version: Version,
    /// The client that published it, which notes what became of that.
    lambda: Lambda,
}

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

/// Updates and publishes all functions at the same time.
pub(super) async fn apply(step: &PublishVersion, cx: &Context, plan: &[Target]) -> Step<Vec<Step<Answered>>> {
    let (lambda, description) = (cx.lambda().await?, step.version_description(cx));
    let writes = plan.iter().map(async |target| {
        // A client of its own: what is learned of one function's write says nothing of another's.
        let (lambda, observed) = (lambda.separate(), &target.observed);
        let function = update(cx, &lambda, target).await?;
        let version = publish(cx, &lambda, function, &observed.id, observed.newest_version(), &description).await?;
        let version = version.ok_or_else(|| superseded(cx, observed, "before it was published"))?;
        Ok(Answered { version, lambda })
    });
    Ok(join_all(writes).await)
}

/// Waits until all versions can be invoked, and reads them back; how each function ended.
pub(super) async fn read_back(cx: &Context, plan: &[Target], applied: Vec<Step<Answered>>) -> Vec<Ended> {
    let seen = plan.iter().zip(applied).map(async |(target, answered)| {
        let ended = match answered {
            Ok(answered) => wait_until_active(cx, &target.observed, answered).await,
            Err(stop) => Err(stop),
        };
        // A refusal names its function; an error does where it is one of several.
        ended.map_err(|stop| match stop {
            Stop::Ended(outcome) => outcome,
            Stop::Error(error) if plan.len() > 1 => {
                error_outcome(&error.context(target.observed.function.name.clone()))
            }
            Stop::Error(error) => error_outcome(&error),
        })
    });
    join_all(seen).await
}

/// Puts the code into `$LATEST`, unless it is there; the function as it is once the code is in use.
async fn update(cx: &Context, lambda: &Lambda, target: &Target) -> Step<Function> {
    let one = &target.observed;
    let (name, label) = (&one.function.name, one.id.label());
    let updated = match put_just_read(cx, lambda, &one.function, &one.id, &one.code).await {
        Err(error) if Refused::of(&error) == Refused::NoImage => return Err(not_found_by_lambda(one, &error).into()),
        updated => updated?,
    };
    let what = format!("update of {name}");
    match updated {
        Updated::Done(function) => {
            if target.plan.update {
                check(cx, &what, "Successful", "Successful", Verdict::Pass);
            }
            Ok(*function)
        }
        Updated::Failed(reason) => {
            check(cx, &what, &format!("Failed ({reason})"), "Successful", Verdict::Fail);
            Err(Outcome::fail(message!(
                "update-failed",
                "the update of {name} failed: {reason}; nothing was published"
            ))
            .advise("fix what the reason names, and run this step again: it begins with a new update")
            .into())
        }
        Updated::Superseded(when) => Err(superseded(cx, one, when)),
        Updated::Other(sha256) => {
            check(cx, &format!("code of {name}"), &format!("code {sha256}"), &label, Verdict::Fail);
            Err(Outcome::fail(message!(
                "other-code-taken", "Lambda took other code into {name} than was looked at: code {sha256}, not {label}; nothing was published"
            ))
            .advise("the object in S3 was replaced meanwhile: use a bucket with versioning, or keys that are never written twice")
            .into())
        }
        Updated::Unreadable(error) => Err(unreadable(&error, one.denied.as_deref()).into()),
    }
}

/// Waits until a version can be invoked, and reads it back.
async fn wait_until_active(cx: &Context, one: &Observed, answered: Answered) -> Step<Published> {
    let (Answered { version, lambda }, name) = (answered, &one.function.name);
    let new = Some(version) > one.newest_version();
    if !new {
        lambda.correct(Answer::Unchanged);
    }
    let what = format!("version {version} of {name}");
    let required = format!("Active, {}", one.id);
    let ended = poll(&cx.calls.deadline, &what, async || {
        Ok(match lambda.existing(name, Some(version)).await? {
            // Whoever has just published it may be read from where that is not known yet.
            None => Look::NotYet("it is not to be seen yet".to_owned()),
            Some(now) if matches!(now.state, State::Pending(_)) => Look::NotYet(format!("its state is {}", now.state)),
            Some(now) => Look::Done(now),
        })
    });
    let function = ended.await?;
    let holds = one.id.is_in(&function);
    let held = if holds { one.id.to_string() } else { format!("code {}", function.code_sha256) };
    let observed = format!("{}, {held}", function.state);
    if matches!(function.state, State::Failed(_) | State::NotInvocable) {
        check(cx, &what, &observed, &required, Verdict::Fail);
        let stop = message!("published-cannot-run", "{what} was published, and cannot run: {}", function.state);
        return Err(Outcome::fail(stop).advise("fix what the reason names, and run this step again").into());
    }
    if !holds {
        check(cx, &what, &observed, &required, Verdict::Superseded);
        return Err(superseded(cx, one, "while it was published"));
    }
    check(cx, &what, &observed, &required, Verdict::Pass);
    let code_changed = new && one.newest.as_ref().is_none_or(|newest| !one.id.is_in(newest));
    Ok(Published { version, function, new, code_changed })
}

fn check(cx: &Context, name: &str, observed: &str, required: &str, verdict: Verdict) {
    cx.report.check(name, observed, required, verdict, "lambda:GetFunction");
}

/// The image was read before the first write, so it is there: for us.
fn not_found_by_lambda(one: &Observed, error: &Error) -> Outcome {
    let seen = if one.denied.is_none() { ", which this step has just read in its repository" } else { "" };
    Outcome::error(message!(
        "lambda-finds-no-image", "Lambda does not find the image {} for {}{seen}: {}; it was asked several times, and nothing was published",
        one.id.label(),
        one.function.name,
        error_line(error)
    ))
    .advise("run this step again: what was pushed a moment ago may not be seen everywhere yet")
    .advise("if it stays so, see whether somebody deletes the image meanwhile: a lifecycle rule of its repository, or a cleanup")
}

fn superseded(cx: &Context, one: &Observed, when: &str) -> Stop {
    let name = &one.function.name;
    check(cx, &format!("code of {name}"), "changed by somebody else", &one.id.label(), Verdict::Superseded);
    Outcome::superseded(message!(
        "function-updated-by-others",
        "somebody else updated the function {name} {when}: nothing of it was published"
    ))
    .advise(format!("see who else deploys {name}, and give both the same `concurrency:` group"))
    .advise("run this step again if this release is meant to win")
    .into()
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
            Refused::Busy => wait_again_until_settled(cx, lambda, &function.name).await?,
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
                if is_busy(&now) { wait_until_settled(cx, lambda, name).await? } else { now }
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

/// Reports what is different of a function that still holds our code.
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
