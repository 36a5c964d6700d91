//! The inputs of run-task.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rehearse::RehearsalInputs;
use super::values::{Network, ProjectName, SchemaVersion, SourceVersion, TaskDefinition};
use crate::action::inputs::{Flag, Inputs, Lines, Pair, Problems, Text};
use crate::ecs::{ClusterName, ContainerName, ServiceName, Variable};
use crate::health::Payload;
use crate::health::json::JsonExpectations;
use crate::lambda::{FunctionName, TenantId, VersionRef};
use crate::oci::{EcrRegistry, ImageReference, Selector};
use crate::permissions::{AwsPermission, GithubPermission, Permissions, Resource, When};
use crate::record::OnConcurrent;
use crate::text::secrets::Secret;

/// What it must be allowed.
pub(super) const PERMISSIONS: Permissions = Permissions {
    aws: &[
        AwsPermission::reads("ecs:DescribeServices", Resource::Service).when(When::OfServices),
        AwsPermission::reads("ecs:DescribeTaskDefinition", Resource::Any).when(When::Cluster),
        AwsPermission::reads("ecs:ListTasks", Resource::Any).when(When::Cluster),
        AwsPermission::reads("ecs:DescribeTasks", Resource::Task).when(When::Cluster),
        AwsPermission::writes("ecs:RunTask", Resource::TaskDefinition).when(When::Cluster),
        AwsPermission::writes("iam:PassRole", Resource::TaskRole).when(When::Cluster),
        AwsPermission::writes("ecs:StopTask", Resource::Task).when(When::StopsTask).optional(STOPS),
        AwsPermission::reads("ecr:BatchGetImage", Resource::Repository).when(When::ImageOfTask).optional(IS_THERE),
        AwsPermission::reads("ecr:GetDownloadUrlForLayer", Resource::Repository)
            .when(When::ImageOfTask)
            .optional(IS_THERE),
        AwsPermission::writes("ecs:RegisterTaskDefinition", Resource::TaskDefinition).when(When::ImageOfTask),
        AwsPermission::writes("ecs:TagResource", Resource::TaskDefinition).when(When::ImageOfTask),
        AwsPermission::reads("logs:GetLogEvents", Resource::TaskLog)
            .when(When::TaskOrBuild)
            .optional("the log of the task, and what is read of it"),
        AwsPermission::reads("lambda:GetFunction", Resource::FunctionAndVersions).when(When::TaskFunction),
        AwsPermission::reads("lambda:GetAlias", Resource::Function).when(When::VersionByAlias),
        AwsPermission::writes("lambda:InvokeFunction", Resource::Versions).when(When::TaskFunction),
        AwsPermission::reads("codebuild:ListBuildsForProject", Resource::Project).when(When::Project),
        AwsPermission::reads("codebuild:BatchGetBuilds", Resource::Project).when(When::Project),
        AwsPermission::writes("codebuild:StartBuild", Resource::Project).when(When::Project),
        AwsPermission::writes("codebuild:StopBuild", Resource::Project).when(When::StopsBuild).optional(STOPS),
    ],
    github: &[
        GithubPermission::needs("deployments: read").when(When::NewerDatabase),
        GithubPermission::needs("contents: read").when(When::NewerDatabase),
        GithubPermission::needs("contents: read").when(When::Rehearsal),
        GithubPermission::needs("deployments: read")
            .when(When::RehearsalSinceDeployed)
            .optional("what is deployed; without it all migrations are rehearsed as new"),
    ],
};

const STOPS: &str = "what has not ended in time is stopped";
const IS_THERE: &str = "whether the image is there";

/// What the task is for.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum Purpose {
    /// It changes the schema of a database.
    #[default]
    Migrate,
    /// It tests something.
    Test,
    /// Something else.
    Other,
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Migrate => "migrate",
            Self::Test => "test",
            Self::Other => "other",
        })
    }
}

/// What is shown of the task's log.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum ShownLog {
    /// Each line as it comes.
    #[default]
    Stream,
    /// The last twenty lines, at the end.
    Tail,
    /// Nothing, and nothing of it is read.
    Off,
}

/// The inputs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RunTask {
    /// The cluster of ECS in which a task is run.
    pub(super) cluster: Option<ClusterName>,
    /// The service whose network, launch type and capacity the task gets.
    pub(super) service: Option<ServiceName>,
    /// What is run. Without it, what the service has.
    pub(super) task_definition: Option<TaskDefinition>,
    /// Where the task is in the network. Without it, where the service's tasks are.
    pub(super) network: Option<Network>,
    /// The container that decides how the task ended. Without it, the only one, or the one that is called as the service or the family.
    pub(super) container: Option<ContainerName>,
    /// The container's command, one word a line, in place of the one of the task definition.
    pub(super) command: Option<Lines<Text>>,
    /// Variables that the container gets, one a line. No secrets: they can be read in the console.
    pub(super) environment_overrides: Option<Lines<Variable>>,
    /// The image that the container runs, by digest: a revision of the task definition is registered that differs in it alone.
    pub(super) image: Option<ImageReference>,
    /// Who reads the image to see whether it is there, where that is not ECR.
    pub(super) registry_username: Option<Text>,
    /// The password or token of `registry-username`.
    pub(super) registry_password: Option<Secret>,
    /// The function of Lambda that is invoked.
    pub(super) function: Option<FunctionName>,
    /// The version to invoke. Required with `function`.
    pub(super) version: Option<VersionRef>,
    /// What the function is invoked with. Without it, `{}`.
    pub(super) payload: Option<Payload>,
    /// The tenant to invoke a function with tenant isolation for.
    pub(super) tenant_id: Option<TenantId>,
    /// The project of CodeBuild that is built.
    pub(super) project: Option<ProjectName>,
    /// What CodeBuild checks out. Without it, what the project says.
    pub(super) source_version: Option<SourceVersion>,
    /// Variables that the build gets, one a line. No secrets: they can be read in the console.
    pub(super) environment_variables: Option<Lines<Pair>>,
    /// What the task is for. Tasks of one purpose, component and environment run one after another.
    #[serde(default)]
    pub(super) purpose: Purpose,
    /// What is shown of the task's log.
    #[serde(default)]
    pub(super) logs: ShownLog,
    /// Whether the task is stopped when `timeout` has passed. The step waits until it has stopped.
    #[serde(default = "yes")]
    pub(super) stop_on_timeout: Flag,
    /// Whether the task is stopped when the step is cancelled. Without it, `false` with `purpose: migrate`, else `true`.
    pub(super) stop_on_cancel: Option<Flag>,
    /// What the last JSON in the log, or the function's answer, must hold, as YAML. A pointer, and a value, a `/pattern/` or a comparison such as
    /// `"< 50"`.
    pub(super) expect_json: Option<JsonExpectations>,
    /// The version that the schema must have at the end, as the task says it.
    pub(super) expect_schema_version: Option<SchemaVersion>,
    /// What to do while a task of the same purpose, that another run or step has started, goes on. Without it, `fail`.
    pub(super) on_concurrent: Option<OnConcurrent>,
    #[serde(flatten)]
    pub(super) rehearsal: RehearsalInputs,
}

fn yes() -> Flag {
    Flag(true)
}

/// Where the task is run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Where<'a> {
    /// On ECS.
    Cluster(&'a ClusterName),
    /// On Lambda.
    Function(&'a FunctionName),
    /// On `CodeBuild`.
    Project(&'a ProjectName),
}

impl Inputs for RunTask {
    fn check(&self, problems: &mut Problems) {
        let given = [
            ("cluster", self.cluster.is_some()),
            ("function", self.function.is_some()),
            ("project", self.project.is_some()),
            ("scratch-database", self.rehearsal.is_given()),
        ];
        match given.iter().filter(|(_, given)| *given).count() {
            0 => problems.add(
                "give `cluster` (a task of ECS), `function` (Lambda), `project` (CodeBuild), or `scratch-database` (a rehearsal of migrations)",
            ),
            1 => {}
            _ => problems.add(
                "give one of `cluster`, `function`, `project` and `scratch-database`: they are places where a task can run, or migrations are rehearsed",
            ),
        }
        self.rehearsal.check(problems);
        self.check_of_ecs(problems);
        let of_function = [
            ("version", self.version.is_some()),
            ("payload", self.payload.is_some()),
            ("tenant-id", self.tenant_id.is_some()),
        ];
        let of_project = [
            ("source-version", self.source_version.is_some()),
            ("environment-variables", self.environment_variables.is_some()),
        ];
        for (owner, is_there, inputs) in [
            ("function", self.function.is_some(), &of_function[..]),
            ("project", self.project.is_some(), &of_project[..]),
        ] {
            for (name, _) in inputs.iter().filter(|(_, given)| *given && !is_there) {
                problems.add(format!("input `{name}` is for `{owner}`, which is not given"));
            }
        }
        problems.add_if(
            self.function.is_some() && self.version.is_none(),
            "input `version` is required with `function`: a number, or `alias:<name>`; `$LATEST` can change between two runs",
        );
        problems.add_if(
            self.logs == ShownLog::Off
                && self.function.is_none()
                && (self.expect_json.is_some() || self.expect_schema_version.is_some()),
            "`expect-json` and `expect-schema-version` are read from the log: they exclude `logs: off`",
        );
    }
}

impl RunTask {
    fn check_of_ecs(&self, problems: &mut Problems) {
        let of_ecs = [
            ("service", self.service.is_some()),
            ("task-definition", self.task_definition.is_some()),
            ("network", self.network.is_some()),
            ("container", self.container.is_some()),
            ("command", self.command.is_some()),
            ("environment-overrides", self.environment_overrides.is_some()),
            ("image", self.image.is_some()),
        ];
        for (name, _) in of_ecs.iter().filter(|(_, given)| *given && self.cluster.is_none()) {
            problems.add(format!("input `{name}` is for a task of ECS: give `cluster` too"));
        }
        problems.add_if(
            self.cluster.is_some() && self.service.is_none() && self.task_definition.is_none(),
            "with `cluster`, give `task-definition`, or `service`, whose task definition is run",
        );
        problems.add_if(
            self.image.as_ref().is_some_and(|image| !matches!(image.selector, Selector::Digest(_))),
            "input `image` must name the image by its digest, `repository@sha256:..`: a tag may be another image when the task starts",
        );
        problems.add_if(
            self.registry_username.is_some() != self.registry_password.is_some(),
            "give `registry-username` and `registry-password` together",
        );
        let is_elsewhere = self
            .image
            .as_ref()
            .and_then(|image| image.host.as_deref())
            .is_some_and(|host| EcrRegistry::from_host(host).is_none());
        problems.add_if(
            self.registry_password.is_some() && !is_elsewhere,
            "input `registry-password` is for an `image` in another registry than ECR, which is read with the AWS credentials",
        );
        for variable in self.environment_overrides.iter().flatten() {
            problems.add_if(
                variable.container.is_some(),
                "input `environment-overrides` takes `NAME=value`: the variables are those of the container that decides",
            );
        }
    }

    /// What is asked for, by which steps of a job are told apart: not for how long it is waited, so that a second attempt may wait longer.
    pub(super) fn asked(&self) -> String {
        let ecs = (&self.cluster, &self.service, &self.task_definition, &self.network, &self.container, &self.image);
        let given = (&self.command, &self.environment_overrides, &self.environment_variables);
        format!("{ecs:?} {given:?} {:?} {:?}", self.project, self.source_version)
    }

    /// Where the task is run, if that is said.
    pub(super) fn place(&self) -> Option<Where<'_>> {
        let cluster = self.cluster.as_ref().map(Where::Cluster);
        cluster
            .or_else(|| self.function.as_ref().map(Where::Function))
            .or_else(|| self.project.as_ref().map(Where::Project))
    }

    /// Whether the task is stopped when the step is cancelled.
    pub(super) fn stops_on_cancel(&self) -> bool {
        self.stop_on_cancel.map_or(self.purpose != Purpose::Migrate, |flag| flag.0)
    }
}
