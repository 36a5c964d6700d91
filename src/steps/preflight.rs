//! preflight: everything that would make a deployment fail, or a rollback impossible, asked beforehand. It changes nothing.

pub mod checks;
mod finding;
mod inputs;
mod job;
mod report;
mod workflow_file;

use futures_util::future::try_join_all;

pub use self::inputs::{Checks, Preflight};
use super::{DeployStep, Output};
use crate::action::inputs::Span;
use crate::context::Context;
use crate::outcome::{Outcome, Step};
use crate::permissions::{AwsPermission, GithubPermission, Permissions, Resource};
use crate::record::status_line::Figure;

/// An action of a check: what it is for is the check.
const fn asks(action: &'static str, on: Resource, check: &'static str) -> AwsPermission {
    AwsPermission::reads(action, on).optional(check)
}

impl DeployStep for Preflight {
    const NAME: &'static str = "preflight";
    const ABOUT: &'static str =
        "Asks beforehand for everything that would make a deployment fail or a rollback impossible.";
    const OUTPUTS: &'static [Output] = &[
        Output::text("passed", "How many checks were carried out and are good"),
        Output::text("failed", "How many were carried out and are not"),
        Output::text("skipped", "How many were not carried out"),
        Output::value(
            "tree",
            "All checks, JSON: `check`, `what`, `state` (`ok`, `fail`, `skip`, `error`), `observed`, `required`, `needs`",
        ),
    ];
    const PERMISSIONS: Permissions = Permissions {
        aws: &[
            asks("iam:SimulatePrincipalPolicy", Resource::Role, "the check `role`, what it may do"),
            asks("lambda:GetFunction", Resource::FunctionAndVersions, "the check `function`"),
            asks("lambda:GetAlias", Resource::Function, "the check `function`, its alias"),
            asks("logs:DescribeLogGroups", Resource::Any, "the check `function`, its log"),
            asks("ecr:DescribeRepositories", Resource::Repository, "the check `ecr`"),
            asks("ecr:BatchGetRepositoryScanningConfiguration", Resource::Repository, "the check `ecr`, scanning"),
            asks(
                "ecr:StartLifecyclePolicyPreview",
                Resource::Repository,
                "the check `ecr`, what is about to be deleted",
            ),
            asks("ecr:GetLifecyclePolicyPreview", Resource::Repository, "the check `ecr`, what is about to be deleted"),
            asks("ecr:DescribeImages", Resource::Repository, "the check `ecr`, what is about to be deleted"),
            asks("apigateway:GET", Resource::Api, "the check `route`"),
            asks("ecs:DescribeServices", Resource::Service, "the check `ecs`"),
            asks("elasticloadbalancing:DescribeRules", Resource::Any, "the check `ecs`, where the users are led"),
            asks("s3:ListBucket", Resource::SiteBucket, "the check `site`"),
            asks("s3:GetBucketCORS", Resource::SiteBucket, "the check `site`, CORS"),
            asks("s3:GetBucketWebsite", Resource::SiteBucket, "the check `site`, website hosting"),
            asks("cloudfront:GetDistribution", Resource::Distribution, "the check `site`, its distribution"),
            asks("secretsmanager:DescribeSecret", Resource::Secret, "the check `secrets-manager`"),
            asks("cloudwatch:DescribeAlarms", Resource::Any, "the check `alarms`"),
            asks("cloudwatch:ListAlarmMuteRules", Resource::Any, "the check `alarms`, whether they are muted"),
            asks("sns:ListSubscriptionsByTopic", Resource::Topic, "the check `alarms`, who is told"),
            asks("rds:DescribeDBInstances", Resource::Database, "the check `rds`"),
        ],
        github: &[
            GithubPermission::needs("contents: read").optional("the checks `workflow` and `branch-protection`"),
            GithubPermission::needs("actions: read").optional("the check `environment`"),
            GithubPermission::needs("deployments: read").optional("the check `ecr`: what can be rolled back to"),
        ],
    };
    const TIMEOUT: Span = Span::minutes(5);
    const FIGURES: &'static [Figure] =
        &[Figure::Value("passed", "passed"), Figure::Value("failed", "failed"), Figure::Value("skipped", "skipped")];

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        let job = self.job(cx);
        let (checks, options) = self.chosen(&job);
        let asked = checks.into_iter().map(async |check| Step::Ok((check.name, (check.ask)(&job, &options).await?)));
        let found = try_join_all(asked).await?;
        report::tell(cx, &found)
    }
}
