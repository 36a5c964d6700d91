//! The HTTP server: connections, faults, holds, and bodies that are streamed.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use hyper::body::{Body as HttpBody, Bytes, Frame};
use hyper::header::CONTENT_LENGTH;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Sleep;

use super::Inner;
use super::answer::Answer;
use super::blob::Blob;
use super::call::{Call, Place, query};
use super::faults::{self, Cut, Fault};
use super::requests::Entry;
use super::routes;

/// What is read of a body that nobody wanted, so that the answer is seen.
const DRAINED: usize = 256 * 1024;

/// Accepts connections until the task is dropped; all of them end with it.
pub(super) async fn serve(listener: TcpListener, place: Place, inner: Arc<Inner>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let number = inner.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let _ = stream.set_nodelay(true);
        connections.spawn(connection(stream, place, number, Arc::clone(&inner)));
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, place: Place, number: u64, inner: Arc<Inner>) {
    let reset = Arc::new(AtomicBool::new(false));
    let socket = Socket { stream, reset: Arc::clone(&reset) };
    let service = service_fn(move |request| {
        let (inner, reset) = (Arc::clone(&inner), Arc::clone(&reset));
        async move {
            let call = read(request, place);
            match answer(&inner, call, number).await {
                Ok(response) => Ok(response),
                Err(with_reset) => {
                    reset.store(with_reset, Ordering::Relaxed);
                    Err(io::Error::from(io::ErrorKind::ConnectionReset))
                }
            }
        }
    });
    // An error here is a connection that ended early, by our doing or the peer's.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
}

fn read(request: hyper::Request<hyper::body::Incoming>, place: Place) -> Call {
    let (head, body) = request.into_parts();
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    Call {
        place,
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: query(head.uri.query().unwrap_or_default()),
        headers,
        body,
        received: Arc::default(),
        break_at: None,
    }
}

/// The response, or whether the connection is reset instead of closed.
async fn answer(inner: &Inner, mut call: Call, connection: u64) -> Result<hyper::Response<Sent>, bool> {
    let (fault, entry) = {
        let mut state = inner.state();
        let number = state.next();
        let mut entry = Entry::new(&call, number, connection);
        let target = entry.request.target();
        let fault = faults::next(&mut state.faults, &call.method, &target);
        entry.request.faulty = fault.is_some();
        state.requests.push(entry.clone());
        (fault, entry)
    };
    inner.arrival.notify_waiters();
    let (answer, cut) = match &fault {
        None => (routes::perform(inner, &mut call).await, None),
        Some(fault) => faulty(inner, &mut call, fault).await?,
    };
    // 499 is what a request becomes whose body broke off.
    if answer.status == 499 {
        return Err(true);
    }
    let _ = tokio::time::timeout(Duration::from_secs(1), call.all(DRAINED)).await;
    if let Some(found) = inner.state().requests.iter_mut().find(|known| known.request.number == entry.request.number) {
        found.request.status = Some(answer.status);
        found.request.answered = Some(SystemTime::now());
    }
    inner.arrival.notify_waiters();
    let bodiless = call.method == "HEAD" || answer.status == 204;
    response(answer, bodiless, cut, fault.as_ref(), entry.sent).or(Err(false))
}

/// The answer and after how many bytes of its body it ends.
async fn faulty(inner: &Inner, call: &mut Call, fault: &Fault) -> Result<(Answer, Option<u64>), bool> {
    if let Some(Cut::Upload(most)) = fault.cut {
        call.break_at = Some(most);
    }
    let real = !fault.hold && fault.status.is_none() && !matches!(fault.cut, Some(Cut::Close | Cut::Reset));
    let performed = if real || fault.applied { Some(routes::perform(inner, call).await) } else { None };
    if fault.hold {
        inner.holds.hold().await;
        return Err(true);
    }
    tokio::time::sleep(fault.delay).await;
    let invented = || {
        let status = fault.status.unwrap_or(500);
        match &fault.body {
            None => Answer::error(status, &fault.code, "a fault of the testbed"),
            Some(body) => Answer::bytes(status, body.clone()),
        }
    };
    let mut answer = performed.filter(|_| real).unwrap_or_else(invented);
    for (name, value) in &fault.headers {
        answer = answer.header(name, value);
    }
    answer.headers.retain(|(_, value)| !value.is_empty());
    match fault.cut {
        Some(Cut::Close) => Err(false),
        Some(Cut::Reset) => Err(true),
        Some(Cut::Truncate) => {
            let half = answer.length / 2;
            Ok((answer, Some(half)))
        }
        Some(Cut::After(bytes)) => Ok((answer, Some(bytes))),
        None | Some(Cut::Upload(_)) => Ok((answer, None)),
    }
}

fn response(
    answer: Answer,
    bodiless: bool,
    cut: Option<u64>,
    fault: Option<&Fault>,
    sent: Arc<AtomicU64>,
) -> io::Result<hyper::Response<Sent>> {
    let mut builder = hyper::Response::builder().status(answer.status);
    if answer.status != 204 && !answer.headers.iter().any(|(name, _)| name == "content-length") {
        builder = builder.header(CONTENT_LENGTH, answer.length);
    }
    for (name, value) in &answer.headers {
        builder = builder.header(name, value);
    }
    let length = if bodiless { 0 } else { answer.length };
    let body = Sent {
        blob: answer.body,
        at: answer.start,
        end: answer.start + length,
        stop: cut.filter(|_| !bodiless).map(|bytes| answer.start + bytes.min(length)),
        corrupt: fault.is_some_and(|fault| fault.corrupt).then_some(answer.start + length / 2),
        drip: fault.map(|fault| fault.drip).unwrap_or_default(),
        pause: None,
        flushed: false,
        counted: sent,
    };
    builder.body(body).map_err(io::Error::other)
}

/// A body that is sent whole, slowly, wrongly, or not to its end.
#[derive(Debug)]
struct Sent {
    blob: Blob,
    at: u64,
    end: u64,
    stop: Option<u64>,
    corrupt: Option<u64>,
    drip: Duration,
    pause: Option<Pin<Box<Sleep>>>,
    flushed: bool,
    counted: Arc<AtomicU64>,
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        let until = self.stop.unwrap_or(self.end);
        if let Some(piece) = self.blob.chunk(self.at, until.saturating_sub(self.at)) {
            let piece = match self.corrupt {
                Some(place) if (self.at..self.at + piece.len() as u64).contains(&place) => {
                    let mut other = piece.to_vec();
                    let offset = usize::try_from(place - self.at).unwrap_or_default();
                    other[offset] ^= 1;
                    other.into()
                }
                _ => piece,
            };
            self.at += piece.len() as u64;
            self.counted.fetch_add(piece.len() as u64, Ordering::Relaxed);
            if !self.drip.is_zero() {
                self.pause = Some(Box::pin(tokio::time::sleep(self.drip)));
            }
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match self.stop {
            None => Poll::Ready(None),
            // An error at once would take back what has not left yet: one turn lets it be written.
            Some(_) if !self.flushed => {
                self.flushed = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(_) => Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.stop.is_none() && self.at >= self.end
    }
}

/// A connection that can be reset instead of closed.
struct Socket {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            // Closing with nothing to linger for sends a reset.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A reset must not be preceded by an orderly end.
        if self.reset.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
