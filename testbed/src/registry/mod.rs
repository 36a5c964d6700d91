//! Container registries in this process, as the GitHub Container Registry and as ECR, with faults.
//!
//! A test fills one, gives the program its address and credentials, and afterwards reads what happened:
//!
//! ```
//! # use testbed::aws::ImageSpec;
//! # use testbed::registry::{Blob, Cut, Fault, Registry};
//! # async fn example() -> anyhow::Result<()> {
//! let source = Registry::ghcr().start().await?;
//! let image = ImageSpec::new("org/app").tag("v1").release("1.0.0", "c0ffee").layer(Blob::generated(1 << 30, 7));
//! let pushed = source.put_image(&image);
//! let (user, password) = source.credentials();
//! source.fault(Fault::on("GET", "/store/")?.cut(Cut::After(1000)));
//! // .. run the program with `http://{source.host()}` as the place of ghcr.io ..
//! assert_eq!(source.manifest("org/app", "v1").map(|found| found.digest), Some(pushed.digest));
//! assert!(source.requests().iter().all(|request| request.credential().is_none() || request.header("host").is_some()));
//! # drop((user, password)); Ok(()) }
//! ```
//!
//! Three servers make a registry, each on its own port, so that a test sees which of them gets credentials: the
//! registry, the endpoint that gives tokens, and the store that downloads are redirected to. What differs from one
//! registry to the next is in [`Options`], and may be changed while it runs.
//!
//! A program is killed at a request, and what it has left behind is looked at:
//!
//! ```
//! # use testbed::registry::{Fault, Registry};
//! # async fn example(destination: Registry, mut program: tokio::process::Child) -> anyhow::Result<()> {
//! destination.fault(Fault::on("PUT", "/uploads/")?.after(1).hold());
//! tokio::select! {
//!     () = destination.held() => program.kill().await?,
//!     _ = program.wait() => {} // it makes fewer requests
//! }
//! destination.clear_faults();
//! assert!(destination.tags("org/app").is_empty());
//! # Ok(()) }
//! ```
//!
//! [`DockerRegistry`] is a real registry, where it is installed. In CI it must be.

mod answer;
mod blob;
mod blobs;
mod contents;
mod docker;
mod image;
mod inner;
mod local;
mod login;
mod manifests;
mod options;
mod routes;
mod secret;
mod service;
mod spec;
mod state;
mod uploads;

pub use crate::wire::{Credential, Cut, Fault, Request};
pub use blob::{Blob, digest};
pub use contents::Pushed;
pub use docker::DockerRegistry;
pub use image::Manifest;
pub use inner::Place;
pub use local::{Builder, Registry};
pub use options::{Location, Login, Mount, Options};
pub use spec::ImageSpec;
pub use state::Access;

pub(crate) use image::{MANIFEST, graph};
