//! Images as OCI describes them: names, digests, manifests and platforms. Nothing here calls anything.

mod digest;
mod manifest;
mod reference;

pub use digest::Digest;
pub use manifest::{Child, Configuration, Descriptor, MANIFEST_TYPES, Manifest, Parts, Platform, Unfit};
pub use reference::{EcrRegistry, ImageReference, RegistryName, RepositoryReference, Selector, is_tag};
