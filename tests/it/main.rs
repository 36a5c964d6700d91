//! The built program, run as the runner runs it, against real counterparts.

mod credentials;
mod denied;
mod detect_changes;
mod dispatch;
mod examples;
mod finish_deployment;
mod health_check;
mod health_check_of_functions;
mod hostile;
mod images;
mod inputs;
mod notify;
mod promote_artifact;
mod publish_version;
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
