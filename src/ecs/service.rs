//! A service of ECS, and the revisions of it that run.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html>

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Deserialize;
use serde_json::Value;

use super::deployment::{DeploymentConfiguration, RevisionState};
use super::names::{ContainerName, Revision, ServiceName};
use crate::calls::enumeration;
use crate::oci::Digest;
use crate::text::Foreign;

enumeration! {
    /// Whether a service can be deployed.
    ServiceStatus of "status of a service" {
        /// Yes.
        Active = "ACTIVE",
        /// It is being deleted.
        Draining = "DRAINING",
        /// It was deleted.
        Inactive = "INACTIVE",
    }
}

enumeration! {
    /// Who deploys a service.
    Controller of "deployment controller of a service" {
        /// ECS itself.
        Ecs = "ECS",
        /// `CodeDeploy`, by task sets.
        CodeDeploy = "CODE_DEPLOY",
        /// Somebody else, by task sets.
        External = "EXTERNAL",
    }
}

/// A service.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// Its name.
    #[serde(rename = "serviceName")]
    pub name: ServiceName,
    /// Its ARN.
    #[serde(rename = "serviceArn")]
    pub arn: String,
    /// Whether it can be deployed.
    pub status: ServiceStatus,
    /// Who deploys it.
    #[serde(default)]
    deployment_controller: Option<ControllerOf>,
    /// `ECS` for an Express service.
    #[serde(default)]
    resource_management_type: Option<String>,
    /// How many tasks it is to have.
    #[serde(default)]
    pub desired_count: u64,
    /// ARN of its task definition.
    #[serde(default)]
    pub task_definition: String,
    /// ARN of its newest deployment, which may have ended.
    #[serde(default)]
    pub current_service_deployment: Option<String>,
    /// The revisions of it that have tasks.
    #[serde(default)]
    pub current_service_revisions: Vec<RevisionState>,
    /// Its rollouts, as they were called before there were service deployments: what starts tasks.
    #[serde(default, rename = "deployments")]
    pub rollouts: Vec<Rollout>,
    /// How it is deployed.
    #[serde(default)]
    pub deployment_configuration: DeploymentConfiguration,
    /// Where its users come from.
    #[serde(default)]
    pub load_balancers: Vec<LoadBalancer>,
    /// What happened, the newest first.
    #[serde(default)]
    pub events: Vec<Event>,
    /// Where its tasks are in the network, as ECS says it.
    #[serde(default)]
    pub network_configuration: Option<Value>,
    /// What its tasks run on, where no strategy says it.
    #[serde(default)]
    pub launch_type: Option<String>,
    /// What its tasks run on.
    #[serde(default)]
    pub capacity_provider_strategy: Vec<Value>,
    /// The platform of Fargate.
    #[serde(default)]
    pub platform_version: Option<String>,
    /// Its tags, where they were asked for.
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Clone, Debug, Deserialize)]
struct ControllerOf {
    #[serde(rename = "type")]
    kind: Controller,
}

impl Service {
    /// Its task definition, by name.
    ///
    /// # Errors
    /// It has none of ECS.
    pub fn revision(&self) -> Result<Revision> {
        Revision::of_arn(&self.task_definition)
    }

    /// Who deploys it.
    #[must_use]
    pub fn controller(&self) -> Controller {
        self.deployment_controller.as_ref().map_or(Controller::Ecs, |controller| controller.kind)
    }

    /// Whether ECS made it as a whole, with its load balancer: an Express service.
    #[must_use]
    pub fn is_express(&self) -> bool {
        self.resource_management_type.as_deref() == Some("ECS")
    }

    /// Its tags.
    #[must_use]
    pub fn tags(&self) -> BTreeMap<String, String> {
        self.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
    }

    /// The rollout of a task definition.
    #[must_use]
    pub fn rollout_of(&self, definition: &str) -> Option<&Rollout> {
        self.rollouts.iter().find(|rollout| rollout.task_definition == definition)
    }
}

/// A tag.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(super) struct Tag {
    /// Its name.
    #[serde(default)]
    pub key: String,
    /// Its value.
    #[serde(default)]
    pub value: String,
}

/// What starts tasks for a service.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// Its tasks name it as what started them.
    pub id: String,
    /// ARN of its task definition.
    #[serde(default)]
    pub task_definition: String,
    /// Tasks that failed since the last healthy one.
    #[serde(default)]
    pub failed_tasks: u64,
}

/// Where the users of a service come from.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadBalancer {
    /// One of its two target groups, or the only one.
    #[serde(default)]
    pub target_group_arn: Option<String>,
    /// The other one, of services whose traffic is shifted.
    #[serde(default)]
    pub advanced_configuration: Option<AdvancedConfiguration>,
}

/// How the traffic of a service is shifted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdvancedConfiguration {
    /// The other target group.
    #[serde(default)]
    pub alternate_target_group_arn: Option<String>,
    /// The rule that the users come by.
    #[serde(default)]
    pub production_listener_rule: Option<String>,
}

/// Something that ECS says of a service.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The same event read twice has the same.
    pub id: String,
    /// When it happened, seconds since 1970 by AWS's clock.
    #[serde(default)]
    pub created_at: f64,
    /// What it says.
    pub message: Foreign,
}

/// A revision of a service: what its tasks are made of.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceRevision.html>
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceRevision {
    /// Its ARN.
    #[serde(rename = "serviceRevisionArn")]
    pub arn: String,
    /// ARN of its task definition.
    pub task_definition: String,
    /// What its containers run.
    #[serde(default)]
    pub container_images: Vec<ContainerImage>,
    /// Where its users come from.
    #[serde(default)]
    resolved_configuration: Option<Resolved>,
    /// What ECS has changed of the task definition.
    #[serde(default)]
    overrides: Option<Overrides>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resolved {
    #[serde(default)]
    load_balancers: Vec<ResolvedBalancer>,
}

/// The target group that a revision has.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResolvedBalancer {
    /// The target group.
    #[serde(default)]
    pub target_group_arn: Option<String>,
    /// The rule that the users come by.
    #[serde(default)]
    pub production_listener_rule: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Overrides {
    #[serde(default)]
    runtime_platform: Option<RuntimePlatform>,
}

/// Where tasks run.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RuntimePlatform {
    /// `X86_64` without it.
    #[serde(default)]
    pub cpu_architecture: Option<String>,
    /// `LINUX` without it.
    #[serde(default)]
    pub operating_system_family: Option<String>,
}

impl ServiceRevision {
    /// What a container runs; nothing where ECS does not pin it, or does not say it.
    #[must_use]
    pub fn digest(&self, container: &ContainerName) -> Option<Digest> {
        let image = self.container_images.iter().find(|image| image.container_name == container.as_str())?;
        image.image_digest.as_deref()?.parse().ok()
    }

    /// What its containers run, of those that are known.
    #[must_use]
    pub fn digests(&self) -> BTreeMap<ContainerName, Digest> {
        let known = self.container_images.iter().filter_map(|image| {
            Some((image.container_name.parse().ok()?, image.image_digest.as_deref()?.parse().ok()?))
        });
        known.collect()
    }

    /// What its containers were given: images with their registries.
    #[must_use]
    pub fn images(&self) -> BTreeMap<ContainerName, String> {
        let known = self.container_images.iter();
        known.filter_map(|image| Some((image.container_name.parse().ok()?, image.image.clone()?))).collect()
    }

    /// The target groups that it has.
    pub fn balancers(&self) -> impl Iterator<Item = &ResolvedBalancer> {
        self.resolved_configuration.iter().flat_map(|resolved| &resolved.load_balancers)
    }

    /// Where its tasks run, where that is not what the task definition says.
    #[must_use]
    pub fn changed_platform(&self) -> Option<&RuntimePlatform> {
        self.overrides.as_ref()?.runtime_platform.as_ref()
    }
}

/// What a container runs.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerImage {
    /// The container.
    #[serde(default)]
    pub container_name: String,
    /// The image that it was given.
    #[serde(default)]
    pub image: Option<String>,
    /// The image that is pulled; none where ECS does not pin it.
    #[serde(default)]
    pub image_digest: Option<String>,
}
