//! A server far away: what is sent to it, and what it answers, takes its time on the way, and no bandwidth is lost. Each runs on a thread of
//! its own: what passes another one does not wait for it.

use std::net::TcpListener as Listener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

/// What is on its way in one direction at the most, of one connection, in pieces of 64 KiB.
const UNDERWAY: usize = 256;
const PIECE: usize = 64 * 1024;
/// How a request of a registry begins.
const METHODS: [&[u8]; 6] = [b"GET /v2/", b"HEAD /v2/", b"PUT /v2/", b"POST /v2/", b"PATCH /v2/", b"DELETE /v2/"];

/// A place before a server. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Distance {
    host: String,
    requests: Arc<AtomicU32>,
    /// The thread ends when this is dropped.
    _open: oneshot::Sender<()>,
}

impl Distance {
    /// Before this server, with so many milliseconds of round trip.
    pub(super) fn before(host: &str, round_trip: u64) -> Result<Self> {
        let listener = Listener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let (own, host) = (listener.local_addr()?.to_string(), host.to_owned());
        let requests = Arc::new(AtomicU32::new(0));
        let (counted, one_way) = (Arc::clone(&requests), Duration::from_millis(round_trip) / 2);
        let runtime = Builder::new_current_thread().enable_all().build().context("make a place far away")?;
        let (open, closed) = oneshot::channel::<()>();
        thread::spawn(move || {
            runtime.block_on(async move {
                tokio::select! {
                    _ = closed => {}
                    _ = accept(listener, host, one_way, counted) => {}
                }
            });
        });
        Ok(Self { host: own, requests, _open: open })
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// How many have passed.
    pub(super) fn requests(&self) -> u32 {
        self.requests.load(Ordering::Relaxed)
    }
}

async fn accept(listener: Listener, host: String, one_way: Duration, counted: Arc<AtomicU32>) -> Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (near, _) = listener.accept().await?;
        let (host, counted) = (host.clone(), Arc::clone(&counted));
        tokio::spawn(async move {
            // A connection takes a round trip to make.
            tokio::time::sleep(one_way * 2).await;
            let Ok(far) = TcpStream::connect(&host).await else { return };
            let _small = (near.set_nodelay(true), far.set_nodelay(true));
            let (from_near, to_near) = near.into_split();
            let (from_far, to_far) = far.into_split();
            tokio::join!(carry(from_near, to_far, one_way, Some(counted)), carry(from_far, to_near, one_way, None));
        });
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin + Send,
    mut to: impl AsyncWrite + Unpin + Send,
    time: Duration,
    counted: Option<Arc<AtomicU32>>,
) {
    let (sender, mut underway) = mpsc::channel::<(Instant, Vec<u8>)>(UNDERWAY);
    let reads = async move {
        let mut piece = vec![0; PIECE];
        while let Ok(length @ 1..) = from.read(&mut piece).await {
            let bytes = &piece[..length];
            if let Some(counted) = counted.as_ref().filter(|_| METHODS.iter().any(|method| bytes.starts_with(method))) {
                counted.fetch_add(1, Ordering::Relaxed);
            }
            if sender.send((Instant::now() + time, bytes.to_vec())).await.is_err() {
                return;
            }
        }
    };
    let writes = async move {
        while let Some((due, bytes)) = underway.recv().await {
            sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        let _closed = to.shutdown().await;
    };
    tokio::join!(reads, writes);
}
