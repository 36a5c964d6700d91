//! The built program, run as the runner runs it, against real counterparts.

mod advice;
mod answers;
mod concurrent;
mod create_release;
mod credentials;
mod denied;
mod detect_changes;
mod dispatch;
mod examples;
mod finish_deployment;
mod health_check;
mod health_check_of_functions;
mod holds;
mod hostile;
mod images;
mod inputs;
mod layers;
mod newer_functions;
mod notify;
mod places;
mod promote_artifact;
// In this binary, so that what it waits for and what other tests wait for is waited for together.
#[path = "../proof/mod.rs"]
mod proof;
mod publish_version;
mod records;
mod reference;
mod resolve;
mod rollback;
mod signals;
mod smoke_test;
mod speed;
mod story;
mod swap_alias;
mod troubleshooting;
mod validate_tag;
mod world;
