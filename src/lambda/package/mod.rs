//! Zip archives for Lambda, in the workspace and in S3.

mod archive;
mod remote;

pub use archive::{Archive, Bootstrap, LARGEST_UNPACKED, LARGEST_UPLOAD, Machine, Program, Unreadable};
pub use remote::{Inspected, inspect};
