//! The checks. Each is a module of one shape: what it takes (`Options`), what it asks (`ask`), and how it judges, which asks nobody.

mod alarms;
mod branch_protection;
mod doppler;
mod ecr;
mod ecs;
mod environment;
mod function;
mod github;
mod rds;
mod role;
mod route;
mod secrets_manager;
mod site;
mod tag_protection;
mod workflow;

pub use self::workflow::GRANTS;

use futures_util::future::LocalBoxFuture;
use serde::Deserialize;

use super::finding::Finding;
use super::job::Job;
use crate::outcome::Step;

/// One check.
#[derive(Clone, Copy, Debug)]
pub(super) struct Check {
    /// Its name in `checks`.
    pub(super) name: &'static str,
    /// Asks, and judges.
    pub(super) ask: for<'j> fn(&'j Job<'j>, &'j Options) -> LocalBoxFuture<'j, Step<Vec<Finding>>>,
    /// Whether the other inputs make it possible.
    pub(super) is_possible: fn(&Job<'_>) -> bool,
}

/// Declares the checks: the list of them, and what each takes.
macro_rules! checks {
    ($($field:ident: $name:literal if $possible:expr,)+) => {
        /// What the checks take, by name.
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        pub(super) struct Options {
            $(#[serde(default)] pub(super) $field: $field::Options,)+
        }

        /// All checks, in the order in which they are made.
        pub(super) const CHECKS: &[Check] = &[
            $(Check { name: $name, ask: |job, options| Box::pin($field::ask(job, &options.$field)), is_possible: $possible },)+
        ];

        /// The names of the checks.
        pub const NAMES: &[&str] = &[$($name),+];
    };
}

checks! {
    workflow: "workflow" if |job| job.cx.runner.github_workflow_ref.is_some(),
    github: "github" if |job| job.cx.runner.github_workflow_ref.is_some(),
    doppler: "doppler" if |job| job.doppler.is_some(),
    branch_protection: "branch-protection" if |job| job.cx.common.token.is_some(),
    tag_protection: "tag-protection" if |job| job.cx.common.token.is_some(),
    environment: "environment" if |job| job.cx.common.environment.is_some(),
    role: "role" if |job| job.cx.common.role_to_assume.is_some(),
    ecr: "ecr" if |job| !job.functions.is_empty(),
    function: "function" if |job| !job.functions.is_empty(),
    route: "route" if |_| false,
    ecs: "ecs" if |job| job.service.is_some(),
    site: "site" if |_| false,
    secrets_manager: "secrets-manager" if |_| false,
    alarms: "alarms" if |job| !job.alarms.is_empty(),
    rds: "rds" if |_| false,
}

/// The names, for a message.
pub(super) fn names() -> String {
    NAMES.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
