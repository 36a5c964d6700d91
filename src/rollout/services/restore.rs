//! Giving services back what they had.

use anyhow::{Result, bail};

use super::follow::{Followed, follow};
use super::update::update;
use super::way::{Goal, Until, Way};
use crate::context::Context;
use crate::ecs::{ClusterName, ServiceName};

/// Gives each service the revision of its goal, and follows it until that has the users; with those that were put back. What is not
/// `before` of its goal any more is somebody else's, and left alone.
///
/// # Errors
/// A service could not be given it, or it did not start.
pub async fn restore(cx: &Context, cluster: &ClusterName, goals: &[(ServiceName, Goal)]) -> Result<Vec<String>> {
    let ecs = &cx.ecs().await?;
    let names: Vec<_> = goals.iter().map(|(name, _)| name).collect();
    let now = ecs.services(cluster, &names, false).await?;
    let mut back = Vec::new();
    for service in &now {
        let Some((_, goal)) = goals.iter().find(|(name, _)| *name == service.name) else { continue };
        // ECS itself takes no precondition.
        if service.revision().ok() != goal.before {
            cx.report.warn(format!("service {} was given something else since: it is left as it is", service.name));
            continue;
        }
        tracing::info!("{}: goes back to {}", service.name, goal.revision);
        update(ecs, cluster, service, &goal.revision, false).await?;
        back.push(Followed::new(service, goal.clone(), service.current_service_deployment.clone()));
    }
    follow(cx, cluster, &mut back, Way { until: Until::TrafficShifted, ..Way::default() }).await?;
    match back.iter().find(|one| !one.is_good()) {
        None => Ok(back.iter().map(|one| one.service.to_string()).collect()),
        Some(bad) => bail!("the deployment of service {} back to {} did not succeed", bad.service, bad.goal.revision),
    }
}
