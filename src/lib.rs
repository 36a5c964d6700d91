//! deploy-action carries one built artifact from dev to staging to production on AWS, one step per invocation, and always
//! knows what serves.
//!
//! The way through the code: [`invocation`] reads the inputs and finds the step; a step in [`steps`] observes, plans, applies
//! and reads back, using clients that speak the domain's words; [`action`] writes outputs, summary and annotation once, at
//! the end. The modules stand in the order of their layers, each using only those before it, as `docs/architecture.md` has it.

pub mod outcome;
pub mod permissions;
pub mod text;

pub mod calls;
pub mod net;

pub mod action;
pub mod oci;
pub mod sql;

pub mod aws;
pub mod ecs;
pub mod github;
pub mod lambda;
pub mod postgres;
pub mod registry;
pub mod site;

pub mod health;
pub mod smoke;
pub mod watch;

pub mod context;
pub mod explain;

pub mod changes;
pub mod migrations;

pub mod record;
pub mod rehearsal;

pub mod insight;

pub mod rollout;
pub mod steps;

pub mod invocation;
pub mod reference;

pub mod terminal;

#[cfg(test)]
mod hostile;
