//! A viewer of a site: what users are answered.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::distribution::url_path;
use crate::calls::Calls;
use crate::net;
use crate::net::address::{Guarded, System, check_literal};
use crate::net::failure;

/// An answer may take this long.
const PATIENCE: Duration = Duration::from_secs(10);
/// A larger answer is not read.
const LARGEST: usize = 32 * 1024 * 1024;

/// An answer.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: String,
    /// The body, as it is kept.
    pub body: Vec<u8>,
}

impl Seen {
    /// The hash of the body, in hexadecimal digits.
    #[must_use]
    pub fn sha256(&self) -> String {
        format!("{:x}", Sha256::digest(&self.body))
    }
}

/// Somebody who reads a site at an address.
#[derive(Clone, Debug)]
pub struct Viewer {
    root: Url,
    client: reqwest::Client,
}

impl Viewer {
    /// A viewer of the site at this address.
    ///
    /// # Errors
    /// HTTP cannot be set up.
    pub fn of(root: &Url) -> Result<Self> {
        let client = net::client()?
            .dns_resolver(Arc::new(Guarded(Arc::new(System))))
            .timeout(PATIENCE)
            .retry(reqwest::retry::never())
            .build()
            .context("set up HTTP for the site")?;
        Ok(Self { root: root.clone(), client })
    }

    /// Where it looks.
    #[must_use]
    pub fn root(&self) -> &str {
        self.root.as_str()
    }

    /// Reads a path of the site once. The path has no slash at its beginning.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn see(&self, calls: &Calls, path: &str) -> Result<Seen> {
        let mut url = self.root.clone();
        let below = format!("{}{}", url.path().trim_end_matches('/'), url_path(path));
        url.set_path(&below);
        check_literal(&url).map_err(|refused| anyhow!("{}", failure::Fault::forbidden(&refused).problem))?;
        let asked = async {
            let mut answer = self.client.get(url.clone()).send().await?;
            let status = answer.status().as_u16();
            let content_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
            let content_type = content_type.unwrap_or_default().to_owned();
            let mut body = Vec::new();
            while let Some(part) = answer.chunk().await? {
                body.extend_from_slice(&part);
                if body.len() > LARGEST {
                    break;
                }
            }
            Ok::<_, reqwest::Error>(Seen { status, content_type, body })
        };
        let seen = calls.deadline.read(asked).await?;
        seen.map_err(|error| anyhow!("{}", failure::of_request(&error, url.scheme() == "https").problem))
    }
}
