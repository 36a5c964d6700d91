//! deploy-action carries one built artifact from dev to staging to production on AWS, one step per invocation, and always
//! knows what serves.
//!
//! The way through the code: [`program`] reads the inputs and finds the step; a step in [`steps`] observes, plans, applies
//! and reads back, using clients that speak the domain's words; [`action`] writes outputs, summary and annotation once, at
//! the end.

pub mod action;
mod address;
pub mod archive;
pub mod aws;
pub mod changes;
pub mod context;
pub mod deadline;
pub mod download;
pub mod explain;
pub mod github;
pub mod health;
#[cfg(test)]
mod hostile;
pub mod lambda;
pub mod net;
pub mod poll;
pub mod program;
pub mod record;
pub mod reference;
pub mod registry;
pub mod retry;
pub mod smoke;
pub mod sns;
pub mod steps;
pub mod verdict;
pub mod webhook;
