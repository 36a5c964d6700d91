//! The built program, run as the runner runs it, against real counterparts.

mod credentials;
mod finish_deployment;
mod inputs;
mod publish_version;
mod reference;
mod rollback;
mod signals;
mod swap_alias;
mod world;
