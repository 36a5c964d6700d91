//! What is gone back to: it must be there, hold what it is said to hold, and be able to answer, before anything is written. Nothing is
//! asked here that could only end in a warning.

use std::pin::pin;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, timeout};

use super::place::{Known, Place, Revision};
use super::plan::{Observed, Source};
use crate::aws::{Kind, refusal};
use crate::calls::poll::{Look, poll};
use crate::calls::{error_line, log_not_determined};
use crate::context::Context;
use crate::health::event::{EventKind, Request};
use crate::health::values::UrlPath;
use crate::lambda::{Call, Code, CodeId, Function, FunctionName, Lambda, State, TenantId, Version};
use crate::outcome::{Outcome, Step};
use crate::rollout::image;
use crate::rollout::latest::code_of;
use crate::text::{human_duration, message};

/// After so long a wait that is not announced otherwise is said.
const PATIENCE: Duration = Duration::from_secs(3);

/// What goes back, with everything the write needs.
#[derive(Debug)]
pub(super) struct Going {
    pub observed: Observed,
    /// What is to serve.
    pub to: Revision,
    pub source: Source,
    /// The version that holds it.
    pub target: Function,
    /// The version that holds what served until now; `None` when there is none, and as long as it was not read.
    pub left: Option<Function>,
    pub how: Write,
}

/// How it goes back.
#[derive(Debug)]
pub(super) enum Write {
    /// The alias moves to this version.
    Move(Version),
    /// This code goes into `$LATEST`.
    Put(CodeId, Code),
}

/// Waits for what the write needs, and says so while it takes long.
pub(super) async fn waiting_for<T>(what: &str, work: impl Future<Output = T>) -> T {
    let (mut work, began) = (pin!(work), Instant::now());
    loop {
        match timeout(PATIENCE, &mut work).await {
            Ok(done) => return done,
            Err(_elapsed) => {
                tracing::info!(
                    "waiting for {what}, which the write needs ({} elapsed)",
                    human_duration(began.elapsed())
                );
            }
        }
    }
}

/// What is gone back to must be there, hold what it is said to hold, and be able to answer before anything is written.
pub(super) async fn check(
    cx: &Context,
    lambda: &Lambda,
    observed: Observed,
    known: Known,
    source: Source,
    tenant: Option<&TenantId>,
) -> Step<Going> {
    let name = observed.place.function().clone();
    let (target, how) = match &known.point {
        Revision::Version(version) => {
            (version_at(cx, lambda, &name, (*version, tenant), &known).await?, Write::Move(*version))
        }
        Revision::Code(code) => code_at(lambda, &name, code, &known).await?,
    };
    Ok(Going { observed, to: known.point, source, target, left: None, how })
}

/// The version that holds what serves until now: for the record and the outputs, so that no write waits for it.
pub(super) async fn left(lambda: &Lambda, one: &Going) -> Option<Function> {
    let name = one.observed.place.function();
    let read = match (&one.observed.place, one.observed.place.meets()) {
        (Place::Alias(_), Some(Revision::Version(version))) => lambda.existing(name, Some(version)).await,
        (Place::Latest(_), Some(Revision::Code(code))) => lambda.version_with_code(name, &code).await,
        _ => Ok(None),
    };
    read.unwrap_or_else(|error| {
        log_not_determined(&format!("which version of {name} held what served"), &error);
        None
    })
}

async fn code_at(lambda: &Lambda, name: &FunctionName, code: &CodeId, known: &Known) -> Step<(Function, Write)> {
    let holding = lambda.version_with_code(name, code).await?.and_then(|version| version.version);
    let Some(version) = holding else {
        return Err(Outcome::fail(format!(
            "no version of {name} holds {}, to go back to: there is nowhere to take it from",
            code.label()
        ))
        .advise(
            "name a version with the input `to`, or put the artifact back with publish-version and `traffic: latest`",
        )
        .into());
    };
    let target = lambda.function(name, Some(version)).await?;
    as_said(&target, known)?;
    is_whole(&target)?;
    let sent = code_of(lambda, &target).await?;
    let id = CodeId::of(&target).ok_or_else(|| Outcome::error(format!("version {version} of {name} names no code")))?;
    Ok((target, Write::Put(id, sent)))
}

async fn version_at(
    cx: &Context,
    lambda: &Lambda,
    name: &FunctionName,
    (to, tenant): (Version, Option<&TenantId>),
    known: &Known,
) -> Step<Function> {
    let Some(target) = lambda.existing(name, Some(to)).await? else {
        return Err(gone(lambda, name, to).await.into());
    };
    as_said(&target, known)?;
    is_whole(&target)?;
    match &target.state {
        State::Active => Ok(target),
        State::Failed(_) | State::NotInvocable => {
            Err(Outcome::fail(format!("version {to} of {name}, to go back to, is {}", target.state))
                .advise("name another version with the input `to`")
                .into())
        }
        State::Inactive | State::Pending(_) if cx.is_dry_run() => {
            tracing::info!("version {to} of {name} is {}: it would be woken", target.state);
            Ok(target)
        }
        // It is fetched anew, so that the look at the image, which is bounded, spares a wait for what never comes.
        State::Inactive | State::Pending(_) if image::is_gone(cx, &target).await => Err(Outcome::fail(message!(
            "image-gone", "the image of version {to} of {name}, to go back to, is gone from its repository: it would not start; nothing was written"
        ))
        .advise("name another version with the input `to`, or promote the image into its repository again")
        .into()),
        State::Inactive | State::Pending(_) => wake(cx, lambda, &target, tenant).await,
    }
}

/// Refuses a version that does not hold what the state or the record says: versions of a function that was deleted and made again
/// have the same numbers.
fn as_said(target: &Function, known: &Known) -> Step<()> {
    let name = &target.name;
    let number = target.version.map(|version| version.to_string()).unwrap_or_default();
    let different = known.holds.iter().find_map(|holds| Some((holds, holds.difference(target)?)));
    match different {
        None => Ok(()),
        Some((holds, (found, said))) => Err(Outcome::fail(message!(
            "version-holds-other",
            "version {number} of {name} holds {found}, and {} says that it holds {said}: nothing was written",
            holds.by
        ))
        .advise(format!("look at what version {number} is; if it is what shall serve, name it: `to: version:{number}`"))
        .into()),
    }
}

/// Refuses a version whose package lies in the customer's bucket, and is gone from there.
fn is_whole(target: &Function) -> Step<()> {
    let Some(why) = &target.storage.error else { return Ok(()) };
    let number = target.version.map(|version| version.to_string()).unwrap_or_default();
    Err(Outcome::fail(format!(
        "AWS cannot get at the package of version {number} of {}, to go back to: {why}; nothing was written",
        target.name
    ))
    .advise(
        "put the object back into its bucket, or let Lambda read it again; or name another version with the input `to`",
    )
    .into())
}

/// The refusal to go back to a version that is gone, with the names of others where they may be listed.
async fn gone(lambda: &Lambda, name: &FunctionName, version: Version) -> Outcome {
    let others = match lambda.versions(name).await {
        Ok(known) => {
            let known: Vec<String> = known.iter().rev().take(10).map(ToString::to_string).collect();
            format!("; there are {}", known.join(", "))
        }
        Err(error) => {
            log_not_determined("which other versions there are", &error);
            String::new()
        }
    };
    Outcome::fail(message!("version-deleted", "version {version} of {name}, to go back to, does not exist any more"))
        .advise(format!("name another with the input `to`{others}"))
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
        Err(error) if refusal(&error).is_some_and(|refusal| refusal.kind == Kind::Denied) => {
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
