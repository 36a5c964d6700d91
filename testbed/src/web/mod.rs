//! Web servers for health checks: scripted answers, TLS with and without faults, servers that hang, drip, reset or
//! never end, ports that refuse, and proxies. All listen on 127.0.0.1, on a port of their own, as long as they live.
//!
//! ```no_run
//! # async fn example() {
//! use testbed::web::{Answer, WebServer};
//!
//! let server = WebServer::start([Answer::status(503), Answer::json(&serde_json::json!({"commit": "6dcb09b"}))]);
//! let url = server.url("/health"); // 503 once, then the commit for ever
//! # drop(url);
//! # }
//! ```

mod answer;
mod give;
mod http;
mod proxy;
mod server;
mod tls;
mod unreachable;

pub use crate::wire::Request;
pub use answer::Answer;
pub use proxy::Proxy;
pub use server::{Site, WebServer};
pub(crate) use tls::pems;
pub use tls::{Tls, some_authority};
pub use unreachable::{Blackhole, RefusedPort, UNRESOLVABLE_URL};
