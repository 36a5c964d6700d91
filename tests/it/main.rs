//! The built program, run as the runner runs it, against real counterparts.

mod credentials;
mod finish_deployment;
mod inputs;
mod reference;
mod swap_alias;
mod world;
