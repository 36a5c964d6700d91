//! health-check-with-backoff over real sockets. The schedules, and names that resolve to what a test wants, stand beside the code.

mod bytes;
mod table;

use crate::messages::message;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::runner::{Report, Runner};
use testbed::web::{Answer, Proxy, RefusedPort, Site, Tls, UNRESOLVABLE_URL, WebServer};

pub(crate) use self::table::UNDER_TEST;

const STEP: &str = "health-check-with-backoff";
const OLD: &str = "1111111a9d4e5f60718293a4b5c6d7e8f9a0b1c2";
pub(crate) const NEW: &str = "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2";

pub(crate) fn step() -> Runner {
    Runner::new(env!("CARGO_BIN_EXE_deploy-action")).step(STEP).input("base-wait", "10ms").input("max-wait", "40ms")
}

fn check(url: &str) -> Runner {
    step().input("url", url)
}

fn commit(sha: &str) -> Answer {
    Answer::json(&json!({ "commit": sha }))
}

/// Asserts a failure of this class after so many attempts.
#[track_caller]
pub(crate) fn assert_failed(report: &Report, class: &str, attempts: &str) {
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!((report.output("last-error-class"), report.output("attempts-used")), (class, attempts), "{report}");
}

#[track_caller]
pub(crate) fn assert_said(report: &Report, words: &str) {
    let message = &report.error().message;
    assert!(message.contains(words), "\"{words}\" is not in the annotation: {message}\n{report}");
}

#[tokio::test]
async fn a_service_that_comes_up_is_healthy_and_every_attempt_has_its_line() {
    let server = WebServer::start([Answer::status(503), Answer::reset(), Answer::ok()]);
    let report = check(&server.url("/health?token=t0ken-in-a-query")).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret("t0ken-in-a-query");
    assert_eq!((report.output("attempts-used"), report.output("last-status")), ("3", "200"));
    assert_eq!((report.output("last-error-class"), report.output("observed-version")), ("", ""));
    assert!(report.output("latency-ms").parse::<u64>().is_ok());
    assert_eq!((report.output("changed"), report.output("serving")), ("false", ""));
    let lines: Vec<&String> = report.log.iter().filter(|line| line.starts_with("attempt ")).collect();
    assert_eq!(lines.len(), 3, "{report}");
    assert!(
        lines[0].contains("attempt 1 of 15 at http://") && lines[0].ends_with("(status); next in 10ms"),
        "{report}"
    );
    assert!(report.log.iter().any(|line| line.contains("at most 15 attempts with ")), "{report}");
    assert!(report.summary.contains("any version would have passed"), "{report}");
    assert!(report.annotations.is_empty(), "{report}");
    server.assert_fresh_connections();
    assert_eq!(server.requests()[0].header("cache-control"), Some("no-cache"));
}

#[tokio::test]
async fn a_server_that_hangs_or_drips_costs_the_request_timeout_and_no_more() {
    for answer in [Answer::hang(), Answer::drip(Duration::from_millis(20))] {
        let server = WebServer::start([answer]);
        let report = check(&server.url("/")).input("attempts", "2").input("request-timeout", "300ms").run().await;
        assert_failed(&report, "timeout", "2");
        assert_said(&report, "no whole answer in 300ms");
        assert!(report.duration < Duration::from_secs(20), "{report}");
    }
}

#[tokio::test]
async fn the_deadline_ends_the_check_as_a_failure() {
    let server = WebServer::start([Answer::status(503)]);
    let report = check(&server.url("/")).input("base-wait", "400ms").input("max-wait", "60s").input("timeout", "2s");
    let report = report.input("attempts", "100").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_said(&report, "when the time was up");
    assert!(server.requests().len() < 10);
}

#[tokio::test]
async fn the_new_version_is_waited_for() {
    let mut answers = vec![commit(OLD); 6];
    answers.push(commit(NEW));
    let server = WebServer::start(answers);
    let report = check(&server.url("/health")).input("expect-version", &NEW[..7]).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!((report.output("attempts-used"), report.output("observed-version")), ("7", NEW));
    assert!(!report.summary.contains("any version"), "{report}");
}

#[tokio::test]
async fn an_old_version_for_ever_fails_and_shows_both() {
    let server = WebServer::start([commit(OLD)]);
    let report = check(&server.url("/health")).input("expect-version", NEW).input("attempts", "3").run().await;
    assert_failed(&report, "version", "3");
    assert_said(&report, &format!("version {OLD} instead of {NEW}"));
    assert_eq!((report.output("observed-version"), report.output("last-status")), (OLD, "200"));

    let server = WebServer::start([Answer::text("<html>hello</html>")]);
    let report = check(&server.url("/health")).input("expect-version", NEW).input("attempts", "1").run().await;
    assert_failed(&report, "version", "1");
    assert_said(&report, "the body is not JSON: <html>hello</html>");
}

#[tokio::test]
async fn a_wrong_path_ends_the_check_after_three_attempts() {
    let server = WebServer::start([Answer::status(404)]);
    let report = check(&server.url("/helth")).run().await;
    assert_failed(&report, "status", "3");
    assert_said(&report, "check the path of `url`");
    let server = WebServer::start([Answer::status(404), Answer::ok()]);
    check(&server.url("/health")).run().await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn a_retry_after_of_an_hour_is_capped() {
    let server = WebServer::start([Answer::status(503).header("Retry-After", "3600"), Answer::ok()]);
    let report = check(&server.url("/")).run().await;
    report.assert_verdict("pass", 0);
    assert!(report.log.iter().any(|line| line.ends_with("next in 40ms")), "{report}");
}

#[tokio::test]
async fn a_redirection_to_a_login_page_is_not_health() {
    let login = WebServer::start([Answer::text("please log in")]);
    let to = login.url("/login?state=opaque");
    let server = WebServer::start([Answer::redirect(&to)]);
    let report = check(&server.url("/health")).input("attempts", "2").run().await;
    assert_failed(&report, "status", "2");
    assert_said(&report, &format!("status 302 to {} instead of 200", login.url("/login?..")));
    assert!(login.requests().is_empty());
}

#[tokio::test]
async fn headers_stay_with_the_origin_they_were_given_for() {
    let other = WebServer::start([Answer::ok()]);
    let server = WebServer::start([Answer::redirect("/there"), Answer::redirect(&other.url("/elsewhere"))]);
    let report = check(&server.url("/health"))
        .input("follow-redirects", "2")
        .input("headers", "Authorization: Bearer s3cret-of-the-service\nX-Api-Key: an0ther-secret\nAccept: text/plain")
        .run()
        .await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    report.assert_no_secret("s3cret-of-the-service").assert_no_secret("an0ther-secret");
    let [first, second] = &server.requests()[..] else { panic!("{report}") };
    for request in [first, second] {
        assert_eq!(request.header("authorization"), Some("Bearer s3cret-of-the-service"));
    }
    let elsewhere = &other.requests()[0];
    for name in ["authorization", "x-api-key", "accept"] {
        assert_ne!(elsewhere.header(name), first.header(name), "{name} was carried over");
    }
}

#[tokio::test]
async fn a_redirection_loop_ends() {
    let server = WebServer::start([Answer::redirect("/health")]);
    let report = check(&server.url("/health")).input("follow-redirects", "5").input("attempts", "1").run().await;
    assert_failed(&report, "status", "1");
    assert_said(&report, "status 302");
    assert_eq!(server.requests().len(), 6);
}

#[tokio::test]
async fn https_is_not_left_for_http() {
    let plain = WebServer::start([Answer::ok()]);
    let server = Site::new([Answer::redirect(&plain.url("/"))]).tls(Tls::Valid).start();
    let report = check(&server.url("/")).input("follow-redirects", "1").input("attempts", "1");
    let report = report.env("SSL_CERT_FILE", server.ca_file()).run().await;
    assert_failed(&report, "status", "1");
    assert_said(&report, "redirects from https to http are not followed");
    assert!(plain.requests().is_empty());
}

#[tokio::test]
async fn the_metadata_service_is_never_asked() {
    for url in ["http://169.254.169.254/latest/meta-data/", "http://[::ffff:169.254.169.254]/", "http://2852039166/"] {
        let report = check(url).run().await;
        assert_failed(&report, "connect", "1");
        assert_said(&report, &message("metadata-address", &[]));
    }
}

#[tokio::test]
async fn each_trouble_with_tls_has_its_words_and_certificates_fail_fast() {
    let table = [
        (Tls::Expired, "the certificate has expired", "3"),
        (Tls::WrongHost, "the certificate is for another host name", "3"),
        (Tls::UnknownAuthority, "by an authority that is not trusted here", "3"),
        (Tls::SelfSigned, "the certificate is", "3"),
        (Tls::NotTls, "the server does not speak TLS on this port", "3"),
        (Tls::ResetHandshake, "the connection was cut off during the TLS handshake", "4"),
    ];
    for (tls, said, attempts) in table {
        let server = Site::new([Answer::ok()]).tls(tls).start();
        let report = check(&server.url("/")).input("attempts", "4").env("SSL_CERT_FILE", server.ca_file()).run().await;
        assert_failed(&report, "tls", attempts);
        assert_said(&report, said);
    }
    let server = Site::new([Answer::ok()]).tls(Tls::Valid).start();
    let report = check(&server.url("/")).env("SSL_CERT_FILE", server.ca_file()).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_dns_and_a_closed_port_is_connect_with_a_hint() {
    let report = check(UNRESOLVABLE_URL).input("attempts", "2").run().await;
    assert_failed(&report, "dns", "2");
    assert_said(&report, "check the host name of `url`");

    let port = RefusedPort::new();
    let report = check(&port.url()).input("attempts", "2").run().await;
    assert_failed(&report, "connect", "2");
    assert_said(&report, "the connection was refused");
    assert_said(&report, "localhost is this action's own container, not the runner");
}

#[tokio::test]
async fn the_proxy_of_the_environment_is_used_and_left_out_where_no_proxy_says_so() {
    let server = WebServer::start([Answer::ok()]);
    let proxy = Proxy::to(server.address());
    let through = check("http://shop.example/health").env("HTTP_PROXY", proxy.url());
    through.run().await.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(proxy.requests().len(), 1);
    let secure = Site::new([Answer::ok()]).tls(Tls::Valid).start();
    let tunnel = Proxy::start();
    let tunnelled =
        check(&secure.url("/health")).env("HTTPS_PROXY", tunnel.url()).env("SSL_CERT_FILE", secure.ca_file());
    tunnelled.run().await.assert_verdict("pass", 0);
    assert_eq!(tunnel.requests()[0].method, "CONNECT");
    let around = check(&server.url("/health")).env("HTTP_PROXY", proxy.url()).env("NO_PROXY", "127.0.0.1");
    around.run().await.assert_verdict("pass", 0);
    assert_eq!(proxy.requests().len(), 1);
}

#[tokio::test]
async fn a_proxy_that_wants_credentials_is_named_as_the_trouble() {
    let proxy = Proxy::refusing();
    for url in ["http://shop.example/", "https://shop.example/"] {
        let report = check(url).input("attempts", "1").env("HTTP_PROXY", proxy.url()).env("HTTPS_PROXY", proxy.url());
        let report = report.run().await;
        assert_failed(&report, "proxy", "1");
        assert_said(&report, "407");
        assert_said(&report, "or name the host in NO_PROXY");
    }
}

#[tokio::test]
async fn a_body_is_judged_however_it_is_sent() {
    for answer in [commit(NEW).gzip(), commit(NEW).chunked(), commit(NEW)] {
        let server = WebServer::start([answer]);
        let report = check(&server.url("/")).input("expect-version", NEW).input("attempts", "1").run().await;
        report.assert_verdict("pass", 0).assert_runner_safe();
        assert_eq!(server.requests()[0].header("accept-encoding"), Some("identity"));
    }
}

#[tokio::test]
async fn a_body_of_a_gigabyte_is_not_read() {
    let server = WebServer::start([Answer::huge(1 << 30)]);
    let report = check(&server.url("/")).input("expect-body", "ok").input("attempts", "1").run().await;
    assert_failed(&report, "body", "1");
    assert_said(&report, "of which the first 1 MiB was read");
    assert!(server.sent() < 64 << 20, "{} bytes were taken", server.sent());
}

#[tokio::test]
async fn a_status_405_names_the_method_as_the_mend() {
    let server = WebServer::start([Answer::status(405)]);
    let report = check(&server.url("/")).input("method", "head").run().await;
    assert_failed(&report, "status", "3");
    assert_said(&report, "set `method: GET`");
    assert_eq!(server.requests()[0].method, "HEAD");
}

#[tokio::test]
async fn what_was_sent_is_never_shown_even_when_the_server_repeats_it() {
    let echo = "{\"you-sent\": \"t0p-secret-token, p4ssword=of-the-service\"}\n::error::forged\n##[error]forged";
    let server = WebServer::start([Answer::text(echo).with_status(500)]);
    let report = check(&server.url("/"))
        .input("attempts", "1")
        .input("method", "POST")
        .input("headers", "Authorization: Bearer t0p-secret-token")
        .input("body", "p4ssword=of-the-service")
        .run()
        .await;
    assert_failed(&report, "status", "1");
    report.assert_no_secret("t0p-secret-token").assert_no_secret("p4ssword=of-the-service");
    assert_eq!(server.requests()[0].body, b"p4ssword=of-the-service");
    assert!(report.summary.contains("you-sent") && report.summary.contains("Last answer of"), "{report}");
    assert_eq!(report.annotations.len(), 1, "{report}");
}

#[tokio::test]
async fn wrong_inputs_are_told_before_any_request() {
    let server = WebServer::start([Answer::ok()]);
    let url = server.url("/");
    let table = [
        ("attempts", "0", "whole number from 1"),
        ("attempts", "-1", "whole number from 1"),
        ("attempts", "15.5", "whole number from 1"),
        ("max-wait", "5ms", "is shorter than `base-wait`"),
        ("success-threshold", "16", "so it can never be reached"),
        ("request-timeout", "0s", "must be longer than 0s"),
        ("expect-status", "20x", "must be statuses"),
        ("version-from", "executed-version", "not from a `url`"),
        ("jitter", "some", "`none` or `full`"),
        ("expect-json", "status: ok", "begins with `/`"),
        ("payload", "{", "must be JSON"),
        ("url", "ftp://example.com", "must be an http or https URL"),
        ("url", "https://user:pw@example.com", "without a user name or password"),
    ];
    for (name, value, said) in table {
        let report = check(&url).input(name, value).run().await;
        report.assert_verdict("error", 2).assert_runner_safe();
        assert_said(&report, said);
    }
    let report = step().run().await;
    report.assert_verdict("error", 2);
    assert_said(&report, "give `url`, or `function` and `alias`");
    let secret = check(&url).input("headers", "Authorization Bearer un5plit-secret").run().await;
    secret.assert_verdict("error", 2).assert_no_secret("un5plit-secret");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn two_addresses_are_both_judged() {
    let good = WebServer::start([commit(NEW)]);
    let bad = WebServer::start([Answer::status(503)]);
    let report = check(&format!("{}\n{}", bad.url("/a"), good.url("/b"))).input("attempts", "3").run().await;
    assert_failed(&report, "status", "3");
    assert_said(&report, "1 of 2 places are not healthy: ");
    let checks = report.evidence()["checks"].clone();
    let verdicts: Vec<&Value> = checks.as_array().unwrap().iter().map(|check| &check["verdict"]).collect();
    assert_eq!(verdicts, [&json!("fail"), &json!("pass")], "{report}");
    assert_eq!(good.requests().len(), 1);
}

#[tokio::test]
async fn a_dry_run_asks_nothing() {
    let server = WebServer::start([Answer::ok()]);
    let report = check(&server.url("/")).input("dry-run", "true").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert!(server.requests().is_empty());
}

/// The body is read to 1 MiB, and the secret is cut there: what is left of it is not known as one.
#[tokio::test]
async fn half_a_secret_at_the_cut_of_a_body_is_not_shown() {
    let key = "key-of-the-health-check-0123456789";
    for (gzip, kept) in [(false, 20), (true, 20), (false, 33)] {
        let body = format!("{}{key}{}", "x".repeat(1024 * 1024 - kept), "y".repeat(100));
        let answer = Answer::text(body);
        let server = WebServer::start([if gzip { answer.gzip() } else { answer }]);
        let report = check(&server.url("/"))
            .input("headers", format!("X-Key: {key}"))
            .input("version-from", "body:x([^x]*)$")
            .input("attempts", "1")
            .run()
            .await;
        report.assert_runner_safe().assert_no_secret(key).assert_no_secret(&key[..kept]);
    }
}
