//! Uploads of assets. GitHub has a host of its own for them, which a release names; the file streams, and is never whole in memory.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body::Frame;
use http_body_util::StreamBody;
use sha2::{Digest as _, Sha256};
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use url::Url;

use super::client::{Github, read_answer, read_body};
use super::error::GithubError;
use super::releases::{Asset, Release};
use crate::calls::retry::Kind;
use crate::net;

/// Read of a file at a time.
const PART: usize = 64 * 1024;

/// A file that is to be an asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetFile {
    /// Its name in the release.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// `sha256:..`.
    pub digest: String,
}

impl AssetFile {
    /// Looks at a file, and hashes it.
    pub async fn read(name: String, path: PathBuf) -> std::io::Result<Self> {
        let (mut hash, mut size) = (Sha256::new(), 0);
        let mut file = File::open(&path).await?;
        let mut part = vec![0; PART];
        loop {
            let read = file.read(&mut part).await?;
            if read == 0 {
                break;
            }
            hash.update(&part[..read]);
            size += u64::try_from(read).unwrap_or_default();
        }
        Ok(Self { name, path, size, digest: format!("sha256:{:x}", hash.finalize()) })
    }

    /// Whether an asset is this file. A server that tells no digest is believed by the size.
    #[must_use]
    pub fn is(&self, asset: &Asset) -> bool {
        let same = asset.digest.as_ref().is_none_or(|digest| *digest == self.digest);
        asset.state == "uploaded" && asset.name == self.name && asset.size == self.size && same
    }
}

impl Github {
    /// Uploads a file. Sent once: an upload that broke off leaves an asset in the state `open` behind, which has to be deleted.
    /// <https://docs.github.com/en/rest/releases/assets#upload-a-release-asset>
    pub async fn upload_asset(&self, what: &str, release: &Release, file: &AssetFile) -> Result<Asset> {
        let mut url = upload_url(&self.base, &release.upload_url)?;
        url.query_pairs_mut().append_pair("name", &file.name);
        // Bounded by the deadline of the step: a large file takes its time.
        let http = net::client()?.build()?;
        let sent = async || {
            let broken = |error: &(dyn std::error::Error + 'static)| GithubError::broken(what, error);
            let content = File::open(&file.path).await.map_err(|error| broken(&error))?;
            let request = http
                .post(url.clone())
                .bearer_auth(self.token.expose())
                .header(CONTENT_TYPE, "application/octet-stream")
                .header(CONTENT_LENGTH, file.size)
                .body(body(content));
            let answer = request.send().await.map_err(|error| broken(&error))?;
            read_body(what, answer.into()).await
        };
        let answer = self.calls.write(what, Kind::Once, sent).await?;
        read_answer(what, answer)
    }
}

fn body(content: File) -> reqwest::Body {
    let parts = stream::try_unfold(content, async |mut content| {
        let mut part = vec![0; PART];
        let read = content.read(&mut part).await?;
        part.truncate(read);
        let more = (read > 0).then(|| (Frame::data(Bytes::from(part)), content));
        Ok::<_, std::io::Error>(more)
    });
    reqwest::Body::wrap(StreamBody::new(Box::pin(parts)))
}

/// Where assets go, from the template that a release gives. The token goes only where it belongs: to the API's own host, as on
/// Enterprise Server, or to `uploads.` beside `api.`.
fn upload_url(base: &Url, template: &str) -> Result<Url> {
    let place = template.split('{').next().unwrap_or_default();
    let url = Url::parse(place).context("read the upload address of the release")?;
    let host = |url: &Url| url.host_str().unwrap_or_default().to_owned();
    let own = host(base);
    let beside = own.strip_prefix("api.").map(|rest| format!("uploads.{rest}"));
    let same = (url.scheme(), url.port_or_known_default()) == (base.scheme(), base.port_or_known_default());
    ensure!(
        same && (host(&url) == own || Some(host(&url)) == beside),
        "the release wants its assets at {}, which does not belong to {own}: the token is not sent there",
        host(&url)
    );
    Ok(url)
}

/// The name of an asset of this path: GitHub would write others anew, with dots in them.
#[must_use]
pub fn asset_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let good = name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    (good && !name.starts_with('.') && !name.ends_with('.')).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_goes_to_the_host_of_the_api_or_to_uploads_beside_it() {
        let table = [
            ("https://api.github.com", "https://uploads.github.com/repos/o/a/releases/1/assets{?name,label}", true),
            ("https://api.acme.ghe.com", "https://uploads.acme.ghe.com/repos/o/a/releases/1/assets{?name,label}", true),
            ("https://ghe.example/api/v3", "https://ghe.example/api/uploads/repos/o/a/releases/1/assets", true),
            ("https://api.github.com", "https://uploads.github.com.evil.example/x", false),
            ("https://api.github.com", "http://uploads.github.com/x", false),
            ("https://api.github.com", "https://uploads.github.com:8443/x", false),
            ("https://ghe.example/api/v3", "https://uploads.ghe.example/x", false),
            ("https://api.github.com", "no address", false),
        ];
        for (base, template, good) in table {
            let url = upload_url(&Url::parse(base).unwrap(), template);
            assert_eq!(url.is_ok(), good, "{base} {template}: {url:?}");
        }
    }

    #[test]
    fn a_name_is_kept_or_refused() {
        let name = |path: &str| asset_name(Path::new(path));
        assert_eq!(name("dist/app_1.2-x.zip"), Some("app_1.2-x.zip".to_owned()));
        for other in ["", ".env", "a b.zip", "ü.zip", "dist/..", "a."] {
            assert_eq!(name(other), None, "{other}");
        }
    }
}
