//! HTTP, from the connection to the answer: the same for all servers but for what they do with a request.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;

use super::answer::{Answer, Sent};
use super::call::Call;
use super::fault::{Cut, Fault};
use super::server::{Port, Server};
use super::socket::Socket;
use super::traffic::Traffic;

/// What is read of a body that nobody wanted, so that the answer is seen.
const DRAINED: usize = 256 * 1024;

/// What a server does with requests.
pub(crate) trait Service: Send + Sync + 'static {
    /// Whether the body is read before anything else, and shown in the log; else the service reads it.
    const READS_AHEAD: bool;

    fn traffic(&self) -> &Traffic;

    /// Carries a request out. An error is a body that breaks off: the connection is reset.
    fn perform(&self, call: &mut Call) -> impl Future<Output = io::Result<Answer>> + Send;

    /// How it says that it fails, by a fault: with this status and, where it has such, this code.
    fn failure(&self, status: u16, code: Option<&str>) -> Answer;

    /// What all its answers have.
    fn finish(&self, answer: Answer, number: u64) -> Answer;
}

/// The connection ends without an answer.
struct Ended {
    by_reset: bool,
}

/// Serves a port.
pub(crate) fn serve<S: Service>(port: Port, service: &Arc<S>) -> Server {
    let (service, host) = (Arc::clone(service), port.address().to_string());
    Server::start(port, move |stream| {
        let (service, host, reset) = (Arc::clone(&service), host.clone(), Arc::new(AtomicBool::new(false)));
        let connection = service.traffic().connect();
        let socket = Socket::new(stream, &reset);
        let answers = service_fn(move |request| {
            let (service, host, reset) = (Arc::clone(&service), host.clone(), Arc::clone(&reset));
            async move {
                answer(&service, request, host, connection).await.map_err(|Ended { by_reset }| {
                    reset.store(by_reset, Ordering::Relaxed);
                    io::Error::from(io::ErrorKind::ConnectionReset)
                })
            }
        });
        async move {
            // An error here is a connection that ended early, by our doing or the peer's.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), answers).await;
        }
    })
}

async fn answer<S: Service>(
    service: &Arc<S>,
    request: hyper::Request<Incoming>,
    host: String,
    connection: usize,
) -> Result<Response<Sent>, Ended> {
    let traffic = service.traffic();
    let mut call = Call::new(request);
    (call.request.host, call.request.connection) = (host, connection);
    let fault = traffic.next_fault(&call.request);
    call.request.faulty = fault.is_some();
    call.break_at = fault.as_ref().and_then(|fault| match fault.cut? {
        Cut::Upload(most) => Some(most),
        _ => None,
    });
    let ahead = if S::READS_AHEAD { call.all(usize::MAX).await } else { Some(Vec::new()) };
    let whole = ahead.is_some();
    call.request.body = ahead.unwrap_or_default();
    let counts = Arc::clone(&call.counts);
    traffic.note(&mut call.request, &counts);
    let (number, to_head) = (call.request.number, call.request.method == "HEAD");
    let outcome = if whole { outcome(service, call, fault.as_ref()).await } else { Err(Ended { by_reset: true }) };
    traffic.settle(number, outcome.as_ref().ok().map(|answer| answer.status));
    outcome?.response(to_head, fault.as_ref(), counts).or(Err(Ended { by_reset: false }))
}

/// What comes of a request under this fault, if any.
async fn outcome<S: Service>(service: &Arc<S>, mut call: Call, fault: Option<&Fault>) -> Result<Answer, Ended> {
    let is_real = fault.is_none_or(Fault::is_real);
    let performed = if is_real || fault.is_some_and(|fault| fault.applied) {
        Some(service.perform(&mut call).await.or(Err(Ended { by_reset: true }))?)
    } else {
        None
    };
    if let Some(fault) = fault {
        if fault.hold {
            hold(service, call, performed.is_none()).await;
            return Err(Ended { by_reset: true });
        }
        tokio::time::sleep(fault.delay).await;
        if let Some(cut @ (Cut::Close | Cut::Reset)) = fault.cut {
            return Err(Ended { by_reset: cut == Cut::Reset });
        }
    }
    let _ = tokio::time::timeout(Duration::from_secs(1), call.all(DRAINED)).await;
    let answer = performed.filter(|_| is_real).unwrap_or_else(|| failure(&**service, fault));
    let headers = fault.map(|fault| fault.headers.as_slice()).unwrap_or_default();
    let answer = service.finish(answer, call.request.number);
    Ok(headers.iter().fold(answer, |answer, (name, value)| answer.header(name, value)))
}

/// Waits until the request is let go, and carries it out if that is still to be done.
async fn hold<S: Service>(service: &Arc<S>, mut call: Call, is_open: bool) {
    let service = Arc::clone(service);
    // A task of its own outlives the connection, whose client may be gone when the request is let go.
    let held = tokio::spawn(async move {
        if service.traffic().holds.hold().await && is_open {
            let _ = service.perform(&mut call).await;
        }
    });
    let _ = held.await;
}

fn failure(service: &impl Service, fault: Option<&Fault>) -> Answer {
    let status = fault.and_then(|fault| fault.status).unwrap_or(500);
    match fault.and_then(|fault| fault.body.as_ref()) {
        Some(Value::String(text)) => Answer::text(status, text),
        Some(body) => Answer::json(status, body),
        None => service.failure(status, fault.and_then(|fault| fault.code.as_deref())),
    }
}
