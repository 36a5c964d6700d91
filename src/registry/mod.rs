//! Images in registries: what ECR says of them, and the client that moves them from one registry to another.

mod challenge;
mod client;
mod connection;
mod copy;
pub mod ecr;
mod endpoint;
mod error;
mod graph;
mod login;
mod portable;
mod verified;

pub use client::{Access, LARGEST_CONFIGURATION, Reference, Registry, Repository, Stored};
pub use error::{Kind, RegistryError, registry_refusal};
pub use graph::Graph;
#[cfg(test)]
pub(crate) use graph::tests as samples;
pub use login::{Account, Credentials};
pub use portable::obstacles;
