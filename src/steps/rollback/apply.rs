//! The writes of a rollback, and the proof of them. A bad version serves until the writes are done, so that nothing waits for GitHub
//! before them.

use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::{join, join_all, try_join_all};

use super::inputs::Rollback;
use super::place::{FunctionPlace, Place as _, Revision};
use super::plan::{Going, Write};
use super::report;
use super::target::waiting_for;
use crate::aws::is_denied;
use crate::calls::error_line;
use crate::calls::poll::{Look, poll};
use crate::context::Context;
use crate::health::event::{EventKind, Request};
use crate::health::values::UrlPath;
use crate::lambda::{Alias, Call, Code, CodeId, Function, Lambda, State, TenantId};
use crate::outcome::{Outcome, Step, Stop};
use crate::rollout::image;
use crate::rollout::move_alias::{self, Moved, Written, found_at, move_alias};
use crate::rollout::update_code::{Updated, put, unreadable};
use crate::text::message;

/// What is only reported, or noted in the record, may take this long beside the writes.
pub(super) const NOTING: Duration = Duration::from_secs(5);

/// What was written at one place.
pub(super) enum Sent {
    /// An alias.
    Alias(Written),
    /// Code, which is in use.
    Code,
}

/// Wakes what sleeps, writes to all functions at the same time, and learns beside that what is only reported or recorded.
pub(super) async fn apply(step: &Rollback, cx: &Context, going: &mut [Going]) -> Step<Vec<Step<Sent>>> {
    let lambda = &cx.lambda().await?;
    let tenant = step.health.tenant_id.as_ref();
    let sleeping = going.iter_mut().filter(|one| one.sleeps());
    let woken = try_join_all(sleeping.map(async |one| {
        one.target = wake(cx, lambda, &one.target, tenant).await?;
        Step::Ok(())
    }));
    waiting_for("the versions to go back to", woken).await?;
    let noting = &lambda.with_calls(cx.calls.until(cx.calls.deadline.renew(NOTING)));
    let all: &[Going] = going;
    let writes = join_all(all.iter().map(|one| write(cx, lambda, one)));
    let lefts = join_all(all.iter().map(|one| version_left(noting, one)));
    let images = join_all(all.iter().map(|one| warn_of_a_gone_image(cx, one)));
    let (sent, (lefts, _)) = join(Box::pin(writes), Box::pin(join(lefts, images))).await;
    for (one, left) in going.iter_mut().zip(lefts) {
        one.left = left;
    }
    Ok(sent)
}

/// Reads back every write; the aliases as they are.
pub(super) async fn read_back(cx: &Context, going: &[Going], applied: Vec<Step<Sent>>) -> Vec<Step<Option<Alias>>> {
    let seen = going.iter().zip(applied).map(async |(one, sent)| match sent? {
        Sent::Code => Ok(None),
        Sent::Alias(written) => match move_alias::read_back(cx, written).await? {
            Moved::Done(alias) => Ok(Some(alias)),
            Moved::Superseded(now) => Err(superseded(one, &format!("it {}", found_at(now.as_ref())))),
        },
    });
    join_all(seen).await
}

/// The one write of a function.
async fn write(cx: &Context, lambda: &Lambda, one: &Going) -> Step<Sent> {
    match (&one.place, &one.write) {
        (FunctionPlace::Alias(alias), Write::Move(version)) => {
            Ok(Sent::Alias(move_alias(cx, lambda, alias, *version).await?))
        }
        (FunctionPlace::Latest(function), Write::Put(id, code)) => {
            put_code(cx, lambda, one, function, id, code).await.map(|()| Sent::Code)
        }
        _ => Err(anyhow::anyhow!("{} cannot go back like this: this is a bug, please report it", one.place).into()),
    }
}

async fn put_code(
    cx: &Context,
    lambda: &Lambda,
    one: &Going,
    function: &Function,
    id: &CodeId,
    code: &Code,
) -> Step<()> {
    let name = &function.name;
    let function = &function.clone().kept_as(&one.target.storage);
    let updated = match put(cx, lambda, function, id, code).await {
        Err(_) if image::is_gone(cx, &one.target).await => {
            let number = one.target.number();
            return Err(Outcome::fail(message!(
                "image-gone",
                "the image of version {number} of {name} is gone from its repository: it cannot be put back"
            ))
            .advise("name another version with the input `to`, or promote the image into its repository again")
            .into());
        }
        updated => updated?,
    };
    match updated {
        Updated::Done(_) => Ok(()),
        Updated::Superseded(_) => Err(superseded(one, "it holds other code")),
        Updated::Failed(reason) => Err(Outcome::bad_version_serves(message!(
            "update-failed",
            "the update of {name} back to {} failed: {reason}; what was to be replaced still answers",
            id.label()
        ))
        .advise(format!("fix what the reason names; by hand: {}", report::by_hand(one)))
        .into()),
        Updated::Other(hash) => Err(Outcome::bad_version_serves(format!(
            "Lambda took other code into {name} than was sent: code {hash}, not {}",
            id.label()
        ))
        .into()),
        Updated::Unreadable(error) => Err(unreadable(&error, None).into()),
    }
}

fn superseded(one: &Going, found: &str) -> Stop {
    Outcome::superseded(message!(
        "changed-in-between",
        "{} was changed by somebody else between the reading and the write: {found}",
        one.place
    ))
    .advise("look at what serves before rolling back again")
    .into()
}

/// The version that holds what serves until now: for the record and the outputs, so that no write waits for it.
async fn version_left(lambda: &Lambda, one: &Going) -> Option<Function> {
    let name = one.place.function();
    let read = match (&one.place, one.place.serving()) {
        (FunctionPlace::Alias(_), Some(Revision::Version(version))) => lambda.existing(name, Some(version)).await,
        (FunctionPlace::Latest(_), Some(Revision::Code(code))) => lambda.version_with_code(name, &code).await,
        _ => Ok(None),
    };
    read.unwrap_or_else(|error| {
        tracing::info!("which version of {name} held what served could not be determined: {}", error_line(&error));
        None
    })
}

/// The image of a version behind an alias answers as long as Lambda has it. Code that goes into `$LATEST` is refused without its image.
async fn warn_of_a_gone_image(cx: &Context, one: &Going) {
    if matches!(one.write, Write::Move(_)) && image::is_gone(cx, &one.target).await {
        cx.report.warn(message!(
            "image-gone", "the image of version {} is gone from its repository: it answers now, and fails once Lambda fetches it again",
            one.target.number()
        ));
    }
}

/// Wakes a version that was idle for weeks: the first invocation is refused and starts it.
/// <https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html>
async fn wake(cx: &Context, lambda: &Lambda, target: &Function, tenant: Option<&TenantId>) -> Step<Function> {
    let name = &target.name;
    let version = target.version.context("$LATEST cannot be gone back to")?;
    tracing::info!("version {version} of {name} is not Active: waking it");
    let path = UrlPath::health();
    let event = EventKind::ApigwV2.event(&Request { method: "GET", path: &path, headers: Vec::new(), body: None });
    // Whatever it answers, it has been woken; its health is not judged here. Only who may not invoke it wakes nothing.
    let (qualifier, event) = (version.to_string(), event.to_string());
    let call = Call {
        function: name,
        qualifier: &qualifier,
        payload: event.as_bytes(),
        limit: Duration::from_secs(30),
        tenant: tenant.filter(|_| target.per_tenant),
        durable: target.durable.is_some(),
    };
    let answered = match lambda.invoke(call).await {
        Err(error) if is_denied(&error) => {
            return Err(error.context(format!("wake version {version} of {name}, to go back to")).into());
        }
        Err(error) => {
            tracing::info!("  {}", error_line(&error));
            Some(error_line(&error))
        }
        Ok(_) => None,
    };
    let answered = || {
        answered.as_ref().map_or_else(String::new, |words| format!("; it was to be woken, and AWS answered: {words}"))
    };
    let what = format!("version {version} of {name}");
    let woken = poll(&cx.calls.deadline, &what, async || {
        let function = lambda.function(name, Some(version)).await?;
        Ok(match &function.state {
            State::Active | State::Failed(_) | State::NotInvocable => Look::Done(function),
            State::Inactive | State::Pending(_) => Look::NotYet(format!("{}{}", function.state, answered())),
        })
    });
    let function = woken.await?;
    if matches!(function.state, State::Failed(_) | State::NotInvocable) {
        let is = format!("{what}, to go back to, is {}{}", function.state, answered());
        return Err(Outcome::fail(is).advise("name another version with the input `to`").into());
    }
    Ok(function)
}
