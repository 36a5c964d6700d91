//! The scripted server: takes connections, records requests, gives the answers in turn.

use std::{
    collections::BTreeMap,
    io::Result,
    net::SocketAddr,
    ops::Deref,
    path::Path,
    sync::{Arc, Mutex},
};

use anyhow::Context as _;
use tempfile::NamedTempFile;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::sleep,
};

use super::{
    answer::{Answer, Kind},
    give::{Connection, give},
    http::read,
    tls::{Identity, Tls},
};
use crate::lock::lock;
use crate::wire::{Log, Port, Request, Server};

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
    tls: Option<Tls>,
    ca_file: Option<NamedTempFile>,
    shared: Arc<Shared>,
    server: Server,
}

#[derive(Debug)]
struct Shared {
    log: Log,
    site: Mutex<Site>,
    /// How many answers each script has given, by path; the script of all other paths is `None`.
    given: Mutex<BTreeMap<Option<String>, usize>>,
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
        let port = Port::open().context("no port")?;
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
        let acceptor = identity.and_then(|identity| identity.acceptor);
        let shared = Arc::new(Shared { log: Log::default(), site: Mutex::new(site), given: Mutex::default() });
        let own = Arc::clone(&shared);
        let server = Server::start(port, move |stream| {
            let (shared, acceptor) = (Arc::clone(&own), acceptor.clone());
            let connection = shared.log.connect();
            async move {
                // An error here is a connection that ended early, by our doing or the peer's.
                let _ = match (tls, acceptor) {
                    (None, _) => serve(stream, connection, &shared).await,
                    (_, Some(acceptor)) => match acceptor.accept(stream).await {
                        Ok(stream) => serve(stream, connection, &shared).await,
                        Err(_) => Ok(()),
                    },
                    (Some(fault), None) => refuse_tls(stream, fault).await,
                };
            }
        });
        Ok(Self { tls, ca_file, shared, server })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Its URL, with a path that starts with `/`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", if self.tls.is_some() { "https" } else { "http" }, self.address())
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

    /// The bytes of bodies that clients have taken (or that wait in the system's buffers).
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.requests().iter().map(|request| request.sent).sum()
    }
}

impl Deref for WebServer {
    type Target = Log;

    fn deref(&self) -> &Log {
        &self.shared.log
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
async fn serve(mut stream: impl Connection, connection: usize, shared: &Shared) -> Result<()> {
    let mut buffer = Vec::new();
    while let Some(mut request) = read(&mut stream, &mut buffer).await {
        request.connection = connection;
        let counts = shared.log.note_whole(&mut request);
        let answer = shared.answer(&request);
        sleep(answer.delay).await;
        if !matches!(answer.kind, Kind::Hang) {
            shared.log.settle(request.number, (answer.status > 0).then_some(answer.status));
        }
        if !give(&mut stream, &answer, &request, &counts.sent).await? {
            break;
        }
    }
    stream.shutdown().await
}
