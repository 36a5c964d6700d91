//! One request: a connection and a resolution of its own, redirections by hand, a bounded body.

use std::fmt;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use reqwest::dns::Resolve;
use reqwest::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, HeaderMap, HeaderValue, LOCATION, PRAGMA,
};
use reqwest::{Response, StatusCode};
use tokio::time::Instant;
use url::Url;

use super::asking::Asking;
use super::expectation::{Answer, without_query};
use super::run::Attempt;
use super::values::{Body, Headers, Method, Statuses};
use crate::net::address::{Guarded, System, check_literal};
use crate::net::failure::Class;
use crate::net::failure::{Fault, of_request};
use crate::net::{self, without_mark};
use crate::text::secrets;

/// Making a connection may take this long where no input says otherwise.
const CONNECT: Duration = Duration::from_secs(5);
/// A body is judged up to this size.
const LARGEST_BODY: usize = 1024 * 1024;

/// What is asked, and how.
pub(super) struct HttpProbe {
    url: Url,
    method: Method,
    headers: Option<Headers>,
    body: Option<Body>,
    hops: u32,
    good: Statuses,
    connect_timeout: Duration,
    names: Arc<dyn Resolve>,
}

impl fmt::Debug for HttpProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, without_query(self.url.as_str()))
    }
}

/// The next address of a redirection, and whether it belongs to the same origin.
struct Hop {
    url: Url,
    same_origin: bool,
}

impl HttpProbe {
    pub(super) fn new(url: &Url, asking: &Asking) -> Self {
        Self {
            url: url.clone(),
            method: asking.method.clone(),
            headers: asking.headers.clone(),
            body: asking.body.clone(),
            hops: asking.follow_redirects.0,
            good: asking.expect_status.clone().unwrap_or_else(|| Statuses::of(&[200])),
            connect_timeout: asking.connect_timeout.0,
            names: Arc::new(System),
        }
    }

    /// A plain `GET`, without redirections.
    pub(super) fn plain(url: &Url, headers: Option<Headers>) -> Self {
        Self {
            url: url.clone(),
            method: Method(reqwest::Method::GET),
            headers,
            body: None,
            hops: 0,
            good: Statuses::of(&[200]),
            connect_timeout: CONNECT,
            names: Arc::new(System),
        }
    }

    /// Asks once. The outer error is ours: no client could be made.
    pub(super) async fn ask(&self) -> Result<Attempt> {
        let client = self.client().context("make the HTTP client of the health check")?;
        Ok(self.walk(&client).await)
    }

    /// A client of its own for every attempt: nothing is resolved, connected or resumed from an earlier one, so that no attempt
    /// goes on talking to a target that is being drained.
    fn client(&self) -> Result<reqwest::Client> {
        let client = net::client()?
            .dns_resolver(Arc::new(Guarded(Arc::clone(&self.names))))
            .connect_timeout(self.connect_timeout)
            .pool_max_idle_per_host(0)
            .retry(reqwest::retry::never())
            .referer(false)
            .build()?;
        Ok(client)
    }

    async fn walk(&self, client: &reqwest::Client) -> Result<Answer, Fault> {
        let began = Instant::now();
        let (mut url, mut method, mut own) = (self.url.clone(), self.method.0.clone(), true);
        let mut hops = 0;
        loop {
            check_literal(&url).map_err(|refused| Fault::forbidden(&refused))?;
            let mut request = client.request(method.clone(), url.clone()).headers(self.headers(own));
            if let Some(body) = self.body.as_ref().filter(|_| own && method == self.method.0) {
                request = request.body(body.0.clone());
            }
            let secure = url.scheme() == "https";
            let response = request.send().await.map_err(|error| of_request(&error, secure))?;
            if hops == self.hops || self.good.contains(response.status().as_u16()) {
                return read(response, began, secure).await;
            }
            let Some(hop) = next(&url, &response)? else { return read(response, began, secure).await };
            hops += 1;
            tracing::info!("redirected to {}", without_query(hop.url.as_str()));
            method = self.method_after(&response, method, &hop)?;
            own &= hop.same_origin;
            url = hop.url;
        }
    }

    /// Our headers, and those of the inputs as long as we are where they were meant for.
    fn headers(&self, own: bool) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        let mut given = HeaderMap::new();
        for (name, value) in self.headers.iter().filter(|_| own).flat_map(Headers::iter) {
            given.append(name.clone(), value.clone());
        }
        headers.extend(given);
        headers
    }

    /// RFC 9110, 15.4: 303 asks with GET, and so do clients after 301 and 302 to POST; 307 and 308 repeat the request.
    fn method_after(&self, response: &Response, method: reqwest::Method, hop: &Hop) -> Result<reqwest::Method, Fault> {
        let plain = method == reqwest::Method::GET || method == reqwest::Method::HEAD;
        let repeats =
            matches!(response.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT) || plain;
        if !repeats {
            return Ok(reqwest::Method::GET);
        }
        if self.body.is_some() && !plain && !hop.same_origin {
            let to = without_query(hop.url.as_str());
            return Err(Fault::new(
                Class::Status,
                format!("redirected to {to} with its body, which is not sent there"),
            ));
        }
        Ok(method)
    }
}

/// Where a response redirects to; `None` when it does not.
fn next(url: &Url, response: &Response) -> Result<Option<Hop>, Fault> {
    let redirects = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response.headers().get(LOCATION).filter(|_| redirects).and_then(|value| value.to_str().ok());
    let Some(location) = location else { return Ok(None) };
    let refused = |why: &str| Fault::new(Class::Status, format!("redirected to {}, {why}", without_query(location)));
    let mut to = url.join(location).map_err(|_not_a_url| refused("which is not a URL"))?;
    if !matches!(to.scheme(), "http" | "https") || !to.has_host() {
        return Err(refused("which is not http or https"));
    }
    if url.scheme() == "https" && to.scheme() == "http" {
        return Err(refused("redirects from https to http are not followed"));
    }
    // Credentials in a foreign address are not ours to use.
    let _ = to.set_username("").and_then(|()| to.set_password(None));
    let same_origin = to.origin() == url.origin();
    Ok(Some(Hop { url: to, same_origin }))
}

async fn read(mut response: Response, began: Instant, secure: bool) -> Result<Answer, Fault> {
    let status = response.status().as_u16();
    let mut headers: Vec<(String, String)> = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let mut body = Vec::new();
    let mut cut = false;
    while let Some(part) = response.chunk().await.map_err(|error| of_request(&error, secure))? {
        let room = LARGEST_BODY - body.len();
        body.extend_from_slice(&part[..part.len().min(room)]);
        if part.len() > room {
            cut = true;
            break;
        }
    }
    if let Some((plain, longer)) = unpack(&headers, &body) {
        // What is left there is what could not be undone.
        headers.retain(|(name, _)| name != CONTENT_ENCODING.as_str());
        (body, cut) = (plain, cut || longer);
    }
    body = without_mark(&body).to_vec();
    if cut {
        secrets::drop_torn_end(&mut body);
    }
    Ok(Answer { status: Some(status), headers, body, cut, took: began.elapsed(), executed: None })
}

/// The content of a compressed body, as far as it is judged, and whether there is more: some servers compress what was asked for
/// as it is. Nothing for one that is not compressed, or in a way that is not known here.
fn unpack(headers: &[(String, String)], packed: &[u8]) -> Option<(Vec<u8>, bool)> {
    let encoding = headers.iter().find(|(name, _)| name == CONTENT_ENCODING.as_str()).map(|(_, value)| value.trim())?;
    let mut plain = Vec::new();
    let limit = u64::try_from(LARGEST_BODY).unwrap_or(u64::MAX) + 1;
    // What was read before an error is kept: the body may have been cut.
    let whole = match encoding.to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => flate2::read::MultiGzDecoder::new(packed).take(limit).read_to_end(&mut plain),
        // By RFC 9110, 8.4.1.2, with a head; some servers leave that out.
        "deflate" if packed.first().is_some_and(|byte| byte & 0x0f == 8) => {
            flate2::read::ZlibDecoder::new(packed).take(limit).read_to_end(&mut plain)
        }
        "deflate" => flate2::read::DeflateDecoder::new(packed).take(limit).read_to_end(&mut plain),
        _ => return None,
    };
    let longer = plain.len() > LARGEST_BODY;
    plain.truncate(LARGEST_BODY);
    Some((plain, longer || whole.is_err()))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use reqwest::dns::{Addrs, Name, Resolving};
    use testbed::web::{Answer as Reply, WebServer};

    use super::*;
    use crate::action::inputs::{Inputs, Problems, RawInputs};

    impl Inputs for Asking {}

    /// Names of the test's own world, and how often they were asked for.
    struct Names(Vec<(&'static str, Vec<&'static str>)>, std::sync::Mutex<Vec<String>>);

    impl Resolve for Names {
        fn resolve(&self, name: Name) -> Resolving {
            self.1.lock().unwrap().push(name.as_str().to_owned());
            let found = self.0.iter().find(|(known, _)| *known == name.as_str());
            let found: Vec<SocketAddr> = found
                .into_iter()
                .flat_map(|(_, addresses)| addresses)
                .map(|address| SocketAddr::new(address.parse().unwrap(), 0))
                .collect();
            Box::pin(async move { Ok(Box::new(found.into_iter()) as Addrs) })
        }
    }

    fn probe(
        url: &str,
        given: &[(&str, &str)],
        names: Vec<(&'static str, Vec<&'static str>)>,
    ) -> (HttpProbe, Arc<Names>) {
        let mut problems = Problems::default();
        let pairs = given.iter().copied().chain([("url", url)]);
        let inputs: Asking = RawInputs::from_pairs(pairs).read(&mut problems).unwrap();
        let names = Arc::new(Names(names, std::sync::Mutex::default()));
        let probe = HttpProbe::new(&url.parse().unwrap(), &inputs);
        (HttpProbe { names: Arc::clone(&names) as Arc<dyn Resolve>, ..probe }, names)
    }

    async fn asked(probe: &HttpProbe) -> Result<Answer, Fault> {
        probe.walk(&probe.client().unwrap()).await
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_a_metadata_address_is_refused() {
        for address in ["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "fe80::1"] {
            let (probe, _) =
                probe("http://rebound.example/", &[], vec![("rebound.example", vec!["127.0.0.1", address])]);
            let fault = asked(&probe).await.unwrap_err();
            assert_eq!(fault.class, Class::Connect);
            let problem =
                format!("rebound.example is {address}, a link-local or metadata address: requests to it are blocked");
            assert_eq!((fault.problem, fault.forbidden), (problem, true));
        }
    }

    #[tokio::test]
    async fn a_redirection_to_a_metadata_address_is_refused_before_a_connection() {
        let locations =
            ["http://169.254.169.254/latest/meta-data/", "http://rebound.example/", "http://[::ffff:a9fe:a9fe]/"];
        for location in locations {
            let server = WebServer::start([Reply::redirect(location)]);
            let names = vec![("rebound.example", vec!["169.254.169.254"])];
            let (probe, _) = probe(&server.url("/health"), &[("follow-redirects", "3")], names);
            let fault = asked(&probe).await.unwrap_err();
            assert!(fault.problem.contains("link-local or metadata address"), "{location}: {}", fault.problem);
            assert_eq!(server.requests().len(), 1);
        }
    }

    #[tokio::test]
    async fn a_name_is_resolved_once_for_each_attempt_and_connected_to_where_it_was_checked() {
        let server = WebServer::start([Reply::ok()]);
        let url = format!("http://shop.example:{}/", server.address().port());
        let (probe, names) = probe(&url, &[], vec![("shop.example", vec!["127.0.0.1"])]);
        for _ in 0..3 {
            assert_eq!(asked(&probe).await.unwrap().status, Some(200));
        }
        assert_eq!(names.1.lock().unwrap().len(), 3);
        server.assert_fresh_connections();
    }

    #[tokio::test]
    async fn an_ipv6_address_that_leads_nowhere_does_not_hide_a_working_ipv4_one() {
        let server = WebServer::start([Reply::ok()]);
        let url = format!("http://shop.example:{}/", server.address().port());
        let (probe, _) = probe(&url, &[], vec![("shop.example", vec!["2001:db8::1", "127.0.0.1"])]);
        assert_eq!(asked(&probe).await.unwrap().status, Some(200));
    }
}
