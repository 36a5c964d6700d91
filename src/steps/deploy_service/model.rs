//! What deploy-service finds.

use std::collections::BTreeMap;

use crate::action::inputs::CommitSha;
use crate::aws::Location;
use crate::ecs::{ContainerName, Definition, Revision, RuleWeights, Service, ServiceDeployment, ServiceRevision};
use crate::github::Ancestry;
use crate::oci::Digest;
use crate::rollout::ecr_image::Image;

/// One service as it was found, and what it is to get.
#[derive(Clone, Debug)]
pub(super) struct Observed {
    pub(super) service: Service,
    /// Where it is.
    pub(super) location: Location,
    /// Its newest deployment; none where ECS remembers none.
    pub(super) deployment: Option<ServiceDeployment>,
    /// What its tasks are made of: the revision that its last deployment left.
    pub(super) running: Option<ServiceRevision>,
    /// The task definition that it has.
    pub(super) current: Definition,
    /// The newest ACTIVE revision of its family.
    pub(super) newest: Option<Definition>,
    /// What it is to get: the base with the images and variables.
    pub(super) wanted: Definition,
    /// Which base that is, for people.
    pub(super) base: String,
    /// The images by container.
    pub(super) images: Vec<(ContainerName, Image)>,
    /// Where the users' rule leads, and the target group of what runs: of a service whose traffic is shifted.
    pub(super) rule: Option<(RuleWeights, String)>,
    /// The commit of the new images, as their label says.
    pub(super) commit: Option<CommitSha>,
    /// Where that commit stands to the one that runs; `None` when it is unknown.
    pub(super) ancestry: Option<Ancestry>,
}

impl Observed {
    /// The images that must run, by container.
    pub(super) fn digests(&self) -> BTreeMap<ContainerName, Digest> {
        self.images.iter().map(|(container, image)| (container.clone(), image.digest.clone())).collect()
    }

    /// What runs of the containers that get an image.
    pub(super) fn running_digests(&self) -> BTreeMap<ContainerName, Digest> {
        let Some(running) = &self.running else { return BTreeMap::new() };
        self.images.iter().filter_map(|(container, _)| Some((container.clone(), running.digest(container)?))).collect()
    }

    /// The task definition that it has, by name.
    pub(super) fn revision(&self) -> Option<Revision> {
        self.service.revision().ok()
    }

    /// What would be put back: the task definition of what runs.
    pub(super) fn previous(&self) -> Option<Revision> {
        let running = self.running.as_ref().and_then(|running| Revision::of_arn(&running.task_definition).ok());
        running.or_else(|| self.revision())
    }
}
