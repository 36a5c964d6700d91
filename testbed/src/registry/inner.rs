//! What the servers of a registry and its handle share.

use std::sync::{Mutex, MutexGuard};

use super::state::State;
use crate::lock::lock;
use crate::wire::{Request, Traffic};

/// Which of the registry's three servers was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The registry itself.
    Registry,
    /// The endpoint that gives tokens.
    Tokens,
    /// Where redirected downloads go.
    Store,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) host: String,
    pub(super) token_host: String,
    pub(super) store_host: String,
    /// What signs the URLs of the store.
    pub(super) signature: String,
    pub(super) state: Mutex<State>,
    pub(super) traffic: Traffic,
}

impl Inner {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn place(&self, request: &Request) -> Place {
        match &request.host {
            host if *host == self.token_host => Place::Tokens,
            host if *host == self.store_host => Place::Store,
            _ => Place::Registry,
        }
    }

    /// The registry as the caller names it: somebody who was sent here for another host means that host's HTTPS.
    pub(super) fn origin(&self, request: &Request) -> String {
        match request.header("host").unwrap_or_default() {
            host if host == self.host => format!("http://{host}"),
            host => format!("https://{host}"),
        }
    }
}
