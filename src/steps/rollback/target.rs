//! What is gone back to: it must be there, and able to answer, before anything is written.

use std::time::Duration;

use anyhow::Result;

use super::place::Point;
use super::plan::{Observed, Source};
use crate::aws::{Kind, refusal};
use crate::calls::error_line;
use crate::calls::poll::{Look, poll};
use crate::context::Context;
use crate::health::event::{EventKind, Request};
use crate::health::values::UrlPath;
use crate::lambda::{Code, CodeId, Function, FunctionName, Lambda, State, Version};
use crate::outcome::Outcome;
use crate::rollout::image::is_in_repository;
use crate::rollout::latest::code_of;

/// What goes back, with everything the write needs.
#[derive(Debug)]
pub(super) struct Going {
    pub observed: Observed,
    /// What is to serve.
    pub to: Point,
    pub source: Source,
    /// The version that holds it.
    pub target: Function,
    /// The version that holds what serves until now; `None` when there is none.
    pub left: Option<Function>,
    pub how: How,
}

/// How it goes back.
#[derive(Debug)]
pub(super) enum How {
    /// The alias moves to this version.
    Move(Version),
    /// This code goes into `$LATEST`.
    Put(CodeId, Code),
}

/// What is gone back to must be there and able to answer before anything is written.
pub(super) async fn check(
    cx: &Context,
    lambda: &Lambda,
    observed: Observed,
    to: Point,
    source: Source,
) -> Result<Result<Going, Outcome>> {
    let name = observed.place.function().clone();
    let left = async {
        match observed.place.serves() {
            Some(Point::Version(version)) => lambda.existing(&name, Some(version)).await,
            Some(Point::Code(code)) => lambda.version_with_code(&name, &code).await,
            None => Ok(None),
        }
    };
    let target = async {
        match &to {
            Point::Version(version) => {
                let target = version_at(cx, lambda, &name, *version).await?;
                Ok(target.map(|target| (target, How::Move(*version))))
            }
            Point::Code(code) => code_at(cx, lambda, &name, code).await,
        }
    };
    let (target, left): (Result<_>, _) = tokio::join!(target, left);
    Ok(match target? {
        Ok((target, how)) => Ok(Going { observed, to, source, target, left: left?, how }),
        Err(refusal) => Err(refusal),
    })
}

async fn code_at(
    cx: &Context,
    lambda: &Lambda,
    name: &FunctionName,
    code: &CodeId,
) -> Result<Result<(Function, How), Outcome>> {
    let holding = lambda.version_with_code(name, code).await?.and_then(|version| version.version);
    let Some(version) = holding else {
        return Ok(Err(Outcome::fail(format!(
            "no version of {name} holds {}, to go back to: there is nowhere to take it from",
            code.shown()
        ))
        .advise(
            "name a version with the input `to`, or put the artifact back with publish-version and `traffic: latest`",
        )));
    };
    let target = lambda.function(name, Some(version)).await?;
    let code = code_of(cx, lambda, &target).await?;
    Ok(code.and_then(|sent| {
        let id =
            CodeId::of(&target).ok_or_else(|| Outcome::error(format!("version {version} of {name} names no code")))?;
        Ok((target, How::Put(id, sent)))
    }))
}

async fn version_at(
    cx: &Context,
    lambda: &Lambda,
    name: &FunctionName,
    to: Version,
) -> Result<Result<Function, Outcome>> {
    let Some(target) = lambda.existing(name, Some(to)).await? else {
        return Ok(Err(gone(lambda, name, to).await));
    };
    let target = match &target.state {
        State::Active => target,
        State::Failed(_) => {
            return Ok(Err(Outcome::fail(format!("version {to} of {name}, to go back to, is {}", target.state))
                .advise("name another version with the input `to`")));
        }
        State::Inactive | State::Pending(_) if cx.is_dry_run() => {
            tracing::info!("version {to} of {name} is {}: it would be woken", target.state);
            target
        }
        State::Inactive | State::Pending(_) => wake(cx, lambda, name, to).await?,
    };
    if let Some(missing) = image_missing(cx, &target).await {
        cx.report.warn(missing);
    }
    Ok(Ok(target))
}

/// The refusal to go back to a version that is gone, with the names of others where they may be listed.
async fn gone(lambda: &Lambda, name: &FunctionName, version: Version) -> Outcome {
    let others = match lambda.versions(name).await {
        Ok(known) => {
            let known: Vec<String> = known.iter().rev().take(10).map(ToString::to_string).collect();
            format!("; there are {}", known.join(", "))
        }
        Err(error) => {
            tracing::info!("which other versions there are could not be told: {}", error_line(&error));
            String::new()
        }
    };
    Outcome::fail(format!("version {version} of {name}, to go back to, does not exist any more"))
        .advise(format!("name another with the input `to`{others}"))
}

/// Wakes a version that was idle for weeks: the first invocation is refused and starts it.
/// <https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html>
async fn wake(cx: &Context, lambda: &Lambda, name: &FunctionName, version: Version) -> Result<Function> {
    tracing::info!("version {version} of {name} is not Active: waking it");
    let path = UrlPath::health();
    let event = EventKind::ApigwV2.event(&Request { method: "GET", path: &path, headers: Vec::new(), body: None });
    // Whatever it answers, it has been woken; its health is not judged here. Only who may not invoke it wakes nothing.
    let woken = lambda.invoke(name, &version.to_string(), event.to_string().as_bytes(), Duration::from_secs(30)).await;
    match woken {
        Err(error) if refusal(&error).is_some_and(|refusal| refusal.kind == Kind::Denied) => {
            return Err(error.context(format!("wake version {version} of {name}, to go back to")));
        }
        Err(error) => tracing::info!("  {}", error_line(&error)),
        Ok(_) => {}
    }
    poll(&cx.calls.deadline, &format!("version {version} of {name}"), async || {
        let function = lambda.function(name, Some(version)).await?;
        Ok(match &function.state {
            State::Active => Look::Done(function),
            State::Failed(_) => anyhow::bail!("version {version} of {name}, to go back to, is {}", function.state),
            State::Inactive | State::Pending(_) => Look::NotYet(function.state.to_string()),
        })
    })
    .await
}

/// A warning when the image of a version is gone: it answers now, and may not once Lambda fetches it again.
async fn image_missing(cx: &Context, target: &Function) -> Option<String> {
    let image = target.image.as_ref()?;
    match is_in_repository(cx, image).await {
        Ok(false) => Some(format!(
            "the image of version {} is gone from its repository: it answers now, and fails once Lambda fetches it again",
            target.version.map(|version| version.to_string()).unwrap_or_default()
        )),
        Ok(true) => None,
        Err(error) => {
            tracing::info!("whether the image is still in its repository could not be told: {}", error_line(&error));
            None
        }
    }
}
