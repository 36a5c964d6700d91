//! Images in registries: what ECR says of them, and the client that moves them from one registry to another.

mod challenge;
mod client;
mod connection;
mod copy;
mod cosign;
pub mod ecr;
mod endpoint;
mod error;
mod graph;
mod images;
mod incoming;
mod layers;
mod lets_in;
mod login;
mod portable;
mod presence;
mod pump;
mod referrers;
pub mod retention;
mod scans;

pub use client::{LARGEST_CONFIGURATION, Reference, Registry, Repository, Stored};
pub use copy::{Moved, copy_blob};
pub use cosign::tagged_beside;
pub use error::{Access, Kind, RegistryError, registry_refusal};
#[cfg(test)]
pub(crate) use graph::tests as samples;
pub use graph::{AT_ONCE, Graph};
pub use images::{Image, Shelf, holds, images};
pub use incoming::Progress;
pub use lets_in::{ForFunction, LetsIn, Says, lets_in};
pub use login::{Account, Credentials};
pub use portable::obstacles;
pub use referrers::{Lists, referrers};
pub use scans::{Finding, Scan, Severity};
