//! Static sites: files in a bucket of S3, what says which release of them serves, and `CloudFront` in front.
//!
//! A site keeps its public files under its prefix. Beside them, outside of it, lie a manifest of each release and the content of
//! documents by its hash, so that a release can be put back after its documents were replaced.
//!
//! With a pointer the documents of each release lie in a folder of their own, and the pointer says which one serves: a key of a store
//! that a function at the edge reads, or the path of the distribution's origin.

mod bucket;
mod distribution;
mod found;
mod manifest;
mod marker;
mod media;
mod names;
mod stores;
mod viewer;

pub use bucket::{Body, Guard, Listed, Meta, Put, SiteBucket};
pub use distribution::{
    Cdn, Configuration, Distribution, EdgeFunction, function_name, invalidation_path, is_of_bucket,
};
pub use found::{Found, Note, Pointed, folder_of, folders_of, read_marker, read_note, release_of};
pub use manifest::{File, FileKind, Manifest, cut_hash};
pub use marker::{Marker, Next};
pub use media::media_type;
pub use names::{
    BucketLabel, BucketName, DistributionId, KeyName, MarkerPath, Pointer, Prefix, ReleaseName, Site, StoreName,
};
pub use stores::{StoredKey, Stores};
pub use viewer::{Seen, Viewer};
