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
//! assert!(source.requests().iter().all(|request| request.credential.is_none() || request.header("host").is_some()));
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
mod call;
mod contents;
mod docker;
mod faults;
pub(crate) mod image;
mod login;
mod manifests;
mod options;
mod requests;
mod routes;
mod server;
mod state;
mod uploads;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use regex::Regex;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

pub use blob::{Blob, digest};
pub use call::{Credential, Place};
pub use contents::Pushed;
pub use docker::DockerRegistry;
pub use faults::{Cut, Fault};
pub use image::Manifest;
pub use options::{Location, Login, Mount, Options};
pub use requests::Request;
pub use state::Access;

use crate::hold::Holds;
use state::{State, User};

/// What the servers and the handle share.
#[derive(Debug)]
struct Inner {
    host: String,
    token_host: String,
    store_host: String,
    signature: String,
    state: Mutex<State>,
    arrival: Notify,
    connections: AtomicU64,
    holds: Holds,
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A registry that is not started yet.
#[derive(Clone, Debug)]
pub struct Builder {
    options: Options,
    user: &'static str,
}

impl Builder {
    /// Changes how it behaves: `.with(|options| options.redirects = false)`.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self
    }

    /// Starts it on free ports of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// There is no port.
    pub async fn start(self) -> anyhow::Result<Registry> {
        let mut listeners = Vec::new();
        for place in [Place::Registry, Place::Tokens, Place::Store] {
            let listener = TcpListener::bind("127.0.0.1:0").await.context("no port for a registry")?;
            listeners.push((listener.local_addr()?.to_string(), listener, place));
        }
        let mut state = State::new(self.options);
        let password = login::secret("");
        state.users.insert(self.user.to_owned(), User { password, access: BTreeMap::new() });
        let inner = Arc::new(Inner {
            host: listeners[0].0.clone(),
            token_host: listeners[1].0.clone(),
            store_host: listeners[2].0.clone(),
            signature: login::secret(""),
            state: Mutex::new(state),
            arrival: Notify::new(),
            connections: AtomicU64::new(0),
            holds: Holds::default(),
        });
        let servers = listeners
            .into_iter()
            .map(|(_, listener, place)| tokio::spawn(server::serve(listener, place, Arc::clone(&inner))))
            .collect();
        Ok(Registry { inner, servers, user: self.user })
    }
}

/// A running registry. It ends, with all its connections, when this is dropped or the runtime it was started in ends.
#[derive(Debug)]
pub struct Registry {
    inner: Arc<Inner>,
    servers: Vec<JoinHandle<()>>,
    user: &'static str,
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.servers.iter().for_each(JoinHandle::abort);
    }
}

impl Registry {
    /// One that behaves as the GitHub Container Registry: tokens, no referrers, downloads redirected.
    #[must_use]
    pub fn ghcr() -> Builder {
        Builder { options: Options::ghcr(), user: "octocat" }
    }

    /// One that behaves as ECR: `Basic`, repositories made beforehand, no `Location` of manifests, no empty blobs, ..
    #[must_use]
    pub fn ecr() -> Builder {
        Builder { options: Options::ecr(), user: "AWS" }
    }

    /// `127.0.0.1:port`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.inner.host
    }

    /// `http://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.inner.host)
    }

    /// Where tokens are given.
    #[must_use]
    pub fn token_host(&self) -> &str {
        &self.inner.token_host
    }

    /// Where downloads are redirected to.
    #[must_use]
    pub fn store_host(&self) -> &str {
        &self.inner.store_host
    }

    /// User and password of somebody who may do everything.
    #[must_use]
    pub fn credentials(&self) -> (String, String) {
        let state = self.inner.state();
        (self.user.to_owned(), state.users.get(self.user).map(|user| user.password.clone()).unwrap_or_default())
    }

    /// A user who may do this and, elsewhere, nothing: `("org/app", Access::Pull)`. Answers the password.
    #[must_use]
    pub fn user(&self, name: &str, access: &[(&str, Access)]) -> String {
        let password = login::secret("");
        let mut access: BTreeMap<String, Access> =
            access.iter().map(|(repository, access)| ((*repository).to_owned(), *access)).collect();
        access.entry("*".to_owned()).or_insert(Access::None);
        self.inner.state().users.insert(name.to_owned(), User { password: password.clone(), access });
        password
    }

    /// All tokens given so far, and the password of [`Registry::credentials`], are good no longer.
    pub fn expire_credentials(&self) {
        let mut state = self.inner.state();
        state.tokens.clear();
        if let Some(user) = state.users.get_mut(self.user) {
            user.password = login::secret("");
        }
    }

    /// All tokens given so far are good no longer.
    pub fn expire_tokens(&self) {
        self.inner.state().tokens.clear();
    }

    /// Changes how it behaves from now on: `.configure(|options| options.immutable = true)`.
    pub fn configure(&self, change: impl FnOnce(&mut Options)) {
        change(&mut self.inner.state().options);
    }

    /// Adds a fault; rules are tried in the order they were added.
    pub fn fault(&self, fault: Fault) {
        self.inner.state().faults.push(fault);
    }

    /// Removes all faults; the connections of requests that are held are reset.
    pub fn clear_faults(&self) {
        self.inner.state().faults.clear();
        self.inner.holds.release(false);
    }

    /// All requests so far, in order of arrival, of all three servers.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.inner.state().requests.iter().map(requests::Entry::request).collect()
    }

    /// Forgets the requests so far. Their numbers are not used again.
    pub fn clear_requests(&self) {
        self.inner.state().requests.clear();
    }

    /// Waits for a request of this method whose path matches the regular expression, and returns it; one that is in
    /// the log already counts. It may not be answered yet.
    pub async fn arrived(&self, method: &str, path: &str) -> anyhow::Result<Request> {
        let path = Regex::new(path)?;
        loop {
            let next = self.inner.arrival.notified();
            let mut log = self.requests().into_iter();
            if let Some(found) = log.find(|request| request.method == method && path.is_match(&request.path)) {
                return Ok(found);
            }
            next.await;
        }
    }

    /// Waits until a fault holds a request: the moment to kill the program.
    pub async fn held(&self) {
        self.inner.holds.held().await;
    }
}
