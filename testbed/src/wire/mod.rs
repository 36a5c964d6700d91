//! What the servers of this process share: ports, connections, faults by rule, and the log of what came.
//!
//! A server says what it does with a request ([`Service`]); everything before and after that is here. Web servers, which answer
//! by a script and break HTTP on purpose, take only [`Server`] and [`Log`] from here.

mod answer;
mod call;
mod fault;
mod holds;
mod log;
mod percent;
mod request;
mod serve;
mod server;
mod socket;
mod traffic;

pub use fault::{Cut, Fault};
pub use log::Log;
pub use request::{Credential, Request};
pub use traffic::Traffic;

pub(crate) use answer::{Answer, Content};
pub(crate) use call::Call;
pub(crate) use percent::{decode, encode};
pub(crate) use serve::{Service, serve};
pub(crate) use server::{Port, Server};
