//! The answer to a hook at which a deployment waits.

use std::time::Duration;

use anyhow::Result;

use crate::aws::{Kind, refusal};
use crate::calls::Answer;
use crate::calls::poll::{Look, poll};
use crate::ecs::{Ecs, ServiceDeployment};

/// A write whose answer was lost is looked for this long.
const LOOKING: Duration = Duration::from_secs(15);

/// Lets a deployment go on that waits at a hook, or has it go back. A hook that waits no more was answered, or its time was over.
///
/// # Errors
/// ECS refuses, and the deployment still waits.
pub async fn answer_hook(ecs: &Ecs, deployment: &ServiceDeployment, hook: &str, go_on: bool) -> Result<()> {
    let Err(error) = ecs.answer_hook(deployment, hook, go_on).await else { return Ok(()) };
    if refusal(&error).is_none_or(|refused| refused.kind == Kind::Denied) {
        return Err(error);
    }
    let deadline = ecs.calls().deadline.at_most(LOOKING);
    let what = format!("hook {hook} to be answered");
    let looked = poll(&deadline, &what, async || {
        let found = ecs.deployments(&[&deployment.arn]).await?;
        let waits = found.iter().any(|now| now.paused_at().is_some_and(|other| other.hook_id == hook));
        Ok(if waits { Look::NotYet("it waits".to_owned()) } else { Look::Done(()) })
    });
    match looked.await {
        Ok(()) => {
            ecs.calls().correct(Answer::Applied);
            Ok(())
        }
        Err(_still_waits) => Err(error),
    }
}
