//! A plain client of registries: it does what it is told, and follows nothing by itself.

use reqwest::{Client, Method, redirect::Policy};
use serde_json::Value;

/// How the client says who it is.
#[derive(Clone, Debug)]
pub(crate) enum Auth {
    None,
    Basic(String, String),
    /// User and password for the token endpoint that a challenge names.
    Bearer(String, String),
}

/// A registry and who asks it.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) url: String,
    /// The `Host` that is sent, where it is not that of the URL.
    pub(crate) host: Option<String>,
    pub(crate) auth: Auth,
    pub(crate) client: Client,
}

#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    headers: reqwest::header::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The code of the first error.
    pub(crate) fn code(&self) -> String {
        self.json()["errors"][0]["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl Peer {
    pub(crate) fn new(host: &str, auth: Auth) -> Self {
        // A second installation fails, and does not matter.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { url: format!("http://{host}"), host: None, auth, client }
    }

    pub(crate) fn of(registry: &testbed::registry::Registry) -> Self {
        let (user, password) = registry.credentials();
        let auth = if user == "AWS" { Auth::Basic(user, password) } else { Auth::Bearer(user, password) };
        Self::new(registry.host(), auth)
    }

    /// A request with credentials, and once more with a token if it is asked for.
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Got {
        let mut got = self.once(method, path, headers, body, None).await.unwrap();
        if let (401, Auth::Bearer(..)) = (got.status, &self.auth) {
            let token = self.token(got.header("www-authenticate")).await.json()["token"].as_str().unwrap().to_owned();
            got = self.once(method, path, headers, body, Some(&token)).await.unwrap();
        }
        got
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.send("GET", path, &[("accept", "*/*")], &[]).await
    }

    /// One request; a token goes before other credentials.
    pub(crate) async fn once(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        token: Option<&str>,
    ) -> reqwest::Result<Got> {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        let mut request = self.client.request(Method::from_bytes(method.as_bytes()).unwrap(), url);
        request = match (&self.auth, token) {
            (_, Some(token)) => request.bearer_auth(token),
            (Auth::Basic(user, password), None) => request.basic_auth(user, Some(password)),
            _ => request,
        };
        if let Some(host) = &self.host {
            request = request.header("host", host);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !matches!(method, "GET" | "HEAD") {
            request = request.body(body.to_vec());
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Got { status, headers, body: response.bytes().await?.to_vec() })
    }

    /// What the token endpoint of a challenge answers.
    pub(crate) async fn token(&self, challenge: &str) -> Got {
        let part = |name: &str| {
            let (_, rest) = challenge.split_once(&format!("{name}=\""))?;
            rest.split('"').next()
        };
        let url =
            format!("{}?service={}&scope={}", part("realm").unwrap(), part("service").unwrap(), part("scope").unwrap());
        let Auth::Bearer(user, password) = &self.auth else { panic!("no credentials for tokens") };
        let response = self.client.get(url).basic_auth(user, Some(password)).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Got { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    /// Where an upload of this repository goes on.
    pub(crate) async fn begin(&self, repository: &str, query: &str) -> Got {
        self.send("POST", &format!("/v2/{repository}/blobs/uploads/{query}"), &[], &[]).await
    }

    pub(crate) async fn upload(&self, repository: &str, content: &[u8]) -> Got {
        let begun = self.begin(repository, "").await;
        assert_eq!(begun.status, 202, "{}", String::from_utf8_lossy(&begun.body));
        self.send("PUT", &with_digest(begun.header("location"), content), &[], content).await
    }

    pub(crate) async fn put(&self, repository: &str, reference: &str, kind: &str, manifest: &str) -> Got {
        let path = format!("/v2/{repository}/manifests/{reference}");
        self.send("PUT", &path, &[("content-type", kind)], manifest.as_bytes()).await
    }

    /// Downloads a blob, from where it is redirected to if it is.
    pub(crate) async fn download(&self, repository: &str, digest: &str, headers: &[(&str, &str)]) -> Got {
        let got = self.send("GET", &format!("/v2/{repository}/blobs/{digest}"), headers, &[]).await;
        if got.status != 307 {
            return got;
        }
        let stranger = Self { auth: Auth::None, host: None, ..self.clone() };
        stranger.once("GET", got.header("location"), headers, &[], None).await.unwrap()
    }
}

/// The place of an upload, with the digest that ends it.
pub(crate) fn with_digest(location: &str, content: &[u8]) -> String {
    let separator = if location.contains('?') { '&' } else { '?' };
    format!("{location}{separator}digest={}", testbed::registry::digest(content))
}
