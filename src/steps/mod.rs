//! The steps, and the list of them: the only place that knows them all.

pub mod check_migrations;
pub mod create_release;
pub mod deploy_service;
pub mod detect_changes;
pub mod dispatch;
pub mod finish_deployment;
pub mod health_check_with_backoff;
pub mod inventory;
pub mod metrics;
pub mod monitor;
pub mod notify;
pub mod pin_submodule;
pub mod preflight;
pub mod promote_artifact;
pub mod promote_site;
pub mod publish_site;
pub mod publish_version;
pub mod report;
pub mod resolve;
pub mod rollback;
pub mod run_task;
pub mod smoke_test;
mod step;
pub mod swap_alias;
pub mod validate_tag;

pub use self::step::{Definition, DeployStep, Invocation};
pub use crate::action::Output;

// What `cargo new-step` writes, compiled so that it stays right.
#[cfg(test)]
#[path = "../../tools/new_step/reads/step.rs"]
#[expect(unreachable_pub, reason = "a step only once it is written under its own name")]
mod template_that_reads;
#[cfg(test)]
#[path = "../../tools/new_step/writes/step.rs"]
#[expect(unreachable_pub, reason = "a step only once it is written under its own name")]
mod template_that_writes;

/// Every step, in the order in which a release meets them.
#[must_use]
pub fn all() -> Vec<Definition> {
    vec![
        Definition::of::<resolve::Resolve>(),
        Definition::of::<detect_changes::DetectChanges>(),
        Definition::of::<validate_tag::ValidateTag>(),
        Definition::of::<check_migrations::CheckMigrations>(),
        Definition::of::<promote_artifact::PromoteArtifact>(),
        Definition::of::<publish_version::PublishVersion>(),
        Definition::of::<smoke_test::SmokeTest>(),
        Definition::of::<swap_alias::SwapAlias>(),
        Definition::of::<run_task::RunTask>(),
        Definition::of::<deploy_service::DeployService>(),
        Definition::of::<publish_site::PublishSite>(),
        Definition::of::<promote_site::PromoteSite>(),
        Definition::of::<health_check_with_backoff::HealthCheck>(),
        Definition::of::<monitor::Monitor>(),
        Definition::of::<rollback::Rollback>(),
        Definition::of::<finish_deployment::FinishDeployment>(),
        Definition::of::<create_release::CreateRelease>(),
        Definition::of::<dispatch::Dispatch>(),
        Definition::of::<pin_submodule::PinSubmodule>(),
        Definition::of::<notify::Notify>(),
        Definition::of::<preflight::Preflight>(),
        Definition::of::<inventory::Inventory>(),
        Definition::of::<metrics::Metrics>(),
        Definition::of::<report::Report>(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_new_step_writes_are_steps() {
        let reads = Definition::of::<template_that_reads::NewStep>();
        let writes = Definition::of::<template_that_writes::NewStep>();
        assert_eq!([reads.name, writes.name], ["new-step"; 2]);
    }
}
