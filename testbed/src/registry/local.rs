//! A registry, as a test starts it and changes how it behaves.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;

use super::inner::{Inner, Place};
use super::options::Options;
use super::secret::secret;
use super::state::{Access, State, User};
use crate::wire::{Port, Request, Server, Traffic, serve};

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
    #[expect(clippy::unused_async, reason = "it needs a runtime, which only asynchronous code is sure to have")]
    pub async fn start(self) -> anyhow::Result<Registry> {
        let open = || Port::open().context("no port for a registry");
        let ports = [open()?, open()?, open()?];
        let [host, token_host, store_host] = ports.each_ref().map(|port| port.address().to_string());
        let mut state = State::new(self.options);
        state.users.insert(self.user.to_owned(), User { password: secret(""), access: BTreeMap::new() });
        let (signature, state) = (secret(""), Mutex::new(state));
        let traffic = Traffic::default();
        let inner = Arc::new(Inner { host, token_host, store_host, signature, state, traffic });
        let servers = ports.map(|port| serve(port, &inner));
        Ok(Registry { inner, _servers: servers, user: self.user })
    }
}

/// A running registry. It ends, with all its connections, when this is dropped or the runtime it was started in ends.
#[derive(Debug)]
pub struct Registry {
    pub(super) inner: Arc<Inner>,
    _servers: [Server; 3],
    user: &'static str,
}

/// The requests of all three servers, in the order of arrival, and what goes wrong with them.
impl Deref for Registry {
    type Target = Traffic;

    fn deref(&self) -> &Traffic {
        &self.inner.traffic
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
        let password = secret("");
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
            user.password = secret("");
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

    /// Which of its servers a request of its log met.
    #[must_use]
    pub fn place(&self, request: &Request) -> Place {
        self.inner.place(request)
    }
}
