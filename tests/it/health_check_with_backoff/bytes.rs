//! The bytes of an answer: marks, encodings and heads that servers send.

use serde_json::json;
use testbed::web::{Answer, WebServer};

use super::{NEW, assert_failed, assert_said, check};

#[tokio::test]
async fn json_after_a_byte_order_mark_is_read() {
    let body = format!("\u{feff}{{\"commit\": \"{NEW}\"}}");
    let server = WebServer::start([Answer::status(200).body(body)]);
    let report = check(&server.url("/")).input("expect-version", NEW).input("expect-body", "^\\{").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("observed-version"), NEW);
}

#[tokio::test]
async fn a_body_that_is_compressed_though_it_was_asked_for_as_it_is_is_read() {
    let deflated = |head: bool| {
        let body = json!({"commit": NEW}).to_string();
        let mut bytes = Vec::new();
        if head {
            std::io::Read::read_to_end(
                &mut flate2::read::ZlibEncoder::new(body.as_bytes(), flate2::Compression::fast()),
                &mut bytes,
            )
        } else {
            std::io::Read::read_to_end(
                &mut flate2::read::DeflateEncoder::new(body.as_bytes(), flate2::Compression::fast()),
                &mut bytes,
            )
        }
        .unwrap();
        Answer::status(200).header("Content-Encoding", "deflate").body(bytes)
    };
    for answer in [Answer::json(&json!({"commit": NEW})).gzip(), deflated(true), deflated(false)] {
        let server = WebServer::start([answer]);
        check(&server.url("/")).input("expect-version", NEW).run().await.assert_verdict("pass", 0);
    }
}

#[tokio::test]
async fn an_encoding_that_is_not_read_is_the_reason_where_the_body_is_judged() {
    let server = WebServer::start([Answer::status(200).header("Content-Encoding", "br").body("\u{b}\u{2}\u{80}x")]);
    check(&server.url("/")).run().await.assert_verdict("pass", 0);
    for (input, value, class) in
        [("expect-json", "/commit: x", "body"), ("expect-body", "x", "body"), ("expect-version", NEW, "version")]
    {
        let report = check(&server.url("/")).input(input, value).input("attempts", "1").run().await;
        assert_failed(&report, class, "1");
        assert_said(&report, "the body is encoded as br, which is not read here");
    }
}

#[tokio::test]
async fn many_header_fields_are_read_and_too_many_are_the_reason() {
    let with = |fields: usize| {
        (0..fields).fold(Answer::ok(), |answer, number| answer.header(&format!("X-Field-{number}"), "1"))
    };
    let server = WebServer::start([with(150)]);
    check(&server.url("/")).run().await.assert_verdict("pass", 0);
    let server = WebServer::start([with(1500)]);
    let report = check(&server.url("/")).input("attempts", "1").run().await;
    assert_failed(&report, "body", "1");
    assert_said(&report, "it has more than 1000 fields");
}

#[tokio::test]
async fn the_advice_on_a_redirection_is_that_of_the_inputs() {
    let server = WebServer::start([Answer::redirect("/again")]);
    let report = check(&server.url("/")).input("attempts", "1").run().await;
    assert_said(&report, "set `follow-redirects`");
    let report = check(&server.url("/")).input("attempts", "1").input("follow-redirects", "2").run().await;
    assert_said(&report, "more often than `follow-redirects` allows");
    assert!(!report.error().message.contains("set `follow-redirects`"), "{report}");
}
