//! check-migrations: does the code that serves survive the migrations that this deployment adds? Reads files only; needs no database.

mod inputs;
mod observe;
mod plan;
mod report;
mod sarif;

use schemars::JsonSchema;
use serde::Deserialize;

use self::inputs::{Locks, OnContract, Policy, Roles, SarifPath, Size};
use super::{DeployStep, Output};
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{Inputs, Lines, Problems, Span};
use crate::changes::Base;
use crate::context::Context;
use crate::migrations::{FolderPath, Layout, OwnershipInput, PostgresVersion, Rules, judge};
use crate::outcome::{Outcome, Step};
use crate::permissions::{GithubPermission, Permissions, When};
use crate::record::status_line::Figure;
use crate::sql::Settings;

/// Each folder costs nothing but the reading of its new files; more of them are a mistake.
const MOST_FOLDERS: usize = 20;

/// The inputs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CheckMigrations {
    /// The folders of migrations, one a line, from the root of the repository. Versions of different folders may be the same; with
    /// several, a migration is named `<path>:<version>`.
    #[serde(default = "defaults::path")]
    path: Lines<FolderPath>,
    /// The tool that runs them. Without it, it is found by their names and marks; `plain`, for SQL that another tool has printed into
    /// the workspace, only when it is given.
    layout: Option<Layout>,
    /// Since when migrations are new: `last-deployed` in `environment`, by the record; `before`, the commit before the push;
    /// `merge-base`, where the branch parted from the default branch, or from the base of the pull request; or a branch, a tag
    /// or a commit.
    #[serde(default)]
    base: Base,
    /// The major version of PostgreSQL, 11 to 19. Without it, 15.
    pg_version: Option<PostgresVersion>,
    /// What a change means that harms only some code: `default` tells it, `strict` takes it for a CONTRACT.
    #[serde(default)]
    policy: Policy,
    /// Whether the role that migrates is another one than that of the application.
    #[serde(default)]
    roles: Roles,
    /// What becomes of a CONTRACT. `block`: without its annotation, and its expansion applied long enough, it fails; with them it passes,
    /// and `needs-approval` is `true`. `approve`: the same, but without an annotation it only needs approval. `warn`: it never fails.
    /// EXPAND and CONTRACT in one deployment always do.
    #[serde(default)]
    on_contract: OnContract,
    /// How long the expansion must have been applied in this environment before the CONTRACT.
    #[serde(default = "defaults::contract_min_age")]
    contract_min_age: Span,
    /// What becomes of statements that make the code that serves wait.
    #[serde(default)]
    locks: Locks,
    /// Who owns which tables and which folders: a migration that touches another owner's table fails.
    ownership: Option<OwnershipInput>,
    /// The largest file that is read.
    #[serde(default = "defaults::max_file_size")]
    max_file_size: Size,
    /// Where to write all findings as SARIF, a path in the workspace.
    sarif: Option<SarifPath>,
}

mod defaults {
    use super::{FolderPath, Lines, Size, Span};

    pub(super) fn path() -> Lines<FolderPath> {
        FolderPath::usual()
    }

    pub(super) fn contract_min_age() -> Span {
        Span::minutes(24 * 60)
    }

    pub(super) fn max_file_size() -> Size {
        Size(1 << 20)
    }
}

impl Inputs for CheckMigrations {
    fn check(&self, problems: &mut Problems) {
        problems.add_if(
            self.path.iter().count() > MOST_FOLDERS,
            format!("input `path` must hold at most {MOST_FOLDERS} lines"),
        );
    }
}

impl DeployStep for CheckMigrations {
    const NAME: &'static str = "check-migrations";
    const ABOUT: &'static str =
        "Tells whether the code that serves survives the database migrations of this deployment.";
    const OUTPUTS: &'static [Output] = &[
        Output::value("class", "`none`, `expand`, `contract`, `mixed`, or `unknown`"),
        Output::value("needs-approval", "`true` if somebody must approve before these migrations run"),
        Output::value(
            "pending",
            "The migrations that this deployment adds, a JSON list of `version`, `class`, `file` (of very many only where it is not `expand`) and for a CONTRACT `expand`: the input `migrations` of the step that deploys",
        ),
        Output::value(
            "max-version",
            "The greatest version of the commit; of several folders, `<path>:<version>`, one a line",
        ),
        Output::text(
            "findings",
            "All findings, a JSON list of `file`, `line`, `column`, `rule`, `class`, `object`, `owner` and `fix`",
        ),
        Output::value("sarif-file", "Where the findings were written as SARIF; empty without `sarif`"),
    ];
    const FIGURES: &'static [Figure] = &[Figure::Value("class", "class")];
    const PERMISSIONS: Permissions = Permissions {
        aws: &[],
        github: &[
            GithubPermission::needs("contents: read"),
            GithubPermission::needs("deployments: read").when(When::LastDeployed).optional(
                "what is deployed and which migrations were applied; without it all migrations are judged as new, and a CONTRACT fails",
            ),
        ],
    };
    const TIMEOUT: Span = Span::minutes(2);

    fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        problems.add_if(
            self.base == Base::LastDeployed && self.layout != Some(Layout::Plain) && common.environment.is_none(),
            "input `environment` is required, because `base: last-deployed` asks what is deployed there (or give another `base`, e.g. \
             `merge-base`)",
        );
    }

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        for (name, nothing) in [("class", "none"), ("needs-approval", "false"), ("pending", "[]"), ("findings", "[]")] {
            cx.report.output(name, nothing);
        }
        let observed = self.observe(cx).await?;
        let rules = Rules {
            sql: Settings {
                postgres: self.pg_version.unwrap_or_default().0,
                strict: self.policy == Policy::Strict,
                same_role: self.roles == Roles::Same,
            },
            largest: self.max_file_size.0,
            ownership: observed.ownership.clone(),
        };
        let judgement = judge(&observed.files.pending, &observed.files.about, &rules);
        let applied = self.applied(cx, &judgement).await?;
        let plan = plan::plan(judgement, &applied, &self.asked(cx));
        Ok(self.report(cx, &observed, &plan)?)
    }
}

impl CheckMigrations {
    fn asked(&self, cx: &Context) -> plan::Asked {
        plan::Asked {
            on_contract: self.on_contract,
            min_age: self.contract_min_age,
            locks: self.locks,
            environment: cx.common.environment.as_ref().map(ToString::to_string),
        }
    }
}
