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

use super::Preflight;
use super::finding::Finding;
use super::job::Job;
use crate::context::Context;
use crate::outcome::Step;

/// One check.
#[derive(Clone, Copy, Debug)]
pub(super) struct Check {
    /// Its name in `checks`.
    pub(super) name: &'static str,
    /// Asks, and judges.
    pub(super) ask: for<'j> fn(&'j Job<'j>) -> LocalBoxFuture<'j, Step<Vec<Finding>>>,
    /// Whether the other inputs make it possible.
    is_possible: fn(&Preflight, &Context) -> bool,
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
        const CHECKS: &[Check] = &[
            $(Check { name: $name, ask: |job| Box::pin($field::ask(job, &job.options.$field)), is_possible: $possible },)+
        ];

        /// The names of the checks.
        pub const NAMES: &[&str] = &[$($name),+];
    };
}

checks! {
    workflow: "workflow" if |_, cx| cx.runner.github_workflow_ref.is_some(),
    github: "github" if |_, cx| cx.runner.github_workflow_ref.is_some(),
    doppler: "doppler" if |step, _| step.doppler_token.is_some(),
    branch_protection: "branch-protection" if |_, cx| cx.common.token.is_some(),
    tag_protection: "tag-protection" if |_, cx| cx.common.token.is_some(),
    environment: "environment" if |_, cx| cx.common.environment.is_some(),
    role: "role" if |_, cx| cx.common.role_to_assume.is_some(),
    ecr: "ecr" if |step, _| step.function.is_some(),
    function: "function" if |step, _| step.function.is_some(),
    route: "route" if |_, _| false,
    ecs: "ecs" if |step, _| step.service.is_some(),
    site: "site" if |_, _| false,
    secrets_manager: "secrets-manager" if |_, _| false,
    alarms: "alarms" if |step, _| step.alarms.is_some(),
    rds: "rds" if |_, _| false,
}

/// The names, for a message.
pub(super) fn names() -> String {
    NAMES.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Those that were asked for, else those that the other inputs make possible.
pub(super) fn chosen<'a>(step: &'a Preflight, cx: &'a Context) -> impl Iterator<Item = &'static Check> + 'a {
    CHECKS.iter().filter(move |check| match &step.checks {
        Some(checks) => checks.has(check.name),
        None => (check.is_possible)(step, cx),
    })
}

/// Names that were given, or where none were, those of an input.
fn given_or<T: ToString>(given: &[String], input: Option<impl IntoIterator<Item = T>>) -> Vec<String> {
    match input {
        Some(input) if given.is_empty() => input.into_iter().map(|one| one.to_string()).collect(),
        _ => given.to_vec(),
    }
}

/// What a check says that was given nothing to look at.
fn nothing_named(what: &str, needs: &'static str, input: &str) -> Vec<Finding> {
    vec![Finding::skip(what, needs, format!("nothing is named: give {input}"))]
}
