//! Places where nobody answers.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    time::timeout,
};

/// A URL whose host name never resolves (RFC 6761, 6.4).
pub const UNRESOLVABLE_URL: &str = "http://does-not-exist.invalid/";

/// A port that refuses connections, and stays free of others while this lives: bound, but not listening.
#[derive(Debug)]
pub struct RefusedPort {
    _socket: TcpSocket,
    address: SocketAddr,
}

impl RefusedPort {
    /// Takes a free port.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn new() -> Self {
        let bound = || {
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
            let address = socket.local_addr()?;
            std::io::Result::Ok(Self { _socket: socket, address })
        };
        match bound() {
            Ok(port) => port,
            Err(problem) => panic!("no free port: {problem}"),
        }
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

impl Default for RefusedPort {
    fn default() -> Self {
        Self::new()
    }
}

/// A port whose connections neither succeed nor fail: its queue of connections to accept is full.
#[derive(Debug)]
pub struct Blackhole {
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
    address: SocketAddr,
}

impl Blackhole {
    /// Opens a port and fills its queue.
    ///
    /// # Panics
    /// If that cannot be done.
    pub async fn start() -> Self {
        match Self::fill().await {
            Ok(hole) => hole,
            Err(problem) => panic!("no port that swallows connections: {problem}"),
        }
    }

    async fn fill() -> std::io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let listener = socket.listen(1)?;
        let address = listener.local_addr()?;
        let mut queue = Vec::new();
        // Linux accepts one more than the backlog says; a connection that is not made at once never will be.
        while let Ok(connection) = timeout(Duration::from_millis(500), TcpStream::connect(address)).await {
            queue.push(connection?);
        }
        Ok(Self { _listener: listener, _queue: queue, address })
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}
