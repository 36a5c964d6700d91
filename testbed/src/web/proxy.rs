//! An HTTP proxy that records what it is asked: `CONNECT` for https, whole URLs for http (RFC 9112, 3.2).

use std::{fmt::Write as _, io::Result, net::SocketAddr, ops::Deref, sync::Arc};

use tokio::{
    io::{AsyncWriteExt as _, copy_bidirectional},
    net::TcpStream,
};

use super::http::read;
use crate::wire::{Log, Port, Server};

/// A proxy. Dropping it closes the port and all connections. The target of its requests is a whole URL, or host and port with
/// the method `CONNECT`.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    server: Server,
}

#[derive(Debug)]
struct Shared {
    log: Log,
    /// 407 to everything.
    refuses: bool,
    /// Where all connections go, whatever the host asked for.
    target: Option<SocketAddr>,
}

impl Proxy {
    /// A proxy that connects to whatever it is asked for.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start() -> Self {
        Self::open(false, None)
    }

    /// A proxy that connects to one server, whatever host it is asked for: names need not resolve.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn to(server: SocketAddr) -> Self {
        Self::open(false, Some(server))
    }

    /// A proxy that answers everything with 407: it wants credentials, and takes none.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn refusing() -> Self {
        Self::open(true, None)
    }

    fn open(refuses: bool, target: Option<SocketAddr>) -> Self {
        let port = match Port::open() {
            Ok(port) => port,
            Err(problem) => panic!("the proxy cannot be started: {problem}"),
        };
        let shared = Arc::new(Shared { log: Log::default(), refuses, target });
        let own = Arc::clone(&shared);
        let server = Server::start(port, move |client| {
            let shared = Arc::clone(&own);
            async move {
                // An error here is a connection that one side ended early.
                let _ = serve(client, &shared).await;
            }
        });
        Self { shared, server }
    }

    /// Its URL, for `HTTP_PROXY` and `HTTPS_PROXY`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }
}

impl Deref for Proxy {
    type Target = Log;

    fn deref(&self) -> &Log {
        &self.shared.log
    }
}

async fn serve(mut client: TcpStream, shared: &Shared) -> Result<()> {
    let connection = shared.log.connect();
    let mut buffer = Vec::new();
    let Some(mut request) = read(&mut client, &mut buffer).await else {
        return Ok(());
    };
    request.connection = connection;
    shared.log.note_whole(&mut request);
    if shared.refuses {
        let challenge = "Proxy-Authenticate: Basic realm=\"testbed\"\r\nContent-Length: 0\r\nConnection: close";
        return end(&mut client, &format!("407 Proxy Authentication Required\r\n{challenge}")).await;
    }
    let connects = request.method == "CONNECT";
    let (host, path) = if connects {
        (request.target.clone(), String::new())
    } else {
        let rest = request.target.strip_prefix("http://").unwrap_or(&request.target);
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
        (host, format!("/{path}"))
    };
    let server = match shared.target {
        Some(address) => TcpStream::connect(address).await,
        None => TcpStream::connect(&host).await,
    };
    let Ok(mut server) = server else {
        return end(&mut client, "502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close").await;
    };
    if connects {
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    } else {
        // One request per connection, so that the next one is seen, too.
        let mut head = format!("{} {path} HTTP/1.1\r\nConnection: close\r\n", request.method);
        for (name, value) in &request.headers {
            if !name.eq_ignore_ascii_case("connection") && !name.to_ascii_lowercase().starts_with("proxy-") {
                let _ = write!(head, "{name}: {value}\r\n");
            }
        }
        server.write_all((head + "\r\n").as_bytes()).await?;
        server.write_all(&request.body).await?;
    }
    server.write_all(&buffer).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

async fn end(client: &mut TcpStream, head: &str) -> Result<()> {
    client.write_all(format!("HTTP/1.1 {head}\r\n\r\n").as_bytes()).await?;
    client.shutdown().await
}
