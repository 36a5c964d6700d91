//! What is said of a record after it was made: by later steps, by the release that replaces it, by a rollback.

use anyhow::Result;

use crate::action::inputs::DeploymentId;
use crate::calls::error_line;
use crate::context::Context;
use crate::github::{Github, State};

/// Makes these earlier records inactive, newest first: a release has replaced them.
pub async fn supersede(cx: &Context, newest: u64, earlier: &[u64]) {
    let description = format!("replaced by deployment {newest}");
    for id in earlier {
        let added = match cx.github().await {
            Ok(github) => github.add_status(*id, State::Inactive, &description, None).await,
            Err(error) => Err(error),
        };
        if let Err(error) = added {
            cx.report.warn(format!("earlier records were not made inactive: {}", error_line(&error)));
            return;
        }
    }
}

/// Withdraws a record: it no longer counts as succeeded.
pub async fn withdraw(github: &Github, id: u64, reason: &str) -> Result<()> {
    github.add_status(id, State::Failure, &format!("withdrawn: {reason}"), None).await
}

/// Adds what a step learned to the open record it was given.
pub async fn attach(cx: &Context, id: &DeploymentId, description: &str) {
    let added = match cx.github().await {
        Ok(github) => github.add_status(id.0, State::InProgress, description, None).await,
        Err(error) => Err(error),
    };
    if let Err(error) = added {
        cx.report.warn(format!("deployment {} was not told of this step: {}", id.0, error_line(&error)));
    }
}
