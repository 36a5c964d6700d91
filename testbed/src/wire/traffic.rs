//! What comes to a server, and what goes wrong with it.

use std::ops::Deref;
use std::sync::Mutex;

use super::fault::{self, Fault};
use super::holds::Holds;
use super::log::Log;
use super::request::Request;
use crate::lock::lock;

/// The log of a server, its faults, and what they hold.
#[derive(Debug, Default)]
pub struct Traffic {
    log: Log,
    faults: Mutex<Vec<Fault>>,
    pub(super) holds: Holds,
}

impl Traffic {
    /// Adds a fault; rules are tried in the order they were added.
    pub fn fault(&self, fault: Fault) {
        lock(&self.faults).push(fault);
    }

    /// Removes all faults; the connections of requests that are held are reset.
    pub fn clear_faults(&self) {
        lock(&self.faults).clear();
        self.holds.release(false);
    }

    /// Waits until a fault holds a request: the moment to kill the program.
    pub async fn held(&self) {
        self.holds.held().await;
    }

    /// Carries out what is held, late and unheard of. [`Traffic::clear_faults`] ends a hold without.
    pub fn release(&self) {
        self.holds.release(true);
    }

    pub(super) fn next_fault(&self, request: &Request) -> Option<Fault> {
        fault::next(&mut lock(&self.faults), request)
    }
}

impl Deref for Traffic {
    type Target = Log;

    fn deref(&self) -> &Log {
        &self.log
    }
}
