//! finish-deployment: closes the open records after the job's last check, or ends places that were given up.

mod apply;
mod duration;
mod inputs;
mod observe;
mod plan;
mod report;

pub use self::inputs::{FinishDeployment, OnOverBudget, Status};

use self::apply::{apply, read_back};
use self::observe::observe;
use self::plan::{Rules, plan};
use super::{DeployStep, Output};
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{Problems, Span};
use crate::context::Context;
use crate::outcome::{Outcome, Step};
use crate::permissions::{AwsPermission, GithubPermission, Permissions, Resource, When};

const SERVES: &str = "what serves, once the record is closed";

impl DeployStep for FinishDeployment {
    const NAME: &'static str = "finish-deployment";
    const ABOUT: &'static str = "Closes the open record after the job's last check.";
    const OUTPUTS: &'static [Output] = &[];
    const PERMISSIONS: Permissions = Permissions {
        aws: &[
            AwsPermission::reads("lambda:GetAlias", Resource::Function).optional(SERVES),
            AwsPermission::reads("lambda:GetFunction", Resource::FunctionAndVersions).optional(SERVES),
            AwsPermission::reads("ecs:DescribeServices", Resource::Service).when(When::OfService).optional(SERVES),
            AwsPermission::reads("ecs:DescribeServiceRevisions", Resource::ServiceRevision)
                .when(When::OfService)
                .optional(SERVES),
            AwsPermission::reads("s3:GetObject", Resource::SiteObjects).when(When::OfSite).optional(SERVES),
            AwsPermission::reads("cloudfront:DescribeKeyValueStore", Resource::KeyValueStore)
                .when(When::OfSiteByKey)
                .optional(SERVES),
            AwsPermission::reads("cloudfront-keyvaluestore:DescribeKeyValueStore", Resource::KeyValueStore)
                .when(When::OfSiteByKey)
                .optional(SERVES),
            AwsPermission::reads("cloudfront-keyvaluestore:GetKey", Resource::KeyValueStore)
                .when(When::OfSiteByKey)
                .optional(SERVES),
            AwsPermission::reads("cloudfront:GetDistributionConfig", Resource::Distribution)
                .when(When::OfSiteByOriginPath)
                .optional(SERVES),
        ],
        github: &[
            GithubPermission::needs("deployments: write").when(When::DeploymentOrEnded),
            GithubPermission::needs("actions: read").when(When::MaxDuration).optional("how long the run took"),
        ],
    };
    const TIMEOUT: Span = Span::minutes(2);
    const ATTACHES: bool = false;

    fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        if self.status() == Some(Status::Ended) {
            problems.add_if(common.environment.is_none(), "input `environment` is required with `status: ended`");
            problems.add_if(common.deployment_id.is_some(), "`status: ended` takes no `deployment-id`");
        }
    }

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        let observed = observe(self, cx).await?;
        let max_duration = self.max_duration.map(|span| span.0);
        let rules = Rules { max_duration, over_budget_fails: self.over_budget_fails() };
        let plan = plan(&observed, &rules);
        report::plan(cx, &observed, &plan, &rules);
        if cx.is_dry_run() || plan.tasks.is_empty() {
            return Ok(report::nothing_applied(cx, plan));
        }
        cx.confirm(&report::label(&plan)).await?;
        apply(self, cx, &observed, &plan).await?;
        let seen = read_back(cx, &plan).await?;
        Ok(report::done(cx, plan, &seen))
    }
}
