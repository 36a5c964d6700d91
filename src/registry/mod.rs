//! Images in registries: names and digests, and what ECR says of them.

mod digest;

pub use digest::Digest;
