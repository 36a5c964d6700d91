//! One set of trusted roots, one user agent and one idea of proxies for all HTTP clients: AWS, GitHub, health checks.

pub(crate) mod address;
mod clock;
pub mod download;
pub(crate) mod failure;
pub mod retry_after;
pub mod webhook;

pub use clock::Clock;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, Result};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// How long making a connection may take.
pub const CONNECT: Duration = Duration::from_secs(3);

/// What we call ourselves.
pub const USER_AGENT: &str = concat!("deploy-action/", env!("CARGO_PKG_VERSION"));

/// The roots of the machine (`SSL_CERT_FILE`, `SSL_CERT_DIR`, else the system's), plus those of `AWS_CA_BUNDLE`, which the
/// AWS command line reads and the Rust SDK does not.
fn extra_roots() -> Result<Option<Vec<u8>>> {
    let Some(bundle) = std::env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()).map(PathBuf::from) else {
        return Ok(None);
    };
    std::fs::read(&bundle).map(Some).with_context(|| format!("read AWS_CA_BUNDLE {}", bundle.display()))
}

/// The HTTP client of the AWS SDK.
pub fn aws() -> Result<SharedHttpClient> {
    let mut store = TrustStore::empty().with_native_roots(true);
    if let Some(pem) = extra_roots()? {
        store = store.with_pem_certificate(pem);
    }
    let context = TlsContext::builder().with_trust_store(store).build().context("set up TLS for AWS")?;
    Ok(Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(context.clone())
            .proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.build()
    }))
}

/// Header fields that an answer may have. The library's own limit, 100, is less than some servers send.
pub(crate) const MOST_HEADERS: usize = 1000;

/// An answer's text without the byte order mark that some servers (IIS, PHP) put before it: no JSON begins with it.
#[must_use]
pub fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// The beginning of every other HTTP client: our roots, no redirects, a bounded time to connect.
pub fn client() -> Result<reqwest::ClientBuilder> {
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls()?)
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .http1_max_headers(MOST_HEADERS)
        .connect_timeout(CONNECT))
}

/// Made once: to read all certificates of a machine takes longer than most calls.
pub(crate) fn tls() -> Result<rustls::ClientConfig> {
    static TLS: OnceLock<rustls::ClientConfig> = OnceLock::new();
    if let Some(made) = TLS.get() {
        return Ok(made.clone());
    }
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(pem) = extra_roots()? {
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            roots.add(certificate.context("read a certificate of AWS_CA_BUNDLE")?)?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let made = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("set up TLS")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TLS.get_or_init(|| made).clone())
}
