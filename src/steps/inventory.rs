//! inventory: what serves where, whether that is what the record says, and whether it is kept. Reads only.

mod judge;
mod live;
mod model;
mod observe;
pub mod page;
mod report;
mod targets;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::targets::TargetsInput;
use super::{DeployStep, Output};
use crate::action::inputs::{EnvironmentName, Inputs, Lines, Problems, Span, is_path, text_value};
use crate::context::Context;
use crate::outcome::{Outcome, Step};
use crate::permissions::{AwsPermission, GithubPermission, Permissions, Resource, When};

/// What is done when something else serves than the record says.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
enum OnDrift {
    /// It is a warning.
    #[default]
    Warn,
    /// The step fails.
    Fail,
}

text_value!(
    /// A folder of the workspace.
    struct OutputFolder, "a folder of the workspace", "deploy-inventory",
    "must be a folder of the workspace: letters, digits, `._-+@`, without `..`",
    |path| is_path(path)
);

/// What is written.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
enum Format {
    /// `inventory.md`, the table of the job summary.
    Markdown,
    /// `inventory.json`.
    Json,
    /// That, and the page `index.html`, which is made from it.
    Html,
}

/// Its inputs.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::unsafe_derive_deserialize, reason = "what is unsafe is in a macro of tokio, and holds for any value")]
pub struct Inventory {
    /// What is looked at: for each environment its components, for each of them `function` and `alias` (`live` without it, `$LATEST` for
    /// none), or `cluster` and `service`; a list where there are several. As YAML, or the path of a file of the workspace. Without it,
    /// the places of the records.
    targets: Option<TargetsInput>,
    /// Only these environments, one a line. Without it, `environment`, else all.
    environments: Option<Lines<EnvironmentName>>,
    /// What is written to `output`. Without it, everything that `html` stands for.
    format: Option<Format>,
    /// The folder of the workspace to which `inventory.json` and the page are written. Without it nothing is.
    output: Option<OutputFolder>,
    /// What is done when something else serves than the record says.
    #[serde(default)]
    on_drift: OnDrift,
}

impl Inputs for Inventory {
    fn check(&self, problems: &mut Problems) {
        problems.add_if(
            self.format.is_some() && self.output.is_none(),
            "input `output` is required with `format`: it names the folder to which that is written",
        );
    }
}

impl DeployStep for Inventory {
    const NAME: &'static str = "inventory";
    const ABOUT: &'static str =
        "Tells what serves where, whether that is what the record says, and whether it is kept.";
    const OUTPUTS: &'static [Output] = &[
        Output::value(
            "drift",
            "What is not as the record says, a JSON list of `{environment, component, target, serves, recorded}`",
        ),
        Output::value("page", "The page that was written, a path in the workspace; empty without `output`"),
        Output::value("json", "`inventory.json`, a path in the workspace; empty without `output`"),
    ];
    const PERMISSIONS: Permissions = Permissions {
        aws: &[
            AwsPermission::reads("lambda:GetAlias", Resource::Function).when(When::OfFunction),
            AwsPermission::reads("lambda:GetFunction", Resource::FunctionAndVersions).when(When::OfFunction),
            AwsPermission::reads("lambda:ListVersionsByFunction", Resource::Function).when(When::OfLatest),
            AwsPermission::reads("ecs:DescribeServices", Resource::Service).when(When::OfService),
            AwsPermission::reads("ecs:DescribeServiceRevisions", Resource::ServiceRevision).when(When::OfService),
            AwsPermission::reads("s3:GetObject", Resource::SiteObjects).when(When::OfSite),
            AwsPermission::reads("cloudfront:DescribeKeyValueStore", Resource::KeyValueStore).when(When::OfSiteByKey),
            AwsPermission::reads("cloudfront-keyvaluestore:DescribeKeyValueStore", Resource::KeyValueStore)
                .when(When::OfSiteByKey),
            AwsPermission::reads("cloudfront-keyvaluestore:GetKey", Resource::KeyValueStore).when(When::OfSiteByKey),
            AwsPermission::reads("cloudfront:GetDistributionConfig", Resource::Distribution)
                .when(When::OfSiteByOriginPath),
            AwsPermission::reads("ecr:DescribeImages", Resource::Repository).when(When::OfImage).optional(KEPT),
            AwsPermission::reads("ecr:BatchGetImage", Resource::Repository).when(When::ImageGone).optional(KEPT),
            AwsPermission::reads("ecr:StartLifecyclePolicyPreview", Resource::Repository)
                .when(When::OfImage)
                .optional(KEPT),
            AwsPermission::reads("ecr:GetLifecyclePolicyPreview", Resource::Repository)
                .when(When::LifecyclePolicy)
                .optional(KEPT),
            AwsPermission::reads("s3:GetObjectVersion", Resource::Object).when(When::ArchiveInBucket).optional(KEPT),
        ],
        github: &[
            GithubPermission::needs("deployments: read"),
            GithubPermission::needs("contents: read")
                .optional("how many commits each is behind, and the lead times of the page"),
        ],
    };
    const TIMEOUT: Span = Span::minutes(5);
    const ATTACHES: bool = false;

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        cx.report.output("drift", "[]");
        let observed = self.observe(cx).await?;
        let judged = judge::judge(&observed);
        self.report(cx, &observed, judged)
    }
}

/// What the permissions for what is kept give.
const KEPT: &str = "whether that is kept; unknown without it";
