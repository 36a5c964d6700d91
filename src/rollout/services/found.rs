//! Services as they are: what they have, what brought it there, and what runs.

use crate::context::Context;
use crate::ecs::{ClusterName, DeploymentStatus, Ecs, Service, ServiceDeployment, ServiceName, ServiceRevision};
use crate::outcome::Step;
use crate::rollout::guard;

/// A service as it was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// It.
    pub service: Service,
    /// Its newest deployment; none where ECS remembers none.
    pub deployment: Option<ServiceDeployment>,
    /// What its tasks are made of: the revision that its last deployment left, or that one on its way replaces.
    pub running: Option<ServiceRevision>,
}

/// Reads services, in the order in which they are named, and compares their tags with those expected.
///
/// # Errors
/// One does not exist, is another than expected, or cannot be read.
pub async fn find(cx: &Context, ecs: &Ecs, cluster: &ClusterName, names: &[&ServiceName]) -> Step<Vec<Found>> {
    let services = ecs.services(cluster, names, cx.common.expected_tags.is_some()).await?;
    guard::check_services(cx, &services).await?;
    let arns: Vec<&str> = services.iter().filter_map(|service| service.current_service_deployment.as_deref()).collect();
    let deployments = if arns.is_empty() { Vec::new() } else { ecs.deployments(&arns).await? };
    let of = |service: &Service| {
        let arn = service.current_service_deployment.as_ref();
        deployments.iter().find(|deployment| Some(&deployment.arn) == arn)
    };
    let running: Vec<Option<String>> = services.iter().map(|service| running_arn(service, of(service))).collect();
    let arns: Vec<&str> = running.iter().flatten().map(String::as_str).collect();
    let revisions = if arns.is_empty() { Vec::new() } else { ecs.revisions(&arns).await? };
    let each = services.into_iter().zip(running).map(|(service, running)| Found {
        deployment: of(&service).cloned(),
        running: revisions.iter().find(|revision| Some(&revision.arn) == running.as_ref()).cloned(),
        service,
    });
    Ok(each.collect())
}

/// The revision that the last deployment left, or that one in progress replaces.
fn running_arn(service: &Service, last: Option<&ServiceDeployment>) -> Option<String> {
    let of_last = last.and_then(|last| match last.status {
        DeploymentStatus::Successful => last.target_service_revision.as_ref().map(|target| target.arn.clone()),
        DeploymentStatus::RollbackSuccessful => last.rollback.as_ref()?.service_revision_arn.clone(),
        _ => last.source_service_revisions.first().map(|source| source.arn.clone()),
    });
    of_last.or_else(|| service.current_service_revisions.first().map(|state| state.arn.clone()))
}
