//! The HTTP server: connections, faults, and the common headers of answers.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::SystemTime;

use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Bytes, Frame};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::answer::{Answer, Body};
use super::faults::{self, Cut, Fault};
use super::gate::{self, Incoming};
use super::requests::Request;
use super::{Inner, oidc};

/// Accepts connections until the task is dropped; all of them end with it.
pub(crate) async fn serve(listener: TcpListener, address: SocketAddr, shared: Arc<Inner>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(connection(stream, address, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, address: SocketAddr, shared: Arc<Inner>) {
    let reset = Arc::new(AtomicBool::new(false));
    let socket = Socket { stream, reset: Arc::clone(&reset) };
    let service = service_fn(move |request| {
        let (shared, reset) = (Arc::clone(&shared), Arc::clone(&reset));
        async move {
            let incoming = read(request, address).await?;
            match answer(&shared, &incoming).await {
                Outcome::Answer(answer) => response(answer, false),
                Outcome::Truncated(answer) => response(answer, true),
                Outcome::Cut { with_reset } => {
                    reset.store(with_reset, Ordering::Relaxed);
                    Err(io::Error::from(io::ErrorKind::ConnectionReset))
                }
            }
        }
    });
    // An error here is a connection that ended early, by our doing or the peer's.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
}

enum Outcome {
    Answer(Answer),
    Truncated(Answer),
    Cut { with_reset: bool },
}

async fn read(request: hyper::Request<hyper::body::Incoming>, address: SocketAddr) -> io::Result<Incoming> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes().to_vec();
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    Ok(Incoming {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers,
        body,
        origin: format!("http://{address}"),
    })
}

async fn answer(shared: &Arc<Inner>, request: &Incoming) -> Outcome {
    let target = request.target();
    let (fault, number) = {
        let mut state = shared.state();
        let number = state.shared.next_id();
        let fault = faults::next(&mut state.faults, &request.method, &target);
        state.requests.push(Request { faulty: fault.is_some(), ..record(request, number) });
        (fault, number)
    };
    shared.arrival.notify_waiters();
    let outcome = match fault {
        None => Outcome::Answer(perform(shared, request).await),
        Some(fault) => faulty(shared, request, fault).await,
    };
    let status = match &outcome {
        Outcome::Answer(answer) | Outcome::Truncated(answer) => Some(answer.status),
        Outcome::Cut { .. } => None,
    };
    let outcome = match outcome {
        Outcome::Answer(answer) => Outcome::Answer(answer.header("x-github-request-id", request_id(number))),
        Outcome::Truncated(answer) => Outcome::Truncated(answer.header("x-github-request-id", request_id(number))),
        cut @ Outcome::Cut { .. } => cut,
    };
    let mut state = shared.state();
    if let Some(record) = state.requests.iter_mut().find(|record| record.number == number) {
        record.status = status;
        record.answered = Some(SystemTime::now());
    }
    outcome
}

/// Looks as GitHub's do: `0400:1F2E:..`.
fn request_id(number: u64) -> String {
    format!("{:04X}:{:04X}:{number:06X}", number % 0xFFFF, (number * 7) % 0xFFFF)
}

async fn faulty(shared: &Arc<Inner>, request: &Incoming, fault: Fault) -> Outcome {
    let real = !fault.hold && matches!((fault.status, fault.cut), (None, None | Some(Cut::Truncate)));
    let performed = if real || fault.applied { Some(perform(shared, request).await) } else { None };
    if fault.hold {
        // A task of its own outlives the connection, whose client may be gone when the request is let go.
        let (shared, request, late) = (Arc::clone(shared), request.clone(), performed.is_none());
        let held = tokio::spawn(async move {
            if shared.holds.hold().await && late {
                perform(&shared, &request).await;
            }
        });
        let _ = held.await;
        return Outcome::Cut { with_reset: true };
    }
    tokio::time::sleep(fault.delay).await;
    let invented = || {
        let body = fault.body.clone().unwrap_or_else(|| json!({"message": "Server Error"}));
        let status = fault.status.unwrap_or(500);
        match body {
            Value::String(text) => Answer::text(status, text),
            body => Answer::json(status, body),
        }
    };
    let answer = performed.filter(|_| real).unwrap_or_else(invented);
    let answer = fault.headers.iter().fold(answer, |answer, (name, value)| answer.header(name, value));
    match fault.cut {
        None => Outcome::Answer(answer),
        Some(Cut::Truncate) => Outcome::Truncated(answer),
        Some(cut) => Outcome::Cut { with_reset: cut == Cut::Reset },
    }
}

async fn perform(shared: &Inner, request: &Incoming) -> Answer {
    match oidc::answer(shared, request).await {
        Some(answer) => answer,
        None => gate::perform(&mut shared.state(), request),
    }
}

fn record(request: &Incoming, number: u64) -> Request {
    let mut headers = request.headers.clone();
    headers.remove("authorization");
    Request {
        method: request.method.clone(),
        path: request.path.clone(),
        target: request.target(),
        query: request.query(),
        headers,
        body: request.json(),
        token: request.token().map(str::to_owned),
        status: None,
        at: SystemTime::now(),
        answered: None,
        faulty: false,
        number,
    }
}

fn response(answer: Answer, truncated: bool) -> io::Result<hyper::Response<Sent>> {
    let (kind, bytes) = match answer.body {
        Body::Empty => (None, Vec::new()),
        Body::Json(body) => (Some("application/json; charset=utf-8"), body.to_string().into_bytes()),
        Body::Text(body) => (Some("text/plain; charset=utf-8"), body.into_bytes()),
    };
    let mut builder = hyper::Response::builder()
        .status(answer.status)
        .header("server", "github.com")
        .header("x-github-media-type", "github.v3; format=json");
    if let Some(kind) = kind {
        builder = builder.header(CONTENT_TYPE, kind).header(CONTENT_LENGTH, bytes.len());
    }
    for (name, value) in &answer.headers {
        builder = builder.header(name, value);
    }
    let bytes = Bytes::from(bytes);
    let first = if truncated { bytes.slice(..bytes.len() / 2) } else { bytes };
    builder.body(Sent { first: Some(first), truncated, flushed: false }).map_err(io::Error::other)
}

/// A body that is sent whole, or ends in the middle.
#[derive(Debug)]
struct Sent {
    first: Option<Bytes>,
    truncated: bool,
    flushed: bool,
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.first.take() {
            Some(bytes) if !bytes.is_empty() => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            _ if !self.truncated => Poll::Ready(None),
            // An error at once would take back what has not left yet: one turn lets it be written.
            _ if !self.flushed => {
                self.flushed = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        !self.truncated && self.first.as_ref().is_none_or(Bytes::is_empty)
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
