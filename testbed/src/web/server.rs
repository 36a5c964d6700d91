//! The scripted server: takes connections, records requests, gives the answers in turn.

use std::{
    collections::BTreeMap,
    io::Result,
    net::{Ipv4Addr, SocketAddr, TcpListener as StdListener},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tempfile::NamedTempFile;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

use super::{
    Answer, Request, Tls,
    give::{Connection, give},
    tls::Identity,
};

const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// A server about to be started: its answers and how it speaks TLS.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Site {
    answers: Vec<Answer>,
    paths: BTreeMap<String, Vec<Answer>>,
    tls: Option<Tls>,
}

impl Site {
    /// Gives these answers in turn, and the last for ever; 404 if there are none.
    pub fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self { answers: answers.into_iter().collect(), ..Self::default() }
    }

    /// Answers of a path (without query) of its own.
    pub fn path(mut self, path: &str, answers: impl IntoIterator<Item = Answer>) -> Self {
        self.paths.insert(path.to_owned(), answers.into_iter().collect());
        self
    }

    /// With TLS, or a fault in it.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Starts the server, within the current tokio runtime.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start(self) -> WebServer {
        match WebServer::open(self) {
            Ok(server) => server,
            Err(problem) => panic!("the web server cannot be started: {problem:#}"),
        }
    }
}

/// A scripted web server. Dropping it closes the port and all connections.
#[derive(Debug)]
pub struct WebServer {
    address: SocketAddr,
    tls: Option<Tls>,
    ca_file: Option<NamedTempFile>,
    shared: Arc<Shared>,
    arrivals: watch::Receiver<usize>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    started: Instant,
    site: Mutex<Site>,
    /// How many answers each script has given, by path; the script of all other paths is `None`.
    given: Mutex<BTreeMap<Option<String>, usize>>,
    requests: Mutex<Vec<Request>>,
    connections: AtomicUsize,
    sent: AtomicU64,
    arrived: watch::Sender<usize>,
}

impl WebServer {
    /// A plain server that gives these answers in turn, and the last for ever.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        Site::new(answers).start()
    }

    fn open(site: Site) -> anyhow::Result<Self> {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let listener = TcpListener::from_std(listener).context("outside of a runtime")?;
        let tls = site.tls;
        let identity = tls.map(Identity::new).transpose()?;
        let ca_file = match &identity {
            Some(identity) => {
                let file = tempfile::Builder::new().suffix(".pem").tempfile()?;
                std::fs::write(file.path(), &identity.ca_pem)?;
                Some(file)
            }
            None => None,
        };
        let (arrived, arrivals) = watch::channel(0);
        let shared = Arc::new(Shared {
            started: Instant::now(),
            site: Mutex::new(site),
            given: Mutex::default(),
            requests: Mutex::default(),
            connections: AtomicUsize::new(0),
            sent: AtomicU64::new(0),
            arrived,
        });
        let accepting = tokio::spawn(accept(listener, shared.clone(), tls, identity));
        Ok(Self { address, tls, ca_file, shared, arrivals, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, with a path that starts with `/`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", if self.tls.is_some() { "https" } else { "http" }, self.address)
    }

    /// The PEM file of its authority's certificate, for `SSL_CERT_FILE`.
    ///
    /// # Panics
    /// If it is a server without TLS.
    #[must_use]
    pub fn ca_file(&self) -> &Path {
        match &self.ca_file {
            Some(file) => file.path(),
            None => panic!("a server without TLS has no authority"),
        }
    }

    /// Replaces the answers of the script, which starts anew; scripts of paths stay as they are.
    pub fn replace(&self, answers: impl IntoIterator<Item = Answer>) {
        lock(&self.shared.site).answers = answers.into_iter().collect();
        lock(&self.shared.given).remove(&None);
    }

    /// The requests so far, in order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.shared.requests).clone()
    }

    /// The connections accepted so far, those without a request included.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// The bytes of [`Answer::huge`] bodies that clients have taken (or that wait in the system's buffers).
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::SeqCst)
    }

    /// Waits until so many requests have arrived since the start.
    ///
    /// # Panics
    /// If they have not after 30 s.
    pub async fn wait_for_requests(&self, count: usize) {
        let mut arrivals = self.arrivals.clone();
        let seen = timeout(REQUEST_LIMIT, arrivals.wait_for(|arrived| *arrived >= count)).await.is_ok();
        assert!(seen, "{} requests instead of {count}: {:?}", self.requests().len(), self.requests());
    }

    /// Asserts that each request came on a connection of its own.
    ///
    /// # Panics
    /// If two shared one.
    #[track_caller]
    pub fn assert_fresh_connections(&self) {
        let requests = self.requests();
        let mut connections: Vec<usize> = requests.iter().map(|request| request.connection).collect();
        connections.sort_unstable();
        connections.dedup();
        assert_eq!(connections.len(), requests.len(), "requests shared a connection: {requests:?}");
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn answer(&self, request: &Request) -> Answer {
        let site = lock(&self.site);
        let path = site.paths.contains_key(request.path()).then(|| request.path().to_owned());
        let script = path.as_ref().and_then(|path| site.paths.get(path)).unwrap_or(&site.answers);
        let mut given = lock(&self.given);
        let turn = given.entry(path).or_default();
        let answer = script.get(*turn).or(script.last()).cloned();
        *turn += 1;
        answer.unwrap_or_else(|| Answer::status(404))
    }

    fn record(&self, mut request: Request, connection: usize) -> Request {
        request.connection = connection;
        request.at = self.started.elapsed();
        lock(&self.requests).push(request.clone());
        self.arrived.send_modify(|arrived| *arrived += 1);
        request
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, tls: Option<Tls>, identity: Option<Identity>) {
    let acceptor = identity.and_then(|identity| identity.acceptor);
    let mut open = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let (shared, acceptor) = (shared.clone(), acceptor.clone());
        let number = shared.connections.fetch_add(1, Ordering::SeqCst) + 1;
        open.spawn(async move {
            match (tls, acceptor) {
                (None, _) => serve(stream, number, &shared).await,
                (_, Some(acceptor)) => match acceptor.accept(stream).await {
                    Ok(stream) => serve(stream, number, &shared).await,
                    Err(_) => Ok(()),
                },
                (Some(fault), None) => refuse_tls(stream, fault).await,
            }
        });
        while open.try_join_next().is_some() {}
    }
}

/// Takes the client's hello, and answers it in plain HTTP or by a reset.
async fn refuse_tls(mut stream: TcpStream, fault: Tls) -> Result<()> {
    let mut hello = vec![0; 4096];
    let _ = stream.read(&mut hello).await?;
    if fault == Tls::ResetHandshake {
        return stream.set_zero_linger();
    }
    stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await?;
    stream.shutdown().await
}

/// Serves a connection until one side ends it.
async fn serve(mut stream: impl Connection, number: usize, shared: &Shared) -> Result<()> {
    let mut buffer = Vec::new();
    while let Some(request) = Request::read(&mut stream, &mut buffer).await {
        let request = shared.record(request, number);
        let answer = shared.answer(&request);
        sleep(answer.delay).await;
        if !give(&mut stream, &answer, &request, &shared.sent).await? {
            break;
        }
    }
    stream.shutdown().await
}
