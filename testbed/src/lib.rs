//! The counterparts deploy-action is tested against: a local AWS, a local GitHub, web servers that misbehave
//! on demand, and the runner that invokes the program,
//! and a container engine with `act` for whole workflows.
//!
//! Nothing here is a mock of the program's own calls: the built binary talks to these over the wire, and tests
//! look at the world from outside.
#![recursion_limit = "256"] // `json!` of a whole pull request

pub mod aws;
pub mod browser;
pub mod build;
pub mod engine;
pub mod github;
pub mod load;
mod lock;
pub mod outage;
pub mod picture;
pub mod play;
pub mod postgres;
pub mod pty;
pub mod registry;
pub mod runner;
mod skip;
pub mod speed;
pub mod story;
pub mod web;
pub mod wire;
mod yaml;

pub use skip::skip;
pub use yaml::yaml;
