//! The body of an upload: what was read of a blob elsewhere, as it comes in.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc::Receiver;
use tokio::time::Instant;

use super::error::RegistryError;

/// A part of a blob, or why there is no more of it.
pub(super) type Part = Result<Bytes, RegistryError>;

/// How many bytes have been moved by uploads that share it.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<AtomicU64>);

impl Progress {
    /// So many, those of uploads in flight included.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What can be seen of an upload from outside.
#[derive(Clone, Debug)]
pub(super) struct Watch(Arc<Mutex<(Instant, Option<RegistryError>)>>);

impl Watch {
    fn new() -> Self {
        Self(Arc::new(Mutex::new((Instant::now(), None))))
    }

    fn with<T>(&self, look: impl FnOnce(&mut (Instant, Option<RegistryError>)) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// When the last part of it passed.
    pub(super) fn last_progress(&self) -> Instant {
        self.with(|seen| seen.0)
    }

    /// Why no more came, if it was not passed on whole.
    pub(super) fn stop_reason(&self) -> Option<RegistryError> {
        self.with(|seen| seen.1.clone())
    }
}

/// The body. Its parts have been verified, the last one before it was handed over: it ends early or is right.
pub(super) struct Incoming {
    parts: Receiver<Part>,
    left: u64,
    passed: u64,
    watch: Watch,
    progress: Progress,
}

impl Incoming {
    /// A body of this size.
    pub(super) fn new(parts: Receiver<Part>, size: u64, progress: &Progress) -> (Self, Watch) {
        let watch = Watch::new();
        (Self { parts, left: size, passed: 0, watch: watch.clone(), progress: progress.clone() }, watch)
    }
}

/// What was not moved whole was not moved.
impl Drop for Incoming {
    fn drop(&mut self) {
        if self.left > 0 {
            self.progress.0.fetch_sub(self.passed, Ordering::Relaxed);
        }
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = RegistryError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, RegistryError>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let part = match ready!(self.parts.poll_recv(cx)) {
            Some(Ok(part)) => part,
            Some(Err(why)) => {
                self.watch.with(|seen| seen.1 = Some(why.clone()));
                return Poll::Ready(Some(Err(why)));
            }
            // Nobody reads any more: the whole copy has ended.
            None => return Poll::Pending,
        };
        let length = part.len() as u64;
        self.left = self.left.saturating_sub(length);
        self.passed += length;
        self.progress.0.fetch_add(length, Ordering::Relaxed);
        self.watch.with(|seen| seen.0 = Instant::now());
        Poll::Ready(Some(Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
