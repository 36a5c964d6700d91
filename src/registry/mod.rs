//! Images in registries: names and digests, what ECR says of them, and the client that moves them from one registry to another.

mod challenge;
mod client;
mod connection;
mod copy;
mod digest;
pub mod ecr;
mod endpoint;
mod error;
mod graph;
mod image;
mod login;
mod manifest;
mod portable;
mod verified;

pub use client::{Access, LARGEST_CONFIGURATION, Reference, Registry, Repository, Stored};
pub use digest::Digest;
pub use endpoint::RegistryEndpoint;
pub use error::{Kind, RegistryError, registry_refusal};
pub use graph::Graph;
#[cfg(test)]
pub(crate) use graph::tests as samples;
pub(crate) use image::is_tag;
pub use image::{EcrRegistry, ImageReference, RegistryName, RepositoryReference, Selector};
pub use login::Credentials;
pub use manifest::{Child, Configuration, Descriptor, MANIFEST_TYPES, Manifest, Parts, Platform, Unfit};
pub use portable::obstacles;
