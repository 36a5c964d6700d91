//! The digest of a blob as it passes: of a large one on a thread of its own, so that hashing takes no time from moving it.

use bytes::Bytes;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::oci::{Descriptor, Digest, Hasher};

/// Blobs up to this size are hashed where they pass: to hand them to a thread would take longer.
const SMALL: u64 = 1 << 20;

/// Digests what passes.
pub(super) enum Hashing {
    /// Between reading and writing.
    Here(Box<Hasher>),
    /// Beside it. One part at most waits for the thread.
    Beside { parts: Option<Sender<Bytes>>, digest: Option<JoinHandle<Digest>> },
}

impl Hashing {
    pub(super) fn of(blob: &Descriptor) -> Self {
        if blob.size > SMALL { Self::beside() } else { Self::here() }
    }

    pub(super) fn here() -> Self {
        Self::Here(Box::default())
    }

    pub(super) fn beside() -> Self {
        let (parts, mut coming) = channel::<Bytes>(1);
        let digest = spawn_blocking(move || {
            let mut hasher = Hasher::default();
            while let Some(part) = coming.blocking_recv() {
                hasher.update(&part);
            }
            hasher.digest()
        });
        Self::Beside { parts: Some(parts), digest: Some(digest) }
    }

    /// Takes the next part.
    pub(super) async fn update(&mut self, part: &Bytes) {
        match self {
            Self::Here(hasher) => hasher.update(part),
            Self::Beside { parts, .. } => {
                if let Some(parts) = parts {
                    let _gone = parts.send(part.clone()).await;
                }
            }
        }
    }

    /// The digest of everything it has seen; nothing if its thread is gone, or was asked before.
    pub(super) async fn finish(&mut self) -> Option<Digest> {
        match self {
            Self::Here(hasher) => Some(Hasher::clone(hasher).digest()),
            Self::Beside { parts, digest } => {
                parts.take();
                digest.take()?.await.ok()
            }
        }
    }
}
