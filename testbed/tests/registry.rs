//! The registries: the one in this process does what real ones do, and fails as it is told to.

#[path = "registry/client.rs"]
mod client;
#[path = "registry/conformance.rs"]
mod conformance;
#[path = "registry/faults.rs"]
mod faults;
#[path = "registry/login.rs"]
mod login;
#[path = "registry/uploads.rs"]
mod uploads;
