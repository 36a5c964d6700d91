//! The built program, run as the runner runs it, against real counterparts.

mod credentials;
mod examples;
mod finish_deployment;
mod health_check;
mod health_check_of_functions;
mod images;
mod inputs;
mod promote_artifact;
mod publish_version;
mod reference;
mod rollback;
mod signals;
mod smoke_test;
mod story;
mod swap_alias;
mod validate_tag;
mod world;
