//! Certificates, good and bad, made anew for each server.

use std::sync::{Arc, LazyLock};

use anyhow::Context as _;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio_rustls::TlsAcceptor;

/// How a server speaks TLS. Its own authority's certificate, where it has one that clients may trust, is in the
/// file [`super::WebServer::ca_file`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// A certificate for `localhost` and 127.0.0.1, signed by the authority.
    Valid,
    /// As `Valid`, but its time is over.
    Expired,
    /// As `Valid`, but for `another.example`.
    WrongHost,
    /// Signed by an authority that is not in the file.
    UnknownAuthority,
    /// Signed by itself.
    SelfSigned,
    /// None: the server speaks HTTP on a port whose URL says `https`.
    NotTls,
    /// The connection is reset in answer to the client's hello.
    ResetHandshake,
}

/// What a server needs for a [`Tls`] variant.
pub(super) struct Identity {
    pub(super) ca_pem: String,
    /// None for the variants without TLS.
    pub(super) acceptor: Option<TlsAcceptor>,
}

impl Identity {
    pub(super) fn new(tls: Tls) -> anyhow::Result<Self> {
        let (ca_pem, authority) = authority("testbed authority")?;
        let host = if tls == Tls::WrongHost { "another.example" } else { "localhost" };
        let mut names = vec![host.to_owned()];
        if tls != Tls::WrongHost {
            names.push("127.0.0.1".to_owned());
        }
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, host);
        if tls == Tls::Expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate()?;
        let certificate = match tls {
            Tls::Valid | Tls::Expired | Tls::WrongHost => params.signed_by(&key, &authority)?,
            Tls::UnknownAuthority => params.signed_by(&key, &self::authority("another authority")?.1)?,
            Tls::SelfSigned => params.self_signed(&key)?,
            Tls::NotTls | Tls::ResetHandshake => {
                return Ok(Self { ca_pem, acceptor: None });
            }
        };
        let acceptor = acceptor(certificate.der().clone(), &key).context("the server's TLS configuration")?;
        Ok(Self { ca_pem, acceptor: Some(acceptor) })
    }
}

/// An authority's certificate, and a certificate for `localhost` and 127.0.0.1 that it has signed with its key, each in PEM.
pub(crate) fn pems() -> anyhow::Result<[String; 3]> {
    let (ca, authority) = authority("testbed authority")?;
    let key = KeyPair::generate()?;
    let params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    Ok([ca, params.signed_by(&key, &authority)?.pem(), key.serialize_pem()])
}

/// The certificate of an authority that signs nothing, in PEM: programs that read the hundred and more of a machine take a tenth of their
/// time for it.
///
/// # Panics
/// If it cannot be made.
#[must_use]
pub fn some_authority() -> &'static str {
    static PEM: LazyLock<String> = LazyLock::new(|| authority("an authority that signs nothing").unwrap().0);
    &PEM
}

fn authority(name: &str) -> anyhow::Result<(String, Issuer<'static, KeyPair>)> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate()?;
    let pem = params.self_signed(&key)?.pem();
    Ok((pem, Issuer::new(params, key)))
}

fn acceptor(certificate: CertificateDer<'static>, key: &KeyPair) -> anyhow::Result<TlsAcceptor> {
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
