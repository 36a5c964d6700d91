//! What a step must be allowed, in AWS and on GitHub, as data: the tables and policies of the documentation are rendered from
//! it, and the tests run each step with nothing else.
//!
//! Resources are those of <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>.

use std::fmt;

/// Everything one step asks for.
#[derive(Clone, Copy, Debug)]
pub struct Permissions {
    /// Of the role.
    pub aws: &'static [AwsPermission],
    /// Of the job's token.
    pub github: &'static [GithubPermission],
}

impl Permissions {
    /// Whether the step changes something anywhere, or has code run.
    #[must_use]
    pub fn write(&self) -> bool {
        self.aws.iter().any(|one| one.writes) || self.github.iter().any(|one| one.grant.ends_with(": write"))
    }
}

/// What an action is allowed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// The function itself. AWS judges calls that name an alias or a version on it as well, but for those below.
    Function,
    /// The function, and its versions. AWS's reference names the function alone for reads of a version, and its guide versions
    /// too (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html>): reads are allowed on both.
    FunctionAndVersions,
    /// Versions of the function, whose numbers nobody knows in advance.
    Versions,
    /// The alias users call.
    Alias,
    /// Durable executions of the function, whose names are made when they start.
    Executions,
    /// The repository an image is taken from.
    Source,
    /// The repository an image is brought to, or deployed from.
    Repository,
    /// The archive in S3.
    Object,
    /// The bucket of the archive.
    Bucket,
    /// The log group of the function.
    LogGroup,
    /// The topic of SNS.
    Topic,
    /// The service.
    Service,
    /// Deployments of the service, whose names are made when they begin.
    ServiceDeployment,
    /// Revisions of the service.
    ServiceRevision,
    /// Revisions of the service's task definition.
    TaskDefinition,
    /// Tasks of the cluster.
    Task,
    /// The roles of the service's tasks, for ECS alone.
    TaskRole,
    /// What has no resource.
    Any,
}

impl Resource {
    /// Its ARNs, with the names that the documentation uses.
    #[must_use]
    pub fn arns(self) -> &'static [&'static str] {
        match self {
            Self::Function => &["arn:aws:lambda:eu-west-1:111122223333:function:shop-api-prd"],
            Self::FunctionAndVersions => &[
                "arn:aws:lambda:eu-west-1:111122223333:function:shop-api-prd",
                "arn:aws:lambda:eu-west-1:111122223333:function:shop-api-prd:*",
            ],
            Self::Versions => &["arn:aws:lambda:eu-west-1:111122223333:function:shop-api-prd:*"],
            Self::Alias => &["arn:aws:lambda:eu-west-1:111122223333:function:shop-api-prd:live"],
            Self::Executions => &["arn:aws:lambda:eu-west-1:111122223333:function:shop-api-prd:*/durable-execution/*"],
            Self::Source => &["arn:aws:ecr:eu-west-1:111122223333:repository/shop-api-stg"],
            Self::Repository => &["arn:aws:ecr:eu-west-1:111122223333:repository/shop-api"],
            Self::Object => &["arn:aws:s3:::shop-releases/shop-api/*"],
            Self::Bucket => &["arn:aws:s3:::shop-releases"],
            Self::LogGroup => &["arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/shop-api-prd:*"],
            Self::Topic => &["arn:aws:sns:eu-west-1:111122223333:deployments"],
            Self::Service => &["arn:aws:ecs:eu-west-1:111122223333:service/shop-prd/shop-api"],
            Self::ServiceDeployment => &["arn:aws:ecs:eu-west-1:111122223333:service-deployment/shop-prd/shop-api/*"],
            Self::ServiceRevision => &["arn:aws:ecs:eu-west-1:111122223333:service-revision/shop-prd/shop-api/*"],
            Self::TaskDefinition => &["arn:aws:ecs:eu-west-1:111122223333:task-definition/shop-api:*"],
            Self::Task => &["arn:aws:ecs:eu-west-1:111122223333:task/shop-prd/*"],
            Self::TaskRole => &["arn:aws:iam::111122223333:role/shop-api-task"],
            Self::Any => &["*"],
        }
    }

    /// Its name in the `Sid` of a statement.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Function => "Function",
            Self::FunctionAndVersions => "FunctionAndVersions",
            Self::Versions => "Versions",
            Self::Alias => "Alias",
            Self::Executions => "Executions",
            Self::Source => "Source",
            Self::Repository => "Repository",
            Self::Object => "Object",
            Self::Bucket => "Bucket",
            Self::LogGroup => "LogGroup",
            Self::Topic => "Topic",
            Self::Service => "Service",
            Self::ServiceDeployment => "ServiceDeployment",
            Self::ServiceRevision => "ServiceRevision",
            Self::TaskDefinition => "TaskDefinition",
            Self::Task => "Task",
            Self::TaskRole => "TaskRole",
            Self::Any => "Any",
        }
    }
}

/// When a permission is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// Whenever the step runs.
    Always,
    /// The artifact is an image.
    Image,
    /// The image is named by a tag.
    ImageByTag,
    /// What is gone back to is an image.
    ImageVersion,
    /// ECR is the source or the destination.
    FromOrToEcr,
    /// ECR is the source.
    FromEcr,
    /// ECR is the destination.
    ToEcr,
    /// S3 is the destination.
    ToS3,
    /// The source is entered with the job's token.
    FromGhcr,
    /// The artifact is an archive in S3.
    Archive,
    /// S3 keeps versions of the archive.
    ArchiveWithVersions,
    /// The function is asked directly.
    Function,
    /// The function explains what its address answers.
    FunctionBesideUrl,
    /// An address is asked.
    Url,
    /// The function is asked whether it is healthy.
    HealthOfFunction,
    /// Lambda has put the version to sleep.
    Idle,
    /// The function is a durable function, and is invoked.
    Durable,
    /// The version is named by an alias.
    VersionByAlias,
    /// The alias may be made.
    CreateAlias,
    /// The target's tags are compared.
    ExpectedTags,
    /// The version is looked for among all.
    Guess,
    /// The alias has provisioned concurrency.
    Provisioned,
    /// The code is put back in place of an alias.
    Code,
    /// The code that is put back is an image.
    CodeOfImage,
    /// Users are served by `$LATEST`.
    Latest,
    /// The record is not optional.
    RecordRequired,
    /// The record is all that is written.
    Adopt,
    /// The record says what to go back to.
    ByRecord,
    /// A record is open that is not this run's.
    OtherRun,
    /// The same, where a record is made.
    OtherRunLatest,
    /// A record is named, or a place is given up.
    DeploymentOrEnded,
    /// A record is looked for or named.
    EnvironmentOrDeployment,
    /// The record of an environment names the source.
    FromEnvironment,
    /// The same, by what the commit contains.
    FromEnvironmentByTree,
    /// The record names the commit to compare with.
    LastDeployed,
    /// The tag holds the commit's time.
    Dated,
    /// The repository is asked about a tag or a commit.
    TagOrDated,
    /// The record says whether a release was deployed when it was published.
    Released,
    /// Another workflow's runs are looked for.
    CiWorkflow,
    /// The checks of the commit are looked at.
    RequireChecks,
    /// The time of the run is looked at.
    MaxDuration,
    /// A workflow is started.
    Workflow,
    /// An event is sent.
    EventType,
    /// What an event started is cancelled.
    EventTypeCancelled,
    /// A status of the commit is waited for.
    StatusAwaited,
    /// The newest task definition of the service is one of this action's.
    OwnRevisions,
    /// ECS shifts the traffic of the service.
    ShiftedTraffic,
    /// The traffic moves in increments, which are watched.
    Canary,
    /// A function is watched.
    Watched,
    /// An error rate or a latency is watched.
    Measured,
    /// A target group is counted.
    TargetGroup,
    /// The log group is of the class for infrequent access.
    InfrequentLog,
    /// Alarms are watched.
    Alarms,
    /// Sample requests are sent.
    Samples,
    /// What served before may be put back.
    RollsBack,
    /// An environment is named.
    InEnvironment,
    /// A topic is a channel.
    SnsChannel,
    /// The issue is kept.
    Issue,
    /// The pull request is a channel.
    PullRequestChannel,
}

impl fmt::Display for When {
    /// The words of the documentation, `with ..`; none for [`Always`](Self::Always).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Always => "",
            Self::Image => "with `image`",
            Self::ImageByTag => "with `image` by a tag",
            Self::ImageVersion => "to a version of an image",
            Self::FromOrToEcr => "from or to ECR",
            Self::FromEcr => "from ECR",
            Self::ToEcr => "to ECR",
            Self::ToS3 => "to S3",
            Self::FromGhcr => "from ghcr.io without `source-username`",
            Self::Archive => "with `zip: s3://..`",
            Self::ArchiveWithVersions => "with `zip: s3://..` in a bucket with versions",
            Self::Function => "with `function` and no `url`",
            Self::FunctionBesideUrl => "with `function` beside `url`",
            Self::Url => "with `url`",
            Self::HealthOfFunction => "with an input of the health check and no `url`",
            Self::Durable => "of a durable function",
            Self::Provisioned => "with provisioned concurrency on the alias",
            Self::Idle => "to a version that is idle and must be woken",
            Self::VersionByAlias => "with `version: alias:<name>`",
            Self::CreateAlias => "with `create-alias: true`",
            Self::ExpectedTags => "with `expected-tags`",
            Self::Guess => "with `allow-guess`, or a digest in `to`",
            Self::Code => "with `mode: code`",
            Self::CodeOfImage => "with `mode: code` of an image",
            Self::Latest => "with `traffic: latest`",
            Self::RecordRequired => "with `record: require`",
            Self::Adopt => "with `adopt: true`",
            Self::ByRecord => "without `state`, `versions` and a version in `to`",
            Self::OtherRun => "where another run left a record open",
            Self::OtherRunLatest => "with `traffic: latest`, where another run left a record open",
            Self::DeploymentOrEnded => "with `deployment-id` or `status: ended`",
            Self::EnvironmentOrDeployment => "with `environment` or `deployment-id`",
            Self::FromEnvironment => "with `from-environment`",
            Self::FromEnvironmentByTree => "with `from-environment` for a commit that has no record of its own",
            Self::LastDeployed => "with `base: last-deployed`",
            Self::Dated => "with `{date}` or `{time}` in `tag-format`",
            Self::TagOrDated => {
                "for a tag that is named, not pushed, with `ref`, after `workflow_run`, and for `{date}` or `{time}`"
            }
            Self::Released => "for the event `released`",
            Self::CiWorkflow => "with `ci-workflow`, but after `workflow_run`",
            Self::RequireChecks => "with `require-checks`",
            Self::MaxDuration => "with `max-duration`",
            Self::Workflow => "with `workflow`",
            Self::EventType => "with `event-type`",
            Self::EventTypeCancelled => "with `event-type` and `cancel-on-timeout`",
            Self::StatusAwaited => "with `wait-for: status:..`",
            Self::OwnRevisions => "where the newest revision of the family is one that this action registered",
            Self::ShiftedTraffic => "of a service with blue/green, linear or canary deployments",
            Self::Canary => "with a `strategy` of increments",
            Self::Watched => "with `function` or `versions`",
            Self::Measured => "with `function`, `versions`, or an API or a target group",
            Self::TargetGroup => "with `error-rate-source: alb:..`",
            Self::InfrequentLog => "where the log group is of the class INFREQUENT_ACCESS",
            Self::Alarms => "with `alarms`",
            Self::Samples => "with `synthetic-requests`",
            Self::RollsBack => "with `on-failure: rollback` or `on-error: rollback`",
            Self::InEnvironment => "with `environment`",
            Self::SnsChannel => "with a channel `sns`",
            Self::Issue => "without `issue: false`",
            Self::PullRequestChannel => "with a channel `pull-request`",
        })
    }
}

/// One action of AWS.
#[derive(Clone, Copy, Debug)]
pub struct AwsPermission {
    /// As IAM names it, `lambda:UpdateAlias`.
    pub action: &'static str,
    /// What it is allowed on.
    pub on: Resource,
    /// Whether it changes something, or has code run.
    pub writes: bool,
    /// When it is asked for.
    pub when: When,
    /// What it is for, if the step does its work without it.
    pub optional: Option<&'static str>,
}

impl AwsPermission {
    /// An action that reads.
    #[must_use]
    pub const fn reads(action: &'static str, on: Resource) -> Self {
        Self { action, on, writes: false, when: When::Always, optional: None }
    }

    /// An action that changes something, or has code run.
    #[must_use]
    pub const fn writes(action: &'static str, on: Resource) -> Self {
        Self { writes: true, ..Self::reads(action, on) }
    }

    /// Asked for only then.
    #[must_use]
    pub const fn when(self, when: When) -> Self {
        Self { when, ..self }
    }

    /// Done without where it is missing: this is left out.
    #[must_use]
    pub const fn optional(self, gives: &'static str) -> Self {
        Self { optional: Some(gives), ..self }
    }

    /// The name of the statement that allows it: `ReadFunction`, `OptionalReadAlias`, `WriteRepositoryToEcr`.
    #[must_use]
    pub fn sid(&self) -> String {
        let optional = if self.optional.is_some() { "Optional" } else { "" };
        let access = if self.writes { "Write" } else { "Read" };
        let when = self.when.to_string();
        let words = when.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let when: String = words.flat_map(|word| [word[..1].to_uppercase(), word[1..].to_lowercase()]).collect();
        format!("{optional}{access}{}{when}", self.on.name())
    }
}

/// One permission of the job's token.
#[derive(Clone, Copy, Debug)]
pub struct GithubPermission {
    /// As a workflow gives it, `deployments: write`.
    pub grant: &'static str,
    /// When it is asked for.
    pub when: When,
    /// What it is for, if the step does its work without it.
    pub optional: Option<&'static str>,
}

impl GithubPermission {
    /// A permission the step cannot do without.
    #[must_use]
    pub const fn needs(grant: &'static str) -> Self {
        Self { grant, when: When::Always, optional: None }
    }

    /// Asked for only then.
    #[must_use]
    pub const fn when(self, when: When) -> Self {
        Self { when, ..self }
    }

    /// Done without where it is missing: this is left out.
    #[must_use]
    pub const fn optional(self, gives: &'static str) -> Self {
        Self { optional: Some(gives), ..self }
    }
}

/// What the gate asks AWS: of functions that are `watched`, and of the requests that are `measured`.
#[must_use]
pub const fn gate(watched: When, measured: When) -> [AwsPermission; 13] {
    [
        AwsPermission::reads("lambda:GetFunctionUrlConfig", Resource::Alias)
            .when(watched)
            .optional("what the function's own address answered"),
        AwsPermission::reads("cloudwatch:GetMetricData", Resource::Any).when(measured),
        AwsPermission::reads("cloudwatch:ListMetrics", Resource::Any).when(When::TargetGroup),
        AwsPermission::reads("logs:DescribeLogGroups", Resource::Any).when(watched),
        AwsPermission::reads("logs:FilterLogEvents", Resource::LogGroup).when(watched),
        AwsPermission::reads("logs:StartQuery", Resource::LogGroup).when(When::InfrequentLog),
        AwsPermission::reads("logs:GetQueryResults", Resource::Any).when(When::InfrequentLog),
        AwsPermission::reads("cloudwatch:DescribeAlarms", Resource::Any).when(When::Alarms),
        AwsPermission::reads("cloudwatch:ListAlarmMuteRules", Resource::Any)
            .when(When::Alarms)
            .optional("whether an alarm that turned red is muted"),
        AwsPermission::reads("cloudwatch:DescribeAlarmContributors", Resource::Any)
            .when(When::Alarms)
            .optional("what turned a log alarm red"),
        AwsPermission::writes("lambda:InvokeFunction", Resource::Alias).when(When::Samples),
        FIND_EXECUTIONS,
        STOP_EXECUTIONS,
    ]
}

/// The permissions of a step and those of what it uses. `ALL` is how many they are together.
#[must_use]
pub const fn together<const ONE: usize, const OTHER: usize, const ALL: usize>(
    one: [AwsPermission; ONE],
    other: [AwsPermission; OTHER],
) -> [AwsPermission; ALL] {
    let mut all = [FIND_EXECUTIONS; ALL];
    let mut place = 0;
    while place < ALL {
        all[place] = if place < ONE { one[place] } else { other[place - ONE] };
        place += 1;
    }
    all
}

/// To find what was started by invoking a durable function.
pub const FIND_EXECUTIONS: AwsPermission =
    AwsPermission::reads("lambda:ListDurableExecutionsByFunction", Resource::Function)
        .when(When::Durable)
        .optional(STOPS_EXECUTIONS);

/// To stop it.
pub const STOP_EXECUTIONS: AwsPermission = AwsPermission::writes("lambda:StopDurableExecution", Resource::Executions)
    .when(When::Durable)
    .optional(STOPS_EXECUTIONS);

const STOPS_EXECUTIONS: &str = "what was started by invoking it, and still runs, is stopped";

/// To tell a run that works on the same targets from one that died over it.
pub const OTHER_RUNS: GithubPermission = GithubPermission::needs("actions: read")
    .when(When::OtherRun)
    .optional("whether that run is over, and its record is closed; without it that run is assumed to be running");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_named_by_what_it_allows() {
        let table = [
            (AwsPermission::reads("a:B", Resource::Function), "ReadFunction"),
            (AwsPermission::writes("a:B", Resource::Alias).optional("x"), "OptionalWriteAlias"),
            (AwsPermission::reads("a:B", Resource::Object).when(When::Archive), "ReadObjectWithZipS3"),
        ];
        for (permission, sid) in table {
            assert_eq!(permission.sid(), sid);
        }
    }
}
