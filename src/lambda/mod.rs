//! Lambda, in the words of a deployment. SDK types do not leave this module.

mod alias;
mod client;
mod code;
mod code_id;
mod configuration;
mod durable;
mod function;
mod invocation;
mod logging;
mod names;
pub mod package;
mod provisioned;
pub mod serving;
mod settings;
mod storage;
mod url;

pub use alias::{Alias, AliasRevision};
pub use client::Lambda;
pub use code::{Code, CodeUpdate};
pub use code_id::CodeId;
pub use configuration::Configuration;
pub use function::{Architecture, Function, LONGEST_INVOCATION, LastUpdate, Package, State};
pub use invocation::{Call, FunctionError, Invocation, Reply, was_not_run};
pub use logging::LogPlace;
pub use names::{AliasName, FunctionName, FunctionVersion, Qualifier, TenantId, Version, VersionRef};
pub use provisioned::{Allocation, ProvisionedConcurrency};
pub use serving::{Serving, Traffic};
pub use settings::{FunctionSettings, Network};
pub use storage::{Storage, StoredObject};
