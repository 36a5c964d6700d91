//! Writing an answer to a connection.

use std::{
    fmt::Write as _,
    io::Result,
    sync::atomic::{AtomicU64, Ordering},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::sleep,
};
use tokio_rustls::server::TlsStream;

use super::answer::{Answer, Kind};
use crate::wire::Request;

/// A connection, and the socket under it.
pub(super) trait Connection: AsyncRead + AsyncWrite + Unpin {
    fn socket(&self) -> &TcpStream;
}

impl Connection for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Connection for TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// Gives one answer; whether the connection goes on.
pub(super) async fn give(
    stream: &mut impl Connection,
    answer: &Answer,
    request: &Request,
    sent: &AtomicU64,
) -> Result<bool> {
    match &answer.kind {
        Kind::Hang => std::future::pending::<()>().await,
        Kind::Reset => {
            stream.socket().set_zero_linger()?;
            return Err(std::io::ErrorKind::ConnectionReset.into());
        }
        Kind::Close => return Ok(false),
        _ => {}
    }
    let length = match &answer.kind {
        Kind::Plain(body) => Some(body.len() as u64),
        Kind::Claiming(length, _) => Some(*length),
        _ => None,
    };
    let closing =
        |name: &str, value: &str| name.eq_ignore_ascii_case("connection") && value.eq_ignore_ascii_case("close");
    let said = answer.headers.iter().any(|(name, value)| closing(name, value));
    let closes = said || request.headers.iter().any(|(name, value)| closing(name, value));
    let mut head = format!("HTTP/1.1 {} {}\r\n", answer.status, reason(answer.status));
    for (name, value) in &answer.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let _ = match length {
        // These have neither body nor length.
        Some(_) if matches!(answer.status, 204 | 304) => Ok(()),
        Some(length) => write!(head, "Content-Length: {length}\r\n"),
        None => write!(head, "Transfer-Encoding: chunked\r\n"),
    };
    head += if closes && !said { "Connection: close\r\n\r\n" } else { "\r\n" };
    stream.write_all(head.as_bytes()).await?;
    if request.method == "HEAD" {
        return Ok(!closes);
    }
    match &answer.kind {
        Kind::Plain(body) | Kind::Claiming(_, body) => {
            stream.write_all(body).await?;
            sent.fetch_add(body.len() as u64, Ordering::Relaxed);
            if matches!(answer.kind, Kind::Claiming(..)) {
                return Ok(false);
            }
        }
        Kind::Chunked(body) => {
            for part in body.chunks(7) {
                chunk(stream, part, sent).await?;
            }
            chunk(stream, b"", sent).await?;
        }
        Kind::Huge(bytes) => {
            let block = vec![b'x'; 64 * 1024];
            let mut left = *bytes;
            while left > 0 {
                let size = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
                chunk(stream, &block[..size], sent).await?;
                left -= size as u64;
            }
            chunk(stream, b"", sent).await?;
        }
        Kind::Drip(interval) => loop {
            chunk(stream, b"x", sent).await?;
            sleep(*interval).await;
        },
        Kind::Hang | Kind::Reset | Kind::Close => {}
    }
    stream.flush().await?;
    Ok(!closes)
}

/// One chunk; the empty one is the last.
async fn chunk(stream: &mut impl Connection, data: &[u8], sent: &AtomicU64) -> Result<()> {
    let head = format!("{:x}\r\n", data.len());
    stream.write_all(&[head.as_bytes(), data, b"\r\n"].concat()).await?;
    sent.fetch_add(data.len() as u64, Ordering::Relaxed);
    stream.flush().await
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}
