//! A blob on its way from one registry to another: counted and hashed as it passes, and never given out whole unless it is
//! what its digest says. At most one frame of it is held.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use tokio::time::Instant;

use crate::oci::Digest;

/// Why a blob was not passed on whole.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(super) enum Stopped {
    /// It ended early or the connection broke.
    #[error("the source broke off: {0}")]
    Broken(String),
    /// It is not what its digest says.
    #[error("what the source sent {0}")]
    Corrupt(String),
}

/// What can be seen of a blob on its way, from outside.
#[derive(Clone, Debug)]
pub(super) struct Watch(Arc<Mutex<(Instant, Option<Stopped>)>>);

impl Watch {
    fn new() -> Self {
        Self(Arc::new(Mutex::new((Instant::now(), None))))
    }

    fn with<T>(&self, look: impl FnOnce(&mut (Instant, Option<Stopped>)) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// When the last part of it passed.
    pub(super) fn last_progress(&self) -> Instant {
        self.with(|seen| seen.0)
    }

    /// Why it stopped, if it was not passed on whole.
    pub(super) fn stop_reason(&self) -> Option<Stopped> {
        self.with(|seen| seen.1.clone())
    }
}

/// The body of the upload.
pub(super) struct Verified<B> {
    inner: B,
    hasher: Sha256,
    digest: Digest,
    left: u64,
    watch: Watch,
}

impl<B> Verified<B> {
    /// Passes a body on that must have this digest and size.
    pub(super) fn new(inner: B, digest: &Digest, size: u64) -> (Self, Watch) {
        let watch = Watch::new();
        (Self { inner, hasher: Sha256::new(), digest: digest.clone(), left: size, watch: watch.clone() }, watch)
    }

    /// Looks at the next part; the last one is passed on only if the whole is right.
    fn take(&mut self, part: &Bytes) -> Result<(), Stopped> {
        self.watch.with(|seen| seen.0 = Instant::now());
        self.hasher.update(part);
        self.left = (self.left)
            .checked_sub(part.len() as u64)
            .ok_or_else(|| Stopped::Corrupt("is longer than its descriptor says".to_owned()))?;
        if self.left > 0 {
            return Ok(());
        }
        let found = Digest::finished(self.hasher.clone());
        if found == self.digest { Ok(()) } else { Err(Stopped::Corrupt(format!("has the digest {found}"))) }
    }

    fn stop(&self, why: Stopped) -> Stopped {
        self.watch.with(|seen| seen.1 = Some(why.clone()));
        why
    }
}

impl<B: Body<Data = Bytes, Error: std::fmt::Display> + Unpin> Body for Verified<B> {
    type Data = Bytes;
    type Error = Stopped;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Stopped>>> {
        loop {
            if self.left == 0 {
                return Poll::Ready(None);
            }
            let frame = match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Poll::Ready(Some(Err(self.stop(Stopped::Broken(error.to_string()))))),
                None => {
                    let missing = format!("{} bytes are missing", self.left);
                    return Poll::Ready(Some(Err(self.stop(Stopped::Broken(missing)))));
                }
            };
            let Ok(part) = frame.into_data() else { continue };
            return Poll::Ready(Some(match self.take(&part) {
                Ok(()) => Ok(Frame::data(part)),
                Err(why) => Err(self.stop(why)),
            }));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::future::poll_fn;

    /// A body of these parts; an error where there is none.
    struct Parts(VecDeque<Option<&'static str>>);

    impl Body for Parts {
        type Data = Bytes;
        type Error = String;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, String>>> {
            Poll::Ready(
                self.0.pop_front().map(|part| part.map(|part| Frame::data(part.into())).ok_or("reset".to_owned())),
            )
        }
    }

    async fn passed(parts: &[Option<&'static str>], size: u64) -> (String, Option<Stopped>) {
        let inner = Parts(parts.iter().copied().collect());
        let (mut body, watch) = Verified::new(inner, &Digest::of(b"hello world"), size);
        let mut passed = String::new();
        while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            passed.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
        }
        (passed, watch.stop_reason())
    }

    #[tokio::test]
    async fn a_blob_is_never_given_out_whole_unless_it_is_right() {
        assert_eq!(passed(&[Some("hello "), Some("world")], 11).await, ("hello world".to_owned(), None));
        let wrong = Digest::of(b"hello World");
        let corrupt = Some(Stopped::Corrupt(format!("has the digest {wrong}")));
        assert_eq!(passed(&[Some("hello "), Some("World")], 11).await, ("hello ".to_owned(), corrupt));
        let longer = Some(Stopped::Corrupt("is longer than its descriptor says".to_owned()));
        assert_eq!(passed(&[Some("hello "), Some("world!")], 11).await, ("hello ".to_owned(), longer));
        let shorter = Some(Stopped::Broken("5 bytes are missing".to_owned()));
        assert_eq!(passed(&[Some("hello ")], 11).await, ("hello ".to_owned(), shorter));
        let reset = Some(Stopped::Broken("reset".to_owned()));
        assert_eq!(passed(&[Some("hello "), None], 11).await, ("hello ".to_owned(), reset));
    }
}
