//! The built program, run as the runner runs it, against real counterparts.

mod advice;
mod answers;
mod check_migrations;
mod complete;
mod concurrent;
mod create_release;
mod credentials;
mod denied;
mod deploy_service;
mod detect_changes;
mod dispatch;
mod examples;
mod finish_deployment;
mod guards;
mod health_check_of_functions;
mod health_check_with_backoff;
mod holds;
mod hostile;
mod images;
mod inputs;
mod inventory;
mod layers;
mod links;
mod messages;
mod metrics;
mod monitor;
mod moving;
mod new_step;
mod newer_functions;
mod notify;
mod pin_submodule;
mod places;
mod play;
mod preflight;
mod promote_artifact;
mod promote_site;
// In this binary, so that what it waits for and what other tests wait for is waited for together.
#[path = "../proof/mod.rs"]
mod proof;
mod publish_site;
mod publish_version;
mod records;
mod reference;
mod rehearsal;
mod report;
mod required;
mod resolve;
mod rollback;
mod run_task;
mod signals;
mod smoke_test;
mod speed;
mod story;
mod swap_alias;
mod terminal;
mod troubleshooting;
mod validate_tag;
mod world;

/// What is proved of each step, in the order in which a release meets them.
fn steps_under_test() -> Vec<proof::StepUnderTest> {
    vec![
        resolve::UNDER_TEST,
        detect_changes::UNDER_TEST,
        validate_tag::UNDER_TEST,
        check_migrations::UNDER_TEST,
        promote_artifact::UNDER_TEST,
        publish_version::UNDER_TEST,
        smoke_test::UNDER_TEST,
        swap_alias::UNDER_TEST,
        deploy_service::UNDER_TEST,
        publish_site::UNDER_TEST,
        promote_site::UNDER_TEST,
        health_check_with_backoff::UNDER_TEST,
        monitor::UNDER_TEST,
        rollback::UNDER_TEST,
        finish_deployment::UNDER_TEST,
        create_release::UNDER_TEST,
        dispatch::UNDER_TEST,
        notify::UNDER_TEST,
        inventory::UNDER_TEST,
        metrics::UNDER_TEST,
        report::UNDER_TEST,
        run_task::UNDER_TEST,
        pin_submodule::UNDER_TEST,
        preflight::UNDER_TEST,
    ]
}
