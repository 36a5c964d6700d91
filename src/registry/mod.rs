//! Images in registries: what ECR says of them, and the client that moves them from one registry to another.

mod challenge;
mod client;
mod connection;
mod copy;
pub mod ecr;
mod endpoint;
mod error;
mod graph;
mod images;
mod login;
mod portable;
pub mod retention;
mod verified;

pub use client::{LARGEST_CONFIGURATION, Reference, Registry, Repository, Stored};
pub use error::{Access, Kind, RegistryError, registry_refusal};
#[cfg(test)]
pub(crate) use graph::tests as samples;
pub use graph::{AT_ONCE, Graph};
pub use images::{Image, Shelf, holds, images};
pub use login::{Account, Credentials};
pub use portable::obstacles;
