//! Images in registries: names and digests, and what ECR says of them.

mod digest;
pub mod ecr;
mod image;
mod manifest;

pub use digest::Digest;
pub use image::{EcrRegistry, ImageReference, RegistryName, Selector};
pub use manifest::{Child, MANIFEST_TYPES, Manifest, Platform, Unfit};
