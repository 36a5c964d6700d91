//! What went wrong with a request, out of reqwest's chain of errors.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};

use rustls::{AlertDescription, CertificateError};

use super::MOST_HEADERS;
use super::address::Refused;
use crate::text::message_str;

/// Kinds of trouble, the values of the output `last-error-class`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The name did not resolve.
    Dns,
    /// No connection, or it broke, or the address may not be asked.
    Connect,
    /// No trust, or no TLS.
    Tls,
    /// No whole answer in time.
    Timeout,
    /// The wrong status, or the function failed.
    Status,
    /// The wrong body, or an answer that cannot be read.
    Body,
    /// The wrong version, or none.
    Version,
    /// All as expected, but too slow.
    Latency,
    /// The proxy in between refused.
    Proxy,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Status => "status",
            Self::Body => "body",
            Self::Version => "version",
            Self::Latency => "latency",
            Self::Proxy => "proxy",
        })
    }
}

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Its kind.
    pub(crate) class: Class,
    /// What happened, in one line.
    pub(crate) problem: String,
    /// What would end the check if it came often in a row: a hopeless status, a certificate that is not trusted.
    pub(crate) hopeless: Option<String>,
    /// True when asking again is out of the question.
    pub(crate) forbidden: bool,
}

impl Fault {
    /// One that may pass by itself.
    pub(crate) fn new(class: Class, problem: impl Into<String>) -> Self {
        Self { class, problem: problem.into(), hopeless: None, forbidden: false }
    }

    /// An address that is never asked.
    pub(crate) fn forbidden(refused: &Refused) -> Self {
        Self { forbidden: true, ..Self::new(Class::Connect, refused.to_string()) }
    }

    /// One that rarely passes by itself.
    fn hopeless(class: Class, problem: &str) -> Self {
        Self { hopeless: Some(problem.to_owned()), ..Self::new(class, problem) }
    }
}

/// Reads an error of reqwest. `secure` is true for https.
pub(crate) fn of_request(error: &reqwest::Error, secure: bool) -> Fault {
    let chain = Chain::of(error);
    if let Some(refused) = chain.find::<Refused>() {
        return Fault::forbidden(refused);
    }
    if let Some(fault) = chain.find::<rustls::Error>().map(of_tls) {
        return fault;
    }
    let words = chain.words();
    if words.contains("tunnel error") {
        return of_tunnel(&words);
    }
    if words.contains("dns error") || words.contains("failed to lookup") {
        return Fault::new(Class::Dns, message_str!("name-not-resolved", "the name does not resolve"));
    }
    // The library keeps the type of its own error to itself.
    if words.contains("message head is too large") {
        return Fault::new(
            Class::Body,
            format!(
                "the head of the answer is too large to be read: it has more than {MOST_HEADERS} fields, or 400 KB"
            ),
        );
    }
    if error.is_timeout() {
        let what = if error.is_connect() { "no connection in time" } else { "no whole answer in time" };
        return Fault::new(Class::Timeout, what);
    }
    let kind = chain.find::<io::Error>().map(io::Error::kind);
    match kind {
        Some(ErrorKind::ConnectionRefused) => Fault::new(Class::Connect, "the connection was refused"),
        Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof)
            if error.is_connect() && secure =>
        {
            Fault::new(Class::Tls, "the connection was cut off during the TLS handshake")
        }
        Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {
            Fault::new(Class::Connect, "the connection was reset")
        }
        Some(ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable) => {
            Fault::new(Class::Connect, "there is no route to the address")
        }
        _ if error.is_connect() => Fault::new(Class::Connect, format!("no connection: {words}")),
        _ => Fault::new(Class::Connect, format!("the connection broke: {words}")),
    }
}

/// A tunnel through a proxy; the library keeps its error's type to itself.
fn of_tunnel(words: &str) -> Fault {
    let problem = if words.contains("proxy authorization required") {
        "the proxy asks for credentials (407)".to_owned()
    } else if let Some((_, cause)) = words.split_once("failed to create underlying connection: ") {
        format!("the proxy cannot be reached: {cause}")
    } else {
        format!("the proxy opens no tunnel: {}", words.split_once("tunnel error: ").map_or(words, |(_, cause)| cause))
    };
    Fault::new(Class::Proxy, problem)
}

fn of_tls(error: &rustls::Error) -> Fault {
    use rustls::Error as Tls;
    match error {
        Tls::InvalidCertificate(error) => Fault::hopeless(Class::Tls, of_certificate(error)),
        Tls::NoCertificatesPresented => Fault::hopeless(Class::Tls, "the server shows no certificate"),
        Tls::InvalidMessage(_) => Fault::hopeless(Class::Tls, "the server does not speak TLS on this port"),
        Tls::AlertReceived(AlertDescription::UnrecognisedName) => {
            Fault::hopeless(Class::Tls, "the server knows no certificate for this host name")
        }
        Tls::AlertReceived(AlertDescription::ProtocolVersion) | Tls::PeerIncompatible(_) => {
            Fault::hopeless(Class::Tls, "the server speaks no version of TLS from 1.2 on")
        }
        other => Fault::new(Class::Tls, format!("the TLS handshake failed: {other}")),
    }
}

fn of_certificate(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "the certificate has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate is for another host name"
        }
        CertificateError::UnknownIssuer => {
            message_str!(
                "untrusted-certificate",
                "the certificate is signed by itself, or by an authority that is not trusted here"
            )
        }
        CertificateError::Revoked => "the certificate was revoked",
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "the certificate is signed by itself"
        }
        _ => "the certificate is not valid",
    }
}

/// Every error in a chain, the ones inside `io::Error` included, which their `source` leaves out.
struct Chain<'a>(Vec<&'a (dyn Error + 'static)>);

impl<'a> Chain<'a> {
    fn of(error: &'a (dyn Error + 'static)) -> Self {
        let mut chain = Vec::new();
        let mut next = Some(error);
        while let Some(error) = next {
            chain.push(error);
            let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            next = match inner {
                Some(inner) => Some(inner as &(dyn Error + 'static)),
                None => error.source(),
            };
        }
        Self(chain)
    }

    fn find<E: Error + 'static>(&self) -> Option<&'a E> {
        self.0.iter().rev().find_map(|error| error.downcast_ref())
    }

    /// All but the first, which only repeats the URL.
    fn words(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        for error in self.0.iter().skip(1) {
            let error = error.to_string();
            if !words.iter().any(|word| word.contains(&error)) {
                words.push(error);
            }
        }
        words.join(": ")
    }
}
