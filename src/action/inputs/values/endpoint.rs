//! Where a registry is reached.

use std::fmt;
use std::str::FromStr;

use super::{HttpUrl, input_value};

/// Where to reach a registry: a line of the input `registry-endpoint`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryEndpoint {
    /// The registry's host, as images name it.
    pub host: String,
    /// The address to connect to.
    pub url: HttpUrl,
}

impl FromStr for RegistryEndpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "must be `host=url`, the URL without a path".to_owned();
        let (host, url) = text.split_once('=').ok_or_else(wrong)?;
        let (host, url): (&str, HttpUrl) = (host.trim(), url.trim().parse().map_err(|_error: String| wrong())?);
        let bare = url.0.path() == "/" && url.0.query().is_none() && url.0.fragment().is_none();
        if is_host_name(host) && bare { Ok(Self { host: host.to_owned(), url }) } else { Err(wrong()) }
    }
}

impl fmt::Display for RegistryEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.host, self.url)
    }
}

input_value!(RegistryEndpoint, "`host=url`", "ghcr.io=https://registry-proxy.example.com");

/// Characters of a host and its port.
#[must_use]
pub fn is_host_name(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:".contains(&b))
}
