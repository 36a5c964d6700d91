//! Requests that are received and not answered until they are let go: the moments at which a test kills the program.

use tokio::sync::watch;

/// The requests of one server that are held.
#[derive(Debug)]
pub(super) struct Holds {
    /// How many are held.
    held: watch::Sender<usize>,
    /// How often all were let go, and whether the last time they were to be carried out.
    released: watch::Sender<(u64, bool)>,
}

impl Default for Holds {
    fn default() -> Self {
        Self { held: watch::Sender::new(0), released: watch::Sender::new((0, false)) }
    }
}

/// One request that is held. A connection that ends takes its request with it.
struct Held<'a>(&'a watch::Sender<usize>);

impl<'a> Held<'a> {
    fn new(all: &'a watch::Sender<usize>) -> Self {
        all.send_modify(|held| *held += 1);
        Self(all)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|held| *held -= 1);
    }
}

impl Holds {
    /// Waits to be let go; whether the request is to be carried out now.
    pub(super) async fn hold(&self) -> bool {
        let mut released = self.released.subscribe();
        let _held = Held::new(&self.held);
        // The sender lives as long as `self`.
        let _ = released.changed().await;
        let (_, carry_out) = *released.borrow();
        carry_out
    }

    /// Waits until a request is held.
    pub(super) async fn held(&self) {
        let _ = self.held.subscribe().wait_for(|held| *held > 0).await;
    }

    /// Lets go all that are held.
    pub(super) fn release(&self, carry_out: bool) {
        self.released.send_modify(|(times, last)| {
            *times += 1;
            *last = carry_out;
        });
    }
}
