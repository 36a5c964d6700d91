//! The one write of a service.

use std::time::Duration;

use anyhow::Result;

use crate::aws::{Kind, refusal};
use crate::calls::Answer;
use crate::calls::poll::{Look, poll};
use crate::ecs::{ClusterName, Ecs, Revision, Service, ServiceName};

/// A write whose answer was lost is looked for this long.
const LOOKING: Duration = Duration::from_secs(15);

/// The same by hand.
#[must_use]
pub fn by_hand(cluster: &ClusterName, service: &ServiceName, revision: &Revision) -> String {
    format!("aws ecs update-service --cluster {cluster} --service {service} --task-definition {revision}")
}

/// Gives a service a revision. ECS takes no precondition: what was read just before is all there is.
pub async fn update(
    ecs: &Ecs,
    cluster: &ClusterName,
    service: &Service,
    revision: &Revision,
    force: bool,
) -> Result<()> {
    let before = service.current_service_deployment.as_ref();
    let error = match ecs.update(cluster, &service.name, revision, force).await {
        Ok(_service) => return Ok(()),
        Err(error) if is_unanswered(&error) => error,
        Err(error) => return Err(error),
    };
    let deadline = ecs.calls().deadline.at_most(LOOKING);
    let what = format!("service {} to show what became of it", service.name);
    let looked = poll(&deadline, &what, async || {
        let found = ecs.services(cluster, &[&service.name], false).await?;
        let is_there = found.first().is_some_and(|now| {
            let has_it = now.revision().is_ok_and(|now| now == *revision);
            has_it && (!force || now.current_service_deployment.as_ref() != before)
        });
        Ok(if is_there { Look::Done(()) } else { Look::NotYet("not seen".to_owned()) })
    });
    match looked.await {
        Ok(()) => {
            ecs.calls().correct(Answer::Applied);
            Ok(())
        }
        Err(_not_seen) => Err(error),
    }
}

/// Whether a write may have been done although nobody answered.
#[must_use]
pub fn is_unanswered(error: &anyhow::Error) -> bool {
    refusal(error).is_some_and(|refused| matches!(refused.kind, Kind::TimedOut | Kind::Broken))
}
