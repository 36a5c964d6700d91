//! The inputs of deploy-service.

use std::collections::BTreeSet;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::services::{Base, Bases, Images, Removed, ServiceImages, Services, TaskImage};
use crate::action::inputs::{Flag, Inputs, Lines, Problems, Span, Text};
use crate::ecs::{ClusterName, ContainerName, ServiceName, Variable};
use crate::oci::ImageReference;
use crate::permissions::{
    AwsPermission, GithubPermission, OTHER_RUNS, Permissions, Resource, When, gate_of_services, together,
};
use crate::record::{RecordInputs, RequiredMigrations};
use crate::registry::Credentials;
use crate::rollout::elsewhere;
use crate::rollout::services::{ExpectedRevisions, Until};
use crate::text::secrets::Secret;
use crate::watch::{CommonGateInputs, GateInputs, OnUndecided};

/// What it must be allowed.
pub(super) const PERMISSIONS: Permissions = Permissions {
    aws: &together::<18, 5, 23>(
        [
            AwsPermission::reads("ecs:DescribeServices", Resource::Service),
            AwsPermission::reads("ecs:DescribeServiceDeployments", Resource::ServiceDeployment),
            AwsPermission::reads("ecs:DescribeServiceRevisions", Resource::ServiceRevision),
            AwsPermission::reads("ecs:DescribeTaskDefinition", Resource::Any),
            AwsPermission::reads("ecr:BatchGetImage", Resource::Repository)
                .optional("whether the image is there and built for the tasks' platform"),
            AwsPermission::reads("ecr:GetDownloadUrlForLayer", Resource::Repository)
                .optional("whether the image is there and built for the tasks' platform"),
            AwsPermission::reads("ecr:DescribeImages", Resource::Repository).when(When::ImageByTag),
            AwsPermission::reads("ecs:ListTaskDefinitions", Resource::Any).when(When::OwnRevisions),
            AwsPermission::reads("elasticloadbalancing:DescribeRules", Resource::Any).when(When::ShiftedTraffic),
            AwsPermission::writes("ecs:RegisterTaskDefinition", Resource::TaskFamilies),
            AwsPermission::writes("ecs:TagResource", Resource::TaskFamilies),
            AwsPermission::writes("iam:PassRole", Resource::TaskRole),
            AwsPermission::writes("ecs:UpdateService", Resource::Service),
            AwsPermission::reads("ecs:ListTasks", Resource::Any).optional("why tasks stopped"),
            AwsPermission::reads("ecs:DescribeTasks", Resource::Task).optional("why tasks stopped"),
            AwsPermission::writes("ecs:DeregisterTaskDefinition", Resource::Any)
                .when(When::OfTasks)
                .optional("after a failure the newest revision of the families is the one before"),
            AwsPermission::writes("ecs:ContinueServiceDeployment", Resource::ServiceDeployment).when(When::Continues),
            AwsPermission::reads("elasticloadbalancing:DescribeTargetGroups", Resource::Any).when(When::Continues),
        ],
        gate_of_services(When::Continues),
    ),
    github: &[
        GithubPermission::needs("deployments: write").when(When::RecordRequired),
        GithubPermission::needs("deployments: write").when(When::Adopt),
        GithubPermission::needs("deployments: read").when(When::RequiresMigrations),
        GithubPermission::needs("deployments: write").optional("the record"),
        OTHER_RUNS,
        GithubPermission::needs("contents: read")
            .optional("a commit older than what runs is refused, and the commit's tree stands in the record"),
    ],
};

/// What is done where a deployment waits for an answer.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum OnPause {
    /// Somebody else's answer is waited for.
    #[default]
    Wait,
    /// It is answered: with more of the traffic where the new tasks did well with what they have, else they are taken back.
    Continue,
    /// The step ends, and `hook-id` names what waits.
    Return,
}

/// What it means that nothing takes a bad deployment back by itself.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum RequireGuard {
    /// A warning.
    #[default]
    Warn,
    /// The deployment is refused.
    Fail,
    /// Nothing.
    Off,
}

/// What is done with the services that were deployed well when another was not.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum OnFailedService {
    /// They get back what they had.
    #[default]
    Restore,
    /// They stay as they are.
    Leave,
}

/// The inputs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct DeployService {
    /// The cluster.
    pub(super) cluster: ClusterName,
    /// The service. With `image`, the short form for one.
    pub(super) service: Option<ServiceName>,
    /// Its image.
    pub(super) image: Option<ImageReference>,
    /// The container that gets `image`. Without it, the only one, or the one that is called as the service.
    pub(super) container: Option<ContainerName>,
    /// Several services with their images. YAML: `service: image`, or `service: {container: image}`.
    pub(super) services: Option<Services>,
    /// The task definition whose images are replaced, or `service=` before it a line. `latest`: the newest revision of the service's family
    /// that this action did not register, so that what Terraform or CDK registered arrives; `current`: what the service has now; a family,
    /// whose newest revision is the template; a revision; a JSON file.
    pub(super) task_definition: Option<Bases>,
    /// Variables that containers get, one a line. Without a container, in each whose image is replaced.
    pub(super) variables: Option<Lines<Variable>>,
    /// Containers and secrets that may disappear, one a line: `container`, `container/SECRET`.
    pub(super) allow_removed: Option<Lines<Removed>>,
    /// Families without a service that get the same image, one a line. `family`, or `family/container`: what a schedule starts, or run-task.
    pub(super) tasks: Option<Lines<TaskImage>>,
    /// Who reads images of other registries than ECR, to see whether they are there. ECS reads them with the task definition's own secret.
    pub(super) registry_username: Option<Text>,
    /// The password or token of `registry-username`.
    pub(super) registry_password: Option<Secret>,
    /// Write nothing to AWS: prove and record what another tool has deployed. Terraform and CDK deploy services by themselves. `image` may be
    /// left out: then what runs is recorded.
    #[serde(default)]
    pub(super) adopt: Flag,
    /// How far the deployment is followed.
    #[serde(default)]
    pub(super) until: Until,
    /// What is done where a deployment waits for an answer.
    #[serde(default)]
    pub(super) on_pause: OnPause,
    /// How long each share is watched at the least, with `on-pause: continue`.
    #[serde(default = "five_minutes")]
    pub(super) window: Span,
    /// With `on-pause: continue`: what is watched, and how it is judged.
    #[serde(flatten)]
    pub(super) gate: CommonGateInputs,
    /// What is done when a share cannot be judged. With `on-pause: continue`: back to what served, or on.
    #[serde(default)]
    pub(super) on_inconclusive: OnUndecided,
    /// What it means that nothing takes a bad deployment back. By itself a circuit breaker does, alarms, or a bake time.
    #[serde(default)]
    pub(super) require_guard: RequireGuard,
    /// Fail where ECS cannot say by digest what runs.
    #[serde(default)]
    pub(super) require_digest: Flag,
    /// Wait until no task of before runs.
    #[serde(default)]
    pub(super) require_drained: Flag,
    /// Deploy to services that are to have no task: nothing is proved then.
    #[serde(default)]
    pub(super) allow_zero: Flag,
    /// Start new tasks also where nothing changes.
    #[serde(default)]
    pub(super) force_new_deployment: Flag,
    /// Refuse if a service has any other task definition.
    pub(super) expected_current: Option<ExpectedRevisions>,
    /// Let an older commit replace a newer one.
    #[serde(default)]
    pub(super) allow_downgrade: Flag,
    /// What is done with the others when a service was not deployed well.
    #[serde(default)]
    pub(super) on_failure: OnFailedService,
    #[serde(flatten)]
    pub(super) required: RequiredMigrations,
    #[serde(flatten)]
    pub(super) record: RecordInputs,
}

fn five_minutes() -> Span {
    Span::minutes(5)
}

impl Inputs for DeployService {
    fn check(&self, problems: &mut Problems) {
        match (&self.service, &self.image, &self.services) {
            (Some(_), Some(_), None) | (None, None, Some(_)) => {}
            (None, None, None) => problems.add("give `service` and `image`, or `services`"),
            (_, _, Some(_)) => problems.add("give either `services`, or `service` and `image`, not both"),
            (Some(_), None, None) if self.adopt.0 => {}
            (Some(_), None, None) => problems.add("input `image` is required with `service`"),
            (None, Some(_), None) => problems.add("input `service` is required with `image`"),
        }
        problems.add_if(
            self.container.is_some() && self.services.is_some(),
            "input `container` belongs to `image`; in `services` write `service: {container: image}`",
        );
        self.check_pause(problems);
        self.check_registry(problems);
        let deploys = self.force_new_deployment.0
            || self.task_definition.is_some()
            || self.variables.is_some()
            || self.tasks.is_some();
        problems.add_if(
            self.adopt.0 && deploys,
            "inputs `force-new-deployment`, `task-definition`, `variables` and `tasks` say how to deploy, and with `adopt` nothing is deployed",
        );
        let asked: BTreeSet<ServiceName> = self.names().into_iter().collect();
        let bases = self.task_definition.iter().flat_map(Bases::named);
        let expected = self.expected_current.iter().flat_map(ExpectedRevisions::named);
        for service in bases.chain(expected).filter(|service| !asked.contains(service)).collect::<BTreeSet<_>>() {
            problems.add(format!("service {service} is named, and is none of those that are deployed"));
        }
    }
}

impl DeployService {
    /// What must hold between the inputs of `on-pause: continue`.
    fn check_pause(&self, problems: &mut Problems) {
        self.gate().check(false, true, problems);
        if self.on_pause != OnPause::Continue {
            return;
        }
        problems.add_if(
            self.until == Until::Paused,
            "`until: paused` ends where `on-pause: continue` would go on: give one of them",
        );
        problems.add_if(self.window.0 < Duration::from_secs(1), "input `window` must be longer than 0s");
        problems.add_if(
            self.gate.asking.expect_version.is_some(),
            "input `expect-version` cannot hold while the new tasks share `url` with those before them: leave it out",
        );
    }

    /// What is watched, as the gate takes it.
    pub(super) fn gate(&self) -> GateInputs {
        self.gate.clone().into()
    }

    fn check_registry(&self, problems: &mut Problems) {
        problems.add_if(
            self.registry_username.is_some() != self.registry_password.is_some(),
            "give `registry-username` and `registry-password` together",
        );
        let listed = self.list();
        let images = listed.iter().flat_map(|one| match &one.images {
            Images::One(image) => vec![image],
            Images::Each(each) => each.iter().map(|(_, image)| image).collect(),
        });
        let is_elsewhere = images.into_iter().any(|image| elsewhere::host(image).is_some());
        problems.add_if(
            self.registry_password.is_some() && !is_elsewhere,
            "input `registry-password` is for images in another registry than ECR, which is read with the AWS credentials",
        );
    }

    /// Who reads images of other registries.
    pub(super) fn credentials(&self) -> Option<Credentials> {
        let given = self.registry_username.as_ref().zip(self.registry_password.as_ref());
        given.map(|(username, password)| Credentials { username: username.to_string(), password: password.clone() })
    }

    /// The services, in the order given.
    pub(super) fn names(&self) -> Vec<ServiceName> {
        match (&self.services, &self.service) {
            (Some(services), _) => services.0.iter().map(|one| one.service.clone()).collect(),
            (None, service) => service.iter().cloned().collect(),
        }
    }

    /// The services and their images, in the order given.
    pub(super) fn list(&self) -> Vec<ServiceImages> {
        match (&self.services, &self.service, &self.image) {
            (Some(services), _, _) => services.0.clone(),
            (None, Some(service), Some(image)) => {
                let images = match &self.container {
                    Some(container) => Images::Each(vec![(container.clone(), image.clone())]),
                    None => Images::One(image.clone()),
                };
                vec![ServiceImages { service: service.clone(), images }]
            }
            _ => Vec::new(),
        }
    }

    /// The base of a service.
    pub(super) fn base(&self, service: &ServiceName) -> Base {
        self.task_definition.as_ref().and_then(|bases| bases.of(service)).cloned().unwrap_or_default()
    }
}
