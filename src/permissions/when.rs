//! When a permission is asked for, as data and in the words of the documentation.

use std::fmt;

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
    /// What ECR has found in the image counts.
    Scanned,
    /// A function that is to run it is named.
    ForFunction,
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
    /// Migrations must be applied.
    RequiresMigrations,
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
    /// Migrations are rehearsed.
    Rehearsal,
    /// The same, where the record names the commit to compare with.
    RehearsalSinceDeployed,
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
    /// Families without a service get the image, too.
    OfTasks,
    /// Where ECS waits before more of the traffic, that is judged.
    Continues,
    /// The traffic moves in increments, which are watched.
    Canary,
    /// Functions are concerned.
    OfFunctions,
    /// Services are concerned.
    OfServices,
    /// A load balancer stands before the service.
    Balanced,
    /// A service may be given back what it had.
    RollsServicesBack,
    /// A service's own history says what to go back to.
    History,
    /// A service's deployment is on its way.
    InProgress,
    /// A service's deployment waits at a hook.
    Paused,
    /// A service's task definition is registered anew.
    Registered,
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
    /// A target is a function.
    OfFunction,
    /// A target is a function that users call without an alias.
    OfLatest,
    /// A target is a service of ECS.
    OfService,
    /// A target is a site.
    OfSite,
    /// A target is a site of which a key of a store says which release serves.
    OfSiteByKey,
    /// A target is a site of which the path of a distribution's origin says it.
    OfSiteByOriginPath,
    /// What serves is an image in ECR.
    OfImage,
    /// An image is no longer in its repository.
    ImageGone,
    /// The repository has a lifecycle policy.
    LifecyclePolicy,
    /// Lambda runs the archive from the bucket.
    ArchiveInBucket,
    /// A task of ECS is run.
    Cluster,
    /// Its image is named.
    ImageOfTask,
    /// It is stopped.
    StopsTask,
    /// It writes a log that is read.
    TaskOrBuild,
    /// A function is the task.
    TaskFunction,
    /// A build is run.
    Project,
    /// It is stopped.
    StopsBuild,
    /// The database is ahead of the files.
    NewerDatabase,
    /// A pull request is opened.
    PullRequest,
    /// A distribution is in front of the site.
    OfDistribution,
    /// A function of `CloudFront` is in front of the site.
    EdgeFunction,
    /// Sites are concerned.
    OfSites,
    /// The same, with a distribution in front.
    OfSitesBehindDistribution,
    /// The tags of a site's bucket are compared.
    OfTaggedSites,
    /// A key of a store says which release of a site serves.
    PointerInStore,
    /// The path of a distribution's origin says it.
    PointerIsOriginPath,
}

impl fmt::Display for When {
    /// The words of the documentation, `with ..`; none for [`Always`](Self::Always).
    #[expect(clippy::too_many_lines, reason = "a line for each")]
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
            Self::Scanned => "with `scan`",
            Self::ForFunction => "for a `function` that is named",
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
            Self::RequiresMigrations => "with `require-migrations`",
            Self::ByRecord => "without `state`, `versions` and a version in `to`",
            Self::OtherRun => "where another run left a record open",
            Self::OtherRunLatest => "with `traffic: latest`, where another run left a record open",
            Self::DeploymentOrEnded => "with `deployment-id` or `status: ended`",
            Self::EnvironmentOrDeployment => "with `environment` or `deployment-id`",
            Self::FromEnvironment => "with `from-environment`",
            Self::FromEnvironmentByTree => "with `from-environment` for a commit that has no record of its own",
            Self::LastDeployed => "with `base: last-deployed`",
            Self::Rehearsal => "with `scratch-database`",
            Self::RehearsalSinceDeployed => "with `scratch-database` and `base: last-deployed`",
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
            Self::OfTasks => "with `tasks`",
            Self::Continues => "with `on-pause: continue`",
            Self::Canary => "with a `strategy` of increments",
            Self::OfFunctions => "with `function` or `versions`",
            Self::OfServices => "with `cluster` and `service`",
            Self::Balanced => "of a service behind a load balancer",
            Self::RollsServicesBack => "with `service` and `on-failure: rollback` or `on-error: rollback`",
            Self::History => "of a service of which neither `state` nor the record says what served before",
            Self::InProgress => "of a service whose deployment is on its way",
            Self::Paused => "of a service whose deployment waits at a hook",
            Self::Registered => {
                "to a task definition that is INACTIVE or names its image by a tag, or of families that were moved with a service"
            }
            Self::Measured => "with `function`, `versions`, or an API or a target group",
            Self::TargetGroup => "with `error-rate-source: alb:..`",
            Self::InfrequentLog => "where the log group is of the class INFREQUENT_ACCESS",
            Self::Alarms => "with `alarms`",
            Self::Samples => "with `synthetic-requests`",
            Self::RollsBack => "with `function` or `versions`, and `on-failure: rollback` or `on-error: rollback`",
            Self::InEnvironment => "with `environment`",
            Self::SnsChannel => "with a channel `sns`",
            Self::Issue => "without `issue: false`",
            Self::PullRequestChannel => "with a channel `pull-request`",
            Self::OfFunction => "of a function",
            Self::OfLatest => "of a function without an alias",
            Self::OfService => "of a service",
            Self::OfSite => "of a site",
            Self::OfSiteByKey => "of a site with `pointer: kvs:..`",
            Self::OfSiteByOriginPath => "of a site with `pointer: origin-path`",
            Self::OfImage => "of an image in ECR",
            Self::ImageGone => "where an image is no longer in its repository",
            Self::LifecyclePolicy => "where the repository has a lifecycle policy",
            Self::ArchiveInBucket => "of a function whose archive stays in the bucket",
            Self::Cluster => "with `cluster`",
            Self::ImageOfTask => "with `cluster` and `image`",
            Self::StopsTask => "with `cluster`, to stop a task",
            Self::TaskOrBuild => "with `cluster` or `project`",
            Self::TaskFunction => "with `function`",
            Self::Project => "with `project`",
            Self::StopsBuild => "with `project`, to stop a build",
            Self::NewerDatabase => "where the database is ahead of the files",
            Self::PullRequest => "with `pull-request: true`",
            Self::OfDistribution => "with `distribution`",
            Self::EdgeFunction => "with a `distribution` that has functions of CloudFront",
            Self::OfSites => "with `bucket`",
            Self::OfSitesBehindDistribution => "with `bucket` and `distribution`",
            Self::OfTaggedSites => "with `bucket` and `expected-tags`",
            Self::PointerInStore => "with `pointer: kvs:..`",
            Self::PointerIsOriginPath => "with `pointer: origin-path`",
        })
    }
}
