//! The version to go back to: it must be there, and able to answer, before anything is written.

use std::time::Duration;

use anyhow::Result;

use super::Going;
use super::plan::{Observed, Source};
use crate::aws::Kind;
use crate::context::Context;
use crate::explain::told;
use crate::health::event::{EventKind, Request};
use crate::health::values::UrlPath;
use crate::lambda::{Function, FunctionName, Lambda, State, Version, refusal};
use crate::poll::{Look, poll};
use crate::registry::ecr;
use crate::steps::Outcome;

/// The version must be there and able to answer before anything is written.
pub(super) async fn check(
    cx: &Context,
    lambda: &Lambda<'_>,
    observed: Observed,
    to: Version,
    source: Source,
) -> Result<Result<Going, Outcome>> {
    let name = observed.alias.function.clone();
    let left = async {
        match observed.alias.version {
            Some(version) => lambda.existing(&name, Some(version)).await,
            None => Ok(None),
        }
    };
    let (target, left) = tokio::join!(lambda.existing(&name, Some(to)), left);
    let Some(target) = target? else {
        return Ok(Err(gone(lambda, &name, to).await));
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
        State::Inactive | State::Pending(_) => wake(cx, lambda, &name, to).await?,
    };
    if let Some(missing) = image_missing(cx, &target).await {
        cx.report.warn(missing);
    }
    Ok(Ok(Going { observed, to, source, target, left: left? }))
}

/// The refusal to go back to a version that is gone, with the names of others where they may be listed.
async fn gone(lambda: &Lambda<'_>, name: &FunctionName, version: Version) -> Outcome {
    let others = match lambda.versions(name).await {
        Ok(known) => {
            let known: Vec<String> = known.iter().rev().take(10).map(ToString::to_string).collect();
            format!("; there are {}", known.join(", "))
        }
        Err(error) => {
            tracing::info!("which other versions there are could not be told: {}", told(&error));
            String::new()
        }
    };
    Outcome::fail(format!("version {version} of {name}, to go back to, does not exist any more"))
        .advise(format!("name another with the input `to`{others}"))
}

/// Wakes a version that was idle for weeks: the first invocation is refused and starts it.
/// <https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html>
async fn wake(cx: &Context, lambda: &Lambda<'_>, name: &FunctionName, version: Version) -> Result<Function> {
    tracing::info!("version {version} of {name} is not Active: waking it");
    let path = UrlPath::health();
    let event = EventKind::ApigwV2.event(&Request { method: "GET", path: &path, headers: Vec::new(), body: None });
    // Whatever it answers, it has been woken; its health is not judged here. Only who may not invoke it wakes nothing.
    let woken = lambda.invoke(name, &version.to_string(), event.to_string().as_bytes(), Duration::from_secs(30)).await;
    match woken {
        Err(error) if refusal(&error).is_some_and(|refusal| refusal.kind == Kind::Denied) => {
            return Err(error.context(format!("wake version {version} of {name}, to go back to")));
        }
        Err(error) => tracing::info!("  {}", told(&error)),
        Ok(_) => {}
    }
    poll(&cx.deadline, &format!("version {version} of {name}"), async || {
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
    match ecr::is_there(cx, image).await {
        Ok(false) => Some(format!(
            "the image of version {} is gone from its repository: it answers now, and fails once Lambda fetches it again",
            target.version.map(|version| version.to_string()).unwrap_or_default()
        )),
        Ok(true) => None,
        Err(error) => {
            tracing::info!("whether the image is still in its repository could not be told: {}", told(&error));
            None
        }
    }
}
