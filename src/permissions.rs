//! What a step must be allowed, in AWS and on GitHub, as data: the tables and policies of the documentation are rendered from
//! it, and the tests run each step with nothing else.
//!
//! Resources are those of <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>.

mod when;

pub use self::when::When;

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
    /// The same, and those of families without a service.
    TaskFamilies,
    /// Tasks of the cluster.
    Task,
    /// The roles of the service's tasks, for ECS alone.
    TaskRole,
    /// The log group that a task or a build writes to.
    TaskLog,
    /// The project of CodeBuild.
    Project,
    /// The role that deploys.
    Role,
    /// APIs of API Gateway, and their domain names.
    Api,
    /// The bucket of the site.
    SiteBucket,
    /// Everything in the bucket of the site.
    SiteObjects,
    /// The distribution in front of the site.
    Distribution,
    /// A function of `CloudFront` in front of the site.
    EdgeFunction,
    /// The key value store of `CloudFront` that has the site's pointer.
    KeyValueStore,
    /// The secret of Secrets Manager.
    Secret,
    /// The database.
    Database,
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
            Self::TaskFamilies => &[
                "arn:aws:ecs:eu-west-1:111122223333:task-definition/shop-api:*",
                "arn:aws:ecs:eu-west-1:111122223333:task-definition/shop-nightly:*",
            ],
            Self::Task => &["arn:aws:ecs:eu-west-1:111122223333:task/shop-prd/*"],
            Self::TaskRole => &["arn:aws:iam::111122223333:role/shop-api-task"],
            Self::TaskLog => &[
                "arn:aws:logs:eu-west-1:111122223333:log-group:/ecs/shop-migrate:*",
                "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/codebuild/shop-vpc-tests:*",
            ],
            Self::Project => &["arn:aws:codebuild:eu-west-1:111122223333:project/shop-vpc-tests"],
            Self::Role => &["arn:aws:iam::111122223333:role/deploy-prd"],
            Self::Api => &["arn:aws:apigateway:eu-west-1::/*"],
            Self::SiteBucket => &["arn:aws:s3:::shop-site-prd"],
            Self::SiteObjects => &["arn:aws:s3:::shop-site-prd/*"],
            Self::EdgeFunction => &["arn:aws:cloudfront::111122223333:function/shop-site-prd"],
            Self::KeyValueStore => {
                &["arn:aws:cloudfront::111122223333:key-value-store/36fc1c2b-1d3f-4a5e-9c8b-7e6d5c4b3a29"]
            }
            Self::Distribution => &["arn:aws:cloudfront::111122223333:distribution/E2QWRUHAPOMQZL"],
            Self::Secret => &["arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop-prd-*"],
            Self::Database => &["arn:aws:rds:eu-west-1:111122223333:db:shop-prd"],
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
            Self::TaskDefinition | Self::TaskFamilies => "TaskDefinition",
            Self::Task => "Task",
            Self::TaskRole => "TaskRole",
            Self::TaskLog => "TaskLog",
            Self::Project => "Project",
            Self::Role => "Role",
            Self::Api => "Api",
            Self::SiteBucket => "SiteBucket",
            Self::SiteObjects => "SiteObjects",
            Self::EdgeFunction => "EdgeFunction",
            Self::KeyValueStore => "KeyValueStore",
            Self::Distribution => "Distribution",
            Self::Secret => "Secret",
            Self::Database => "Database",
            Self::Any => "Any",
        }
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

/// What a gate must be allowed that watches services.
#[must_use]
pub const fn gate_of_services(measured: When) -> [AwsPermission; 5] {
    let all = gate(measured, measured);
    // What it asks of functions and their logs is left out.
    [all[1], all[2], all[7], all[8], all[9]]
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
