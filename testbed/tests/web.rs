//! The web servers: each must misbehave exactly as it promises.

use std::{
    error::Error as _,
    io::Write as _,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::{Certificate, Client, Proxy as ViaProxy, StatusCode, redirect::Policy};
use serde_json::json;
use testbed::web::{Answer, Blackhole, Proxy, RefusedPort, Site, Tls, UNRESOLVABLE_URL, WebServer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

fn client() -> reqwest::ClientBuilder {
    // A second installation fails, and does not matter.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().redirect(Policy::none()).timeout(Duration::from_secs(20))
}

async fn get(url: &str) -> reqwest::Result<reqwest::Response> {
    client().tls_certs_only([]).build()?.get(url).send().await
}

/// Everything a server writes in answer to one request, until it closes.
async fn exchange(server: &WebServer, request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(server.address()).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

#[tokio::test]
async fn answers_come_in_turn_and_the_last_for_ever() {
    let server = WebServer::start([Answer::status(503), Answer::json(&json!({"commit": "6dcb09b"}))]);
    let url = server.url("/health?deep=1");
    assert_eq!(get(&url).await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    for _ in 0..2 {
        let answer = get(&url).await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(answer.text().await.unwrap(), r#"{"commit":"6dcb09b"}"#);
    }
    server.replace([Answer::status(500)]);
    assert_eq!(get(&url).await.unwrap().status(), StatusCode::INTERNAL_SERVER_ERROR);
    let paths: Vec<String> = server.requests().iter().map(|request| request.target.clone()).collect();
    assert_eq!(paths, ["/health?deep=1"; 4]);
}

#[tokio::test]
async fn paths_may_have_scripts_of_their_own() {
    let site = Site::new([]).path("/a", [Answer::ok(), Answer::status(500)]).path("/b", [Answer::text("b")]);
    let server = site.start();
    let mut seen = Vec::new();
    for path in ["/a", "/b?x", "/a", "/b", "/c"] {
        seen.push(get(&server.url(path)).await.unwrap().status().as_u16());
    }
    assert_eq!(seen, [200, 200, 500, 200, 404]);
}

#[tokio::test]
async fn requests_are_recorded_with_their_connection() {
    let server = WebServer::start([Answer::ok()]);
    let same = client().build().unwrap();
    for body in ["one", "two"] {
        let request = same.post(server.url("/x")).header("X-Attempt", body).body(body);
        request.send().await.unwrap().text().await.unwrap();
    }
    let requests = server.requests();
    assert_eq!((requests[0].method.as_str(), requests[0].header("x-attempt")), ("POST", Some("one")));
    assert_eq!(requests[1].body, b"two");
    assert!(requests[0].at <= requests[1].at);
    assert_eq!((requests[0].connection, requests[1].connection), (1, 1));
    let shared = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        server.assert_fresh_connections();
    }));
    assert!(shared.is_err());

    let server = WebServer::start([Answer::ok()]);
    for _ in 0..2 {
        get(&server.url("/")).await.unwrap().text().await.unwrap();
    }
    server.wait_for_requests(2).await;
    server.assert_fresh_connections();
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn bodies_come_chunked_compressed_or_of_the_wrong_length() {
    let server = WebServer::start([
        Answer::text("a longer text in chunks").chunked(),
        Answer::text("compressed").gzip(),
        Answer::text("short").claiming_length(100),
        Answer::status(204),
    ]);
    let url = server.url("/");
    let chunked = get(&url).await.unwrap();
    assert_eq!(chunked.headers()["transfer-encoding"], "chunked");
    assert_eq!(chunked.text().await.unwrap(), "a longer text in chunks");

    let compressed = get(&url).await.unwrap();
    assert_eq!(compressed.headers()["content-encoding"], "gzip");
    let bytes = compressed.bytes().await.unwrap();
    let mut gzip = Command::new("gzip").arg("-dc").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    gzip.stdin.take().unwrap().write_all(&bytes).unwrap();
    let plain = gzip.wait_with_output().unwrap();
    assert!(plain.status.success());
    assert_eq!(plain.stdout, b"compressed");

    assert!(get(&url).await.unwrap().bytes().await.unwrap_err().source().is_some());
    assert_eq!(get(&url).await.unwrap().status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn redirects_and_delays_are_as_told() {
    let server = WebServer::start([
        Answer::redirect("http://169.254.169.254/").with_status(307),
        Answer::ok().after(Duration::from_millis(300)),
    ]);
    let answer = get(&server.url("/")).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["location"]),
        (307, &"http://169.254.169.254/".parse().unwrap())
    );
    let begun = Instant::now();
    get(&server.url("/")).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_head_request_gets_no_body() {
    let server = WebServer::start([Answer::ok()]);
    let answer = exchange(&server, "HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn connections_hang_close_or_are_reset() {
    let server = WebServer::start([Answer::hang(), Answer::close(), Answer::reset()]);
    assert!(timeout(Duration::from_millis(300), exchange(&server, GET)).await.is_err());
    assert_eq!(exchange(&server, GET).await.unwrap(), "");
    let reset = exchange(&server, GET).await.unwrap_err();
    assert_eq!(reset.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_dripping_body_never_ends() {
    let server = WebServer::start([Answer::drip(Duration::from_millis(20))]);
    let mut answer = get(&server.url("/")).await.unwrap();
    for _ in 0..5 {
        assert!(!answer.chunk().await.unwrap().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_huge_body_is_streamed_and_counted() {
    let size = 1 << 30;
    let server = WebServer::start([Answer::huge(size)]);
    let mut answer = get(&server.url("/")).await.unwrap();
    answer.chunk().await.unwrap().unwrap();
    drop(answer);
    assert!(server.sent() < size / 8, "{} bytes were taken", server.sent());

    let server = WebServer::start([Answer::huge(300_000)]);
    assert_eq!(get(&server.url("/")).await.unwrap().bytes().await.unwrap().len(), 300_000);
    assert_eq!(server.sent(), 300_000);
}

#[tokio::test]
async fn certificates_are_good_or_bad_in_one_way_each() {
    for (tls, message) in [
        (Tls::Valid, None),
        (Tls::Expired, Some("expired")),
        (Tls::WrongHost, Some("NotValidForName")),
        (Tls::UnknownAuthority, Some("UnknownIssuer")),
        (Tls::SelfSigned, Some("UnknownIssuer")),
        (Tls::NotTls, Some("InvalidContentType")),
        (Tls::ResetHandshake, Some("reset")),
    ] {
        let server = Site::new([Answer::ok()]).tls(tls).start();
        assert!(server.url("/").starts_with("https://127.0.0.1:"));
        let authority = Certificate::from_pem(&std::fs::read(server.ca_file()).unwrap()).unwrap();
        let answer = client().tls_certs_only([authority]).build().unwrap().get(server.url("/")).send().await;
        match message {
            None => assert_eq!(answer.unwrap().text().await.unwrap(), "ok"),
            Some(message) => {
                let problem = format!("{:?}", answer.unwrap_err()).to_lowercase();
                assert!(problem.contains(&message.to_lowercase()), "{tls:?}: {problem}");
                assert!(server.requests().is_empty());
            }
        }
        assert_eq!(server.connections(), 1, "{tls:?}");
    }
}

#[tokio::test]
async fn nobody_answers_where_nobody_should() {
    let refused = RefusedPort::new();
    let problem = get(&refused.url()).await.unwrap_err();
    assert!(problem.is_connect() && format!("{problem:?}").contains("refused"), "{problem:?}");

    let problem = get(UNRESOLVABLE_URL).await.unwrap_err();
    assert!(problem.is_connect(), "{problem:?}");

    let hole = Blackhole::start().await;
    let impatient = client().connect_timeout(Duration::from_millis(500)).build().unwrap();
    let problem = impatient.get(hole.url()).send().await.unwrap_err();
    assert!(problem.is_connect() && problem.is_timeout(), "{problem:?}");
}

#[tokio::test]
async fn a_proxy_relays_and_records() {
    let server = WebServer::start([Answer::text("plain")]);
    let proxy = Proxy::start();
    let via = client().proxy(ViaProxy::all(proxy.url()).unwrap()).build().unwrap();
    for _ in 0..2 {
        let answer = via.get(server.url("/health?x")).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "plain");
    }
    let seen: Vec<_> = proxy.requests().into_iter().map(|request| (request.method, request.target)).collect();
    assert_eq!(seen, vec![("GET".to_owned(), server.url("/health?x")); 2]);
    assert_eq!(server.requests()[0].target, "/health?x");

    let named = Proxy::to(server.address());
    let via = client().proxy(ViaProxy::all(named.url()).unwrap()).build().unwrap();
    assert_eq!(via.get("http://app.invalid/").send().await.unwrap().text().await.unwrap(), "plain");
    assert_eq!(server.requests()[2].header("host"), Some("app.invalid"));
}

#[tokio::test]
async fn a_proxy_tunnels_tls() {
    let server = Site::new([Answer::text("tunnelled")]).tls(Tls::Valid).start();
    let proxy = Proxy::start();
    let authority = Certificate::from_pem(&std::fs::read(server.ca_file()).unwrap()).unwrap();
    let via = client().proxy(ViaProxy::all(proxy.url()).unwrap()).tls_certs_only([authority]).build().unwrap();
    assert_eq!(via.get(server.url("/")).send().await.unwrap().text().await.unwrap(), "tunnelled");
    let connect = &proxy.requests()[0];
    assert_eq!((connect.method.as_str(), connect.target.clone()), ("CONNECT", server.address().to_string()));
}

#[tokio::test]
async fn a_proxy_may_refuse() {
    let server = WebServer::start([Answer::ok()]);
    let proxy = Proxy::refusing();
    let via = client().proxy(ViaProxy::all(proxy.url()).unwrap()).build().unwrap();
    let answer = via.get(server.url("/")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::PROXY_AUTHENTICATION_REQUIRED);
    assert_eq!((proxy.requests().len(), server.connections()), (1, 0));
}
