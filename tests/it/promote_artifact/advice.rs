//! The fix belongs to this refusal: to the side it is met on, and to what was given there.

use crate::messages::says;
use testbed::registry::{Fault, Login, Registry};
use testbed::runner::Report;
use testbed::web::{Answer, Site, Tls};

use super::{OneRegistry, Scene, fail};

fn refused(report: &Report) -> &str {
    report.assert_verdict("error", 4).assert_runner_safe();
    &report.error().message
}

#[tokio::test]
async fn a_login_that_was_given_is_to_be_checked_and_one_that_was_not_is_to_be_given() {
    let one = OneRegistry::new().await;
    let to = Registry::ghcr().start().await.unwrap();
    let there = || one.promotion("x").input("destination", format!("{}/org/there", to.host()));

    let report = one.promotion("org/there").input("source-password", "not-the-password").run().await;
    let message = refused(&report);
    assert!(message.contains("check `source-username` and `source-password`"), "{message}");
    assert!(!message.contains("give `source-username`"), "{message}");

    let open = Registry::ghcr().with(|options| options.login = Login::None).start().await.unwrap();
    let nobody = one.promotion("x").input("destination", format!("{}/org/there", open.host()));
    let report = nobody.input("source-username", "").input("source-password", "").run().await;
    let message = refused(&report);
    assert!(message.contains("give `source-username` and `source-password`, of a user who may read"), "{message}");
    assert!(!message.contains("destination-"), "{message}");

    let report = there().run().await;
    let message = refused(&report);
    assert!(message.contains("give `destination-username` and `destination-password`"), "{message}");
    assert!(message.contains("write this repository") && !message.contains("source-"), "{message}");

    let wrong = there().input("destination-username", "octocat").input("destination-password", "not-the-password");
    let report = wrong.run().await;
    let message = refused(&report);
    assert!(message.contains("check `destination-username` and `destination-password`"), "{message}");
    assert!(!message.contains("source-"), "{message}");
    assert!(to.tags("org/there").is_empty());
}

#[tokio::test]
async fn an_upload_that_leads_from_https_to_http_names_the_proxy_that_ends_tls() {
    let one = OneRegistry::new().await;
    let absent = Answer::json(&serde_json::json!({"errors": [{"code": "MANIFEST_UNKNOWN"}]})).with_status(404);
    let begun = Answer::status(202).header("location", "http://127.0.0.1/v2/org/there/blobs/uploads/1");
    let proxy = Site::new([absent]).path("/v2/org/there/blobs/uploads/", [begun]).tls(Tls::Valid).start();
    let host = "registry.example.com";
    let address = proxy.url("");
    let report = one
        .promotion("x")
        .input("destination", format!("{host}/org/there"))
        .input("registry-endpoint", format!("{host}={address}"))
        .env("SSL_CERT_FILE", proxy.ca_file())
        .run()
        .await;
    let message = refused(&report);
    assert!(says(message, "registry-sends-elsewhere"), "{message}");
    assert!(message.contains("X-Forwarded-Proto: https") && message.contains("relativeurls"), "{message}");
    assert!(!message.contains("registry-endpoint"), "{message}");
}

#[tokio::test]
async fn a_conflict_elsewhere_than_in_ecr_names_no_command_of_aws() {
    let one = OneRegistry::new().await;
    one.promotion("org/there").run().await.assert_verdict("pass", 0);
    one.registry.retag("org/there", "prd-1", &one.pushed.children[0].digest);
    let report = one.promotion("org/there").run().await;
    assert!(fail(&report).contains("a tag is never moved"), "{report}");
    assert!(!report.error().message.contains("aws ecr"), "{report}");
}

#[tokio::test]
async fn a_source_that_has_no_repository_is_not_to_be_made() {
    let one = OneRegistry::new().await;
    let gone = Fault::on("GET", "/v2/org/app/").unwrap().status(404).code("NAME_UNKNOWN").always();
    one.registry.fault(gone);
    let report = one.promotion("org/there").run().await;
    let message = &report.error().message;
    assert!(message.contains("check `source`") && !message.contains("make it"), "{message}");
}

#[tokio::test]
async fn inputs_for_a_login_are_for_the_side_that_takes_one() {
    let scene = Scene::new().await;
    let image = format!("ghcr.io/org/app@sha256:{}", "a".repeat(64));
    let table: [(&[(&str, &str)], &str); 4] = [
        (&[("destination-username", "a")], "`destination-username` and `destination-password` together"),
        (
            &[("destination-username", "a"), ("destination-password", "b")],
            "for a `destination` in another registry than ECR",
        ),
        (
            &[("source", "shop-api:v1"), ("source-username", "a"), ("source-password", "b")],
            "for a `source` in another registry than ECR",
        ),
        (
            &[("registry", "111122223333"), ("destination-username", "a"), ("destination-password", "b")],
            "for a `destination` in another registry than ECR",
        ),
    ];
    for (inputs, words) in table {
        let runner =
            inputs.iter().fold(scene.step().input("source", &image), |step, (name, value)| step.input(name, *value));
        let report = runner.run().await;
        report.assert_verdict("error", 2).assert_runner_safe();
        assert!(report.error().message.contains(words), "{words}: {report}");
    }
}
