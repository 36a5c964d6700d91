//! Fetching what AWS signs a URL for: a part of an image, the code of a function.

use std::time::Duration;

use anyhow::Result;
use thiserror::Error;

use crate::calls::{Again, Calls, ServiceError};
use crate::net;

/// A download that failed.
#[derive(Debug, Error)]
#[error("download: {message}")]
struct DownloadError {
    message: String,
    again: Again,
    is_too_large: bool,
}

/// True when a download was given up because there is more than was asked for.
#[must_use]
pub fn is_too_large(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<DownloadError>()).any(|error| error.is_too_large)
}

impl ServiceError for DownloadError {
    fn again(&self) -> Again {
        self.again
    }
}

/// Fetches at most `most` bytes, each attempt in this time. The URL is signed, and whoever has it may read: it is never printed.
pub async fn download(calls: &Calls, url: &str, most: u64, time: Duration) -> Result<Vec<u8>> {
    let http = net::client()?.timeout(time).build()?;
    calls.read("download", async || fetch(&http, url, most).await).await
}

async fn fetch(http: &reqwest::Client, url: &str, most: u64) -> Result<Vec<u8>, DownloadError> {
    let broken = |error: reqwest::Error| download_error(error.without_url().to_string(), Again::Broken);
    let mut answer = http.get(url).send().await.map_err(broken)?;
    let status = answer.status();
    if !status.is_success() {
        let again = if status.is_server_error() { Again::Broken } else { Again::No };
        return Err(download_error(format!("it answered {status}"), again));
    }
    let mut content = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(broken)? {
        content.extend_from_slice(&part);
        if content.len() as u64 > most {
            let larger = download_error(format!("it is larger than {most} bytes"), Again::No);
            return Err(DownloadError { is_too_large: true, ..larger });
        }
    }
    Ok(content)
}

fn download_error(message: String, again: Again) -> DownloadError {
    DownloadError { message, again, is_too_large: false }
}
