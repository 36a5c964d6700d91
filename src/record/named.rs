//! The records that the input `deployment-id` names.

use anyhow::Context as _;
use futures_util::future::{join, try_join_all};

use super::history::Standing;
use super::payload::{Payload, Read};
use crate::action::inputs::{DeploymentId, EnvironmentName};
use crate::context::Context;
use crate::github::Status;
use crate::outcome::{Outcome, Step};
use crate::text::message;

/// A record that was named by its number.
#[derive(Clone, Debug)]
pub struct NamedRecord {
    /// The deployment's number.
    pub id: u64,
    /// The environment it belongs to.
    pub environment: EnvironmentName,
    /// What it says.
    pub payload: Payload,
    /// Newest first.
    pub statuses: Vec<Status>,
}

impl NamedRecord {
    /// What became of it.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing::of(&self.statuses)
    }
}

/// Reads the records that were named, each once, in their order.
///
/// # Errors
/// A refusal when one is no record of this action; or GitHub gives no usable answer.
pub async fn read_named(cx: &Context) -> Step<Vec<NamedRecord>> {
    try_join_all(cx.common.deployment_ids().into_iter().map(|id| read(cx, id))).await
}

async fn read(cx: &Context, DeploymentId(id): DeploymentId) -> Step<NamedRecord> {
    let github = cx.github().await?;
    let (deployment, statuses) = join(github.deployment(id), github.statuses(id)).await;
    let (deployment, statuses) = (deployment?, statuses?);
    let Read::Ours(payload) = Payload::read(&deployment.payload) else {
        return Err(Outcome::fail(message!("no-record-of-ours", "deployment {id} is not a record of this action"))
            .advise("hand over the output `deployment-id` of the step that made the record")
            .into());
    };
    let environment = deployment.environment.parse().map_err(anyhow::Error::msg);
    let environment = environment.with_context(|| format!("read the environment of deployment {id}"))?;
    Ok(NamedRecord { id, environment, payload: *payload, statuses })
}
