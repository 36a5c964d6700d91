//! What a service runs now, in one line.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context as _, Result};

use super::client::Ecs;
use super::names::{ClusterName, ContainerName, Revision, ServiceName};
use super::service::{Service, ServiceRevision};
use crate::oci::Digest;

/// A revision that runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Its task definition.
    pub revision: Revision,
    /// What its containers run, of those that are known.
    pub digests: BTreeMap<ContainerName, Digest>,
    /// The images as the task definition names them, with their registries.
    pub images: BTreeMap<ContainerName, String>,
    /// How many of its tasks run.
    pub tasks: u64,
    /// Percent of the users' requests, where the traffic is shifted.
    pub weight: Option<f64>,
}

/// What a service runs: the last word of every step.
#[derive(Clone, Debug)]
pub struct Running {
    service: ServiceName,
    /// Each revision of it that has tasks or traffic.
    pub parts: Vec<Part>,
}

/// What runs of a service, from what was read of it. Revisions without tasks and without traffic are left out.
///
/// # Errors
/// A task definition has a name that is none.
pub fn running(service: &Service, revisions: &[ServiceRevision]) -> Result<Running> {
    let parts = service.current_service_revisions.iter().filter_map(|state| {
        let revision = revisions.iter().find(|revision| revision.arn == state.arn)?;
        let weight = state.requested_production_traffic_weight;
        (state.running_task_count > 0 || weight.is_some_and(|weight| weight > 0.0)).then(|| {
            Ok(Part {
                revision: Revision::of_arn(&revision.task_definition)?,
                digests: revision.digests(),
                images: revision.images(),
                tasks: state.running_task_count,
                weight,
            })
        })
    });
    Ok(Running { service: service.name.clone(), parts: parts.collect::<Result<_>>()? })
}

impl Ecs {
    /// Reads what a service runs.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn running(&self, cluster: &ClusterName, service: &ServiceName) -> Result<Running> {
        let services = self.services(cluster, &[service], false).await?;
        let service = services.first().context("ECS answered no service")?;
        let arns: Vec<&str> = service.current_service_revisions.iter().map(|state| state.arn.as_str()).collect();
        let revisions = if arns.is_empty() { Vec::new() } else { self.revisions(&arns).await? };
        running(service, &revisions)
    }
}

impl fmt::Display for Running {
    /// `shop-api -> shop-api:42 (app sha256:..)`, with tasks and shares where there are several.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> ", self.service)?;
        if self.parts.is_empty() {
            return f.write_str("no task runs");
        }
        for (place, part) in self.parts.iter().enumerate() {
            if place > 0 {
                f.write_str(" and ")?;
            }
            write!(f, "{}", part.revision)?;
            let digests: Vec<String> = part.digests.iter().map(|(name, digest)| format!("{name} {digest}")).collect();
            if !digests.is_empty() {
                write!(f, " ({})", digests.join(", "))?;
            }
            if self.parts.len() > 1 {
                write!(f, " with {} tasks", part.tasks)?;
                if let Some(weight) = part.weight {
                    write!(f, " and {weight} % of the traffic")?;
                }
            }
        }
        Ok(())
    }
}
