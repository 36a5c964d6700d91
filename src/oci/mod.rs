//! Images as OCI describes them: names, digests, manifests and platforms. Nothing here calls anything.

mod configuration;
mod digest;
mod manifest;
mod reference;

pub use configuration::{Configuration, Platform};
pub use digest::{Digest, Hasher};
pub use manifest::{Child, Descriptor, MANIFEST_TYPES, Manifest, Parts, Unfit};
pub use reference::{EcrRegistry, ImageReference, RegistryName, RepositoryReference, Selector, is_tag};
