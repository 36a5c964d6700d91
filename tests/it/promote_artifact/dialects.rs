//! Registries and tools that write what others do not: null where there is nothing, several challenges, no HEAD, other names.

use serde_json::{Value, json};
use testbed::registry::{Access, Credential, Fault, Location, Options, Registry, Request};
use testbed::runner::Runner;

use super::made::{GZIP, IMAGE, INDEX, Maker, digest, linux, on};
use super::{OneRegistry, Scene};

#[tokio::test]
async fn a_member_that_is_null_is_absent() {
    let scene = Scene::new().await;
    let maker = Maker { registry: &scene.ghcr, repository: "org/app" };
    let mut configuration = linux("amd64", scene.commit());
    configuration["config"]["Labels"]["maintainer"] = Value::Null;
    configuration["config"]["Env"] = Value::Null;
    let mut image = maker.unput(&configuration, GZIP);
    // As the SDK of .NET 7 and 8 writes it.
    image["layers"][0]["urls"] = Value::Null;
    image["layers"][0]["annotations"] = Value::Null;
    image["config"]["urls"] = Value::Null;
    image["annotations"] = Value::Null;
    let image = maker.manifest(IMAGE, &image);
    let mut entry = on(&image, "linux", "amd64");
    entry["annotations"] = Value::Null;
    entry["platform"]["architecture"] = Value::Null;
    let top = maker.index(&[&entry]);
    for described in [&image, &top] {
        let report = scene.promotion(digest(described)).input("tag", &digest(described)[7..19]).run().await;
        report.assert_verdict("pass", 0).assert_runner_safe();
        assert_eq!((report.output("lambda-digest"), report.output("revision")), (digest(&image), scene.commit()));
    }
}

#[tokio::test]
async fn what_nobody_else_says_of_a_child_the_index_does() {
    let one = OneRegistry::new().await;
    one.registry.configure(|options| options.strict_accept = false);
    let maker = Maker { registry: &one.registry, repository: "org/app" };
    let mut image = maker.unput(&linux("amd64", "c0ffee"), GZIP);
    image.as_object_mut().unwrap().remove("mediaType");
    let mut entry = maker.manifest("application/octet-stream", &image);
    entry["mediaType"] = json!(IMAGE);
    let top = maker.index(&[&entry]);
    let source = format!("{}/org/app@{}", one.registry.host(), digest(&top));
    let report = one.promotion("org/there").input("source", source).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let written = one.registry.manifest("org/there", digest(&entry)).unwrap();
    assert_eq!(written.media_type, IMAGE);
    assert_eq!(one.registry.manifest("org/there", "prd-1").unwrap().media_type, INDEX);
}

#[tokio::test]
async fn another_way_to_log_in_may_be_offered_before_ours() {
    let one = OneRegistry::new().await;
    one.registry.configure(|options| options.negotiates = true);
    one.promotion("org/there").run().await.assert_verdict("pass", 0).assert_runner_safe();
    one.assert_complete("org/there");
    // Where it is the only one, that is the reason.
    let only = Fault::on("*", "/v2/").unwrap().status(401).header("www-authenticate", "Negotiate").always();
    one.registry.fault(only);
    let report = one.promotion("org/other").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.output("reason").contains("it offers negotiate"), "{report}");
    let message = &report.error().message;
    assert!(message.contains("logs in by Basic and Bearer") && !message.contains("-password"), "{message}");
}

#[tokio::test]
async fn a_life_of_a_token_that_cannot_be_read_is_no_reason_to_refuse_the_token() {
    let one = OneRegistry::new().await;
    one.registry.configure(|options| options.lifetime_as_text = true);
    one.promotion("org/there").run().await.assert_verdict("pass", 0).assert_runner_safe();
    one.assert_complete("org/there");
}

#[tokio::test]
async fn a_destination_that_answers_no_head_is_written_all_the_same() {
    let one = OneRegistry::new().await;
    for (status, code) in [(405, "UNSUPPORTED"), (403, "DENIED"), (501, "UNSUPPORTED")] {
        let repository = format!("org/head-{status}");
        one.registry.clear_faults();
        let heads = Fault::on("HEAD", &format!("/v2/{repository}/")).unwrap().status(status).code(code).always();
        one.registry.fault(heads);
        let report = one.promotion(&repository).run().await;
        report.assert_verdict("pass", 0).assert_runner_safe();
        one.assert_complete(&repository);
        // What can be told by GET is not written again.
        one.registry.clear_requests();
        let report = one.promotion(&repository).input("tag", "prd-2").run().await;
        report.assert_verdict("pass", 0);
        assert_eq!(report.output("blobs-copied"), "0", "{report}");
    }
}

#[tokio::test]
async fn docker_hubs_own_images_are_found_by_their_short_names() {
    let scene = Scene::new().await;
    let hub = Registry::ghcr().with(|options| options.public = true).start().await.unwrap();
    let maker = Maker { registry: &hub, repository: "library/python" };
    let image = maker.image(&linux("amd64", scene.commit()));
    hub.retag("library/python", "3.13", digest(&image));
    let endpoints = format!("docker.io={}\n{}={}", hub.url(), scene.ecr_host(), scene.world.aws.endpoint());
    let report =
        scene.step().input("source", "docker.io/python:3.13").input("registry-endpoint", endpoints).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(report.output("digest"), digest(&image));
}

#[tokio::test]
async fn a_mirror_is_asked_for_the_scope_that_it_names() {
    let one = OneRegistry::new().await;
    let other = Registry::ghcr().with(|options: &mut Options| options.upstream = Some("upstream/app".to_owned()));
    let mirror = other.start().await.unwrap();
    let maker = Maker { registry: &mirror, repository: "cache/app" };
    let image = maker.image(&linux("amd64", "c0ffee"));
    let password = mirror.user("reader", &[("upstream/app", Access::Pull)]);
    let report = one
        .promotion("org/there")
        .input("source", format!("{}/cache/app@{}", mirror.host(), digest(&image)))
        .input("source-username", "reader")
        .input("source-password", password)
        .input("destination-username", one.registry.credentials().0)
        .input("destination-password", one.registry.credentials().1)
        .run()
        .await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let scopes: Vec<_> = mirror.requests().iter().filter_map(|request| request.query("scope")).collect();
    assert_eq!(scopes, ["repository:upstream/app:pull"]);
}

/// A promotion from one registry to another, each with a user of its own.
fn between(one: &OneRegistry, to: &Registry, user: &str, password: &str) -> Runner {
    one.promotion("org/there")
        .input("destination", format!("{}/org/there", to.host()))
        .input("destination-username", user)
        .input("destination-password", password)
}

/// Whether a registry was shown this password.
fn seen(registry: &Registry, secret: &str) -> bool {
    registry
        .requests()
        .iter()
        .filter_map(Request::credential)
        .any(|credential| matches!(credential, Credential::Basic(_, password) if password == secret))
}

#[tokio::test]
async fn the_destination_has_a_login_of_its_own() {
    let one = OneRegistry::new().await;
    let to = Registry::ghcr().start().await.unwrap();
    let (user, password) = to.credentials();
    let report = between(&one, &to, &user, &password).debug().run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&password);
    assert_eq!(to.tags("org/there").get("prd-1"), Some(&one.pushed.digest));
    // Neither password was seen by the other registry.
    let (_, reading) = one.registry.credentials();
    assert!(seen(&one.registry, &reading) && seen(&to, &password));
    assert!(!seen(&one.registry, &password) && !seen(&to, &reading));
}

#[tokio::test]
async fn within_one_registry_reader_and_writer_may_be_two() {
    let one = OneRegistry::new().await;
    let reader = one.registry.user("reader", &[("org/app", Access::Pull)]);
    let writer = one.registry.user("writer", &[("org/there", Access::Push)]);
    let read = one.promotion("org/there").input("source-username", "reader").input("source-password", &reader);
    let report = read.run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.error().message.contains("or give `destination-username` and `destination-password`"), "{report}");
    let report = read.input("destination-username", "writer").input("destination-password", &writer).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&reader).assert_no_secret(&writer);
    one.assert_complete("org/there");
}

#[tokio::test]
async fn a_source_that_asks_again_in_the_middle_is_answered_by_its_own_login() {
    let one = OneRegistry::new().await;
    let to = Registry::ghcr().with(|options| options.location = Location::Absolute).start().await.unwrap();
    let (user, password) = to.credentials();
    // Its token ends between the manifests and the blobs.
    let challenge = format!("Bearer realm=\"http://{}/token\",service=\"x\"", one.registry.token_host());
    let asks = Fault::on("GET", "/blobs/").unwrap().status(401).header("www-authenticate", &challenge).times(2);
    one.registry.fault(asks);
    let report = between(&one, &to, &user, &password).input("max-parallel", "1").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let (_, reading) = one.registry.credentials();
    assert!(seen(&one.registry, &reading));
    assert!(!seen(&one.registry, &password), "the destination's password stays there");
}
