//! What may be gone back to, as it is. Nothing is asked here that could only end in a warning.

use std::pin::pin;
use std::time::Duration;

use anyhow::anyhow;
use tokio::time::{Instant, timeout};

use super::place::{FunctionPlace, Known, Revision};
use super::plan::Found;
use super::version::{check_holds, check_package};
use crate::calls::log_not_determined;
use crate::context::Context;
use crate::lambda::{FunctionName, Lambda, State, Version};
use crate::outcome::{Outcome, Step};
use crate::rollout::image;
use crate::rollout::latest::code_of;
use crate::text::{human_duration, message};

/// After so long a wait is reported that is not announced otherwise.
const PATIENCE: Duration = Duration::from_secs(3);

/// Waits for what the write needs, and reports it while it takes long.
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

/// Reads the version that holds what may be gone back to.
///
/// # Errors
/// A refusal when there is none; or AWS gives no usable answer.
pub(super) async fn look(cx: &Context, lambda: &Lambda, place: &FunctionPlace, known: &Known) -> Step<Found> {
    let name = place.function();
    match &known.point {
        Revision::Definition(_) | Revision::Release(_) => {
            Err(anyhow!("{} is no version of {name}", known.point).into())
        }
        Revision::Version(number) => {
            let Some(version) = lambda.existing(name, Some(*number)).await? else {
                return Err(refuse_gone(lambda, name, *number).await.into());
            };
            // It would be fetched anew, so that this look, which is bounded, spares a wait for what never comes.
            let sleeps = matches!(version.state, State::Inactive | State::Pending(_));
            let image_gone = sleeps && !cx.is_dry_run() && image::is_gone(cx, &version).await;
            Ok(Found { version, code: None, image_gone })
        }
        Revision::Code(code) => {
            let holding = lambda.version_with_code(name, code).await?.and_then(|version| version.version);
            let holding = holding.ok_or_else(|| {
                Outcome::fail(format!(
                    "no version of {name} holds {}, to go back to: there is nowhere to take it from",
                    code.label()
                ))
                .advise(
                    "name a version with the input `to`, or put the artifact back with publish-version and `traffic: latest`",
                )
            })?;
            let version = lambda.function(name, Some(holding)).await?;
            let usable = check_holds(&version, known).and_then(|()| check_package(&version)).is_ok();
            let code = if usable { Some(code_of(lambda, &version).await?) } else { None };
            Ok(Found { version, code, image_gone: false })
        }
    }
}

/// The refusal to go back to a version that is gone, with the names of others where they may be listed.
async fn refuse_gone(lambda: &Lambda, name: &FunctionName, version: Version) -> Outcome {
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
