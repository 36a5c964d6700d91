//! One registry on the wire: requests to its endpoint under its own name, redirects followed by hand, answers bounded.

use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, LOCATION};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use reqwest::Response;
use tokio::time::timeout;
use url::Url;

use super::endpoint::{Astray, Endpoint, Place};
use super::error::{Kind, RegistryError, label};
use crate::net;
use crate::text::{message, secrets};

/// How long an answer to a small request may take to begin, and each part of it to come.
const PATIENCE: Duration = Duration::from_mins(1);
/// Redirects followed in a row.
const REDIRECTS: usize = 5;
/// What is read of a refusal.
const REFUSAL: usize = 64 * 1024;

/// The connection to one registry.
#[derive(Debug)]
pub(super) struct Connection {
    http: reqwest::Client,
    pub(super) endpoint: Endpoint,
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Call<'c> {
    pub(super) method: Method,
    pub(super) place: Place,
    pub(super) authorization: Option<&'c HeaderValue>,
    pub(super) accept: Option<&'c str>,
    /// One more field.
    pub(super) field: Option<(HeaderName, &'c str)>,
    /// Media type and content.
    pub(super) content: Option<(&'c str, Bytes)>,
}

impl<'c> Call<'c> {
    pub(super) fn get(place: Place, authorization: Option<&'c HeaderValue>) -> Self {
        Self { method: Method::GET, place, authorization, accept: None, field: None, content: None }
    }
}

impl Connection {
    pub(super) fn new(endpoint: Endpoint) -> Result<Self> {
        let http = net::client()?.build().context("set up the registry client")?;
        Ok(Self { http, endpoint })
    }

    /// The registry's host, as images name it.
    pub(super) fn host(&self) -> &str {
        &self.endpoint.host
    }

    /// The address of a path of the API, after `/v2/`.
    pub(super) fn url(&self, path: &str) -> Url {
        self.endpoint.url(&format!("/v2/{path}"))
    }

    /// A request to the registry, under its own name wherever it is reached; or to another place, under that one's.
    fn request(&self, method: Method, place: &Place) -> reqwest::RequestBuilder {
        match place {
            Place::Own(url) => self.http.request(method, url.clone()).header(HOST, &self.endpoint.wire),
            Place::Elsewhere(url) => self.http.request(method, url.clone()),
        }
    }

    /// A `PUT` to go on with an upload. Not in time: the caller watches it move.
    pub(super) fn upload(
        &self,
        url: &Url,
        authorization: Option<&HeaderValue>,
        size: u64,
        body: reqwest::Body,
    ) -> reqwest::RequestBuilder {
        let request = self.request(Method::PUT, &Place::Own(url.clone())).body(body);
        let request = request.header(CONTENT_TYPE, "application/octet-stream").header(CONTENT_LENGTH, size);
        match authorization {
            Some(field) => request.header(AUTHORIZATION, field.clone()),
            None => request,
        }
    }

    /// Sends a request and follows redirects of reads, without credentials: they were for the first place, and stores refuse
    /// requests that hold some beside a signature. Any status is an answer.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Response, RegistryError> {
        let mut place = call.place.clone();
        for hop in 0..=REDIRECTS {
            let mut request = self.request(call.method.clone(), &place);
            if let Some(field) = call.authorization.filter(|_| hop == 0) {
                request = request.header(AUTHORIZATION, field.clone());
            }
            if let Some(accept) = call.accept {
                request = request.header(ACCEPT, accept);
            }
            if let Some((name, value)) = &call.field {
                request = request.header(name.clone(), *value);
            }
            if let Some((media_type, content)) = &call.content {
                request = request.header(CONTENT_TYPE, *media_type).body(content.clone());
            }
            let answer = self.in_time(request.send()).await?.map_err(|error| self.broken(error))?;
            if !(matches!(call.method, Method::GET | Method::HEAD) && is_redirect(answer.status())) {
                return Ok(answer);
            }
            place = self.location(&answer)?;
        }
        Err(self.untrusted("too many redirects"))
    }

    /// Where an answer sends us.
    pub(super) fn location(&self, answer: &Response) -> Result<Place, RegistryError> {
        let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let Some(location) = location else {
            let message =
                format!("{} answered {} without saying where to go on", self.label(), answer.status().as_u16());
            return Err(RegistryError::new(Kind::Invalid, self.host(), message));
        };
        self.endpoint.follow(answer.url(), location).map_err(|why| self.astray(why))
    }

    /// The answer if its status is one of these, else the refusal it is.
    pub(super) async fn expect_status(&self, answer: Response, statuses: &[u16]) -> Result<Response, RegistryError> {
        if statuses.contains(&answer.status().as_u16()) {
            return Ok(answer);
        }
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut body = self.part(answer, REFUSAL).await.unwrap_or_default();
        if body.len() == REFUSAL {
            secrets::drop_torn_end(&mut body);
        }
        Err(RegistryError::from_answer(self.host(), status, &headers, &body))
    }

    /// The whole body, if it is not larger than this.
    pub(super) async fn bytes(&self, answer: Response, largest: usize) -> Result<Bytes, RegistryError> {
        let body = self.part(answer, largest + 1).await?;
        if body.len() > largest {
            let message =
                format!("{} sent more than {largest} bytes where that is the most there may be", self.label());
            return Err(RegistryError::new(Kind::Invalid, self.host(), message));
        }
        Ok(body.into())
    }

    /// The beginning of the body.
    async fn part(&self, mut answer: Response, most: usize) -> Result<Vec<u8>, RegistryError> {
        let mut body = Vec::new();
        while body.len() < most {
            let Some(part) = self.in_time(answer.chunk()).await?.map_err(|error| self.broken(error))? else { break };
            body.extend_from_slice(&part);
        }
        body.truncate(most);
        Ok(body)
    }

    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, RegistryError> {
        let late = |_| {
            let message = format!("no answer from {} in {}s", self.label(), PATIENCE.as_secs());
            RegistryError::new(Kind::Broken, self.host(), message)
        };
        timeout(PATIENCE, work).await.map_err(late)
    }

    pub(super) fn broken(&self, error: reqwest::Error) -> RegistryError {
        RegistryError::broken(self.host(), error)
    }

    pub(super) fn untrusted(&self, why: &str) -> RegistryError {
        RegistryError::new(Kind::Untrusted, self.host(), format!("{}: {why}", self.label()))
    }

    /// Where nobody should follow.
    pub(super) fn astray(&self, why: Astray) -> RegistryError {
        match why {
            Astray::Wrong(why) => self.untrusted(&why),
            Astray::Open(host) => {
                let message = message!(
                    "registry-sends-elsewhere",
                    "{}: the registry sends us to {host} over an open connection",
                    self.label()
                );
                RegistryError::new(Kind::Unencrypted, self.host(), message)
            }
        }
    }

    pub(super) fn corrupt(&self, what: &str) -> RegistryError {
        RegistryError::new(Kind::Corrupt, self.host(), format!("{}: {what}", self.label()))
    }

    pub(super) fn label(&self) -> &str {
        label(self.host())
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}
