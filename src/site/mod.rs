//! Static sites: files in a bucket of S3, what says which release of them serves, and `CloudFront` in front.
//!
//! A site keeps its public files under its prefix. Beside them, outside of it, lie a manifest of each release and the content of
//! documents by its hash, so that a release can be put back after its documents were replaced.

mod bucket;
mod distribution;
mod manifest;
mod marker;
mod media;
mod names;
mod viewer;

pub use bucket::{Body, Guard, Listed, Meta, Put, SiteBucket};
pub use distribution::{Cdn, Distribution, invalidation_path};
pub use manifest::{File, FileKind, Manifest, cut_hash};
pub use marker::{Marker, Next};
pub use media::media_type;
pub use names::{BucketLabel, BucketName, DistributionId, MarkerPath, Prefix, ReleaseName, Site};
pub use viewer::{Seen, Viewer};
