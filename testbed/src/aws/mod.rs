//! The local AWS: MiniStack, corrected where it differs from AWS (`testbed/fidelity`), in processes of its own.
//!
//! One server for each core serves a whole test run. Every test takes an [`Account`] of its own, and shares nothing with the others:
//!
//! ```no_run
//! # async fn test() -> anyhow::Result<()> {
//! use testbed::aws::{FunctionSpec, LocalAws, zips};
//!
//! let account = LocalAws::shared().account();
//! account.create_function(&FunctionSpec::zip("app-api", zips::python("def handler(event, context): return 1"))).await?;
//! let version = account.publish("app-api", "v1").await?;
//! account.create_alias("app-api", "live", &version).await?;
//! assert_eq!(account.alias("app-api", "live").await?.version, version);
//! # Ok(())
//! # }
//! ```

mod account;
mod apis;
mod codebuild;
mod control;
mod ecr;
mod ecs;
mod environment;
mod iam;
mod lambda;
mod place;
mod retention;
pub mod sample;
mod server;
mod site;
mod sns;
mod watch;
pub mod zips;

pub use crate::registry::ImageSpec;
pub use account::{Account, Answer};
pub use control::{Fault, Hook, OidcKey, Request, Settings};
pub use ecs::{Service, ServiceSpec};
pub use environment::{Postgres, command_line, postgres, python};
pub use lambda::{AliasState, Code, FunctionSpec, Invocation};
pub use place::{account_hash, target};
pub use server::LocalAws;
pub use site::{Site, SiteSpec};
pub use sns::Published;
