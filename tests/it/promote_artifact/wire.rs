//! Who sees which credentials, and what goes wrong between registries.

use std::collections::BTreeSet;
use std::time::Duration;

use testbed::registry::{Credential, Cut, DockerRegistry, Fault, Location, Login, Place, Registry, Request, digest};

use super::{GHCR, OneRegistry, Scene, fail};

#[tokio::test]
async fn credentials_are_seen_by_their_own_registry_only() {
    let scene = Scene::new().await;
    let pushed = scene.ghcr.put_image(&scene.image());
    let (user, password) = scene.ghcr.credentials();
    let report = scene.promotion(&pushed.digest).debug().run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&password);
    let mut tokens = Vec::new();
    for request in scene.ghcr.requests() {
        let (place, at) = (scene.ghcr.place(&request), request.line());
        match (place, request.credential()) {
            // The password buys a token, and goes nowhere else.
            (Place::Tokens, Some(Credential::Basic(name, secret))) => assert_eq!((&name, &secret), (&user, &password)),
            (Place::Registry, Some(Credential::Bearer(token))) => tokens.push(token),
            (Place::Registry | Place::Store, None) => {}
            (_, other) => panic!("{place:?} {at}: {other:?}"),
        }
        if place == Place::Registry {
            assert_eq!(request.header("host"), Some(GHCR), "{at}");
        }
    }
    assert!(
        !tokens.is_empty() && scene.ghcr.requests().iter().any(|request| scene.ghcr.place(request) == Place::Store)
    );
    for token in &tokens {
        report.assert_no_secret(token);
    }
    // ECR's host saw requests of its own name, and only those.
    let ecr = scene.world.aws.requests().await.unwrap();
    assert!(ecr.iter().filter(|one| one.service == "registry").all(|one| one.host == scene.ecr_host()));
    assert!(!report.raw.contains(&scene.world.aws.id) || report.output("image-uri").contains(&scene.world.aws.id));
    for evidence in [report.evidence().to_string(), report.summary.clone()] {
        assert!(!evidence.contains(&scene.world.aws.id), "{evidence}");
    }
}

#[tokio::test]
async fn an_upload_that_should_go_on_elsewhere_is_refused() {
    let one = OneRegistry::new().await;
    let other = Registry::ghcr().start().await.unwrap();
    one.registry.configure(|options| options.location = Location::OtherHost(other.host().to_owned()));
    let report = one.promotion("org/there").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.output("reason").contains("another host"), "{report}");
    assert!(other.requests().is_empty());
    assert!(one.registry.tags("org/there").is_empty());
    for location in [Location::Absolute, Location::Relative] {
        one.registry.configure(|options| options.location = location.clone());
        one.promotion(&format!("org/{location:?}").to_lowercase()).run().await.assert_verdict("pass", 0);
    }
    one.registry.configure(|options| options.location = Location::Missing);
    one.promotion("org/missing").run().await.assert_verdict("error", 4);
}

#[tokio::test]
async fn tokens_and_passwords_are_given_as_a_registry_asks() {
    let one = OneRegistry::new().await;
    for (login, lifetime) in [(Login::Basic, 300), (Login::Bearer, 1), (Login::None, 300)] {
        one.registry.configure(|options| {
            options.login = login;
            options.token_lifetime = Duration::from_secs(lifetime);
        });
        let repository = format!("org/{login:?}").to_lowercase();
        one.promotion(&repository).run().await.assert_verdict("pass", 0).assert_runner_safe();
        one.assert_complete(&repository);
    }
    one.registry.configure(|options| options.login = Login::Bearer);
    let report = one.promotion("org/wrong").input("source-password", "not-the-password").run().await;
    report.assert_verdict("error", 4).assert_no_secret("not-the-password");
    assert!(report.error().message.contains("source-password"), "{report}");
}

#[tokio::test]
async fn what_breaks_on_the_way_is_sent_again_in_a_new_session() {
    let one = OneRegistry::new().await;
    let faults = [
        ("cut-download", Fault::on("GET", "/store/").unwrap().cut(Cut::Truncate).times(2)),
        ("reset-download", Fault::on("GET", "/store/").unwrap().cut(Cut::Reset)),
        ("cut-upload", Fault::on("PUT", "/uploads/").unwrap().cut(Cut::Upload(1)).times(2)),
        ("lost-upload", Fault::on("PUT", "/uploads/").unwrap().applied().cut(Cut::Reset)),
        ("busy", Fault::on("PUT", "/manifests/").unwrap().status(429).code("TOOMANYREQUESTS").retry_after(1).times(2)),
        ("broken", Fault::on("*", "/v2/").unwrap().status(503).after(3).times(3)),
    ];
    for (name, fault) in faults {
        one.registry.clear_faults();
        one.registry.fault(fault);
        let repository = format!("org/{name}");
        let report = one.promotion(&repository).run().await;
        assert!(report.succeeded(), "{name}: {report}");
        one.assert_complete(&repository);
    }
    let sessions: Vec<_> = one
        .registry
        .requests()
        .into_iter()
        .filter(|one| one.method == "PUT" && one.query("digest").is_some())
        .collect();
    let paths: BTreeSet<&str> = sessions.iter().map(Request::path).collect();
    assert_eq!(paths.len(), sessions.len(), "no session is used twice");
    assert!(one.registry.requests().iter().all(|request| request.method != "PATCH"), "one PUT a blob");
}

#[tokio::test]
async fn a_flipped_bit_anywhere_fails_and_leaves_no_tag() {
    let one = OneRegistry::new().await;
    let first = &one.pushed.blobs[0].0;
    let child = &one.pushed.children[0].digest;
    let cases = [
        ("blob", Fault::on("GET", "/store/").unwrap().corrupt().always()),
        ("one-blob", Fault::on("GET", &format!("/blobs/{first}|/store/.*{first}")).unwrap().corrupt().always()),
        ("index", Fault::on("GET", &format!("org/app/manifests/{}", one.pushed.digest)).unwrap().corrupt().always()),
        ("child", Fault::on("GET", &format!("org/app/manifests/{child}")).unwrap().corrupt().always()),
        (
            "header",
            Fault::on("GET", &format!("org/app/manifests/{child}"))
                .unwrap()
                .header("docker-content-digest", &format!("sha256:{}", "0".repeat(64)))
                .always(),
        ),
    ];
    for (name, fault) in cases {
        one.registry.clear_faults();
        one.registry.fault(fault);
        let repository = format!("org/{name}");
        let report = one.promotion(&repository).run().await;
        fail(&report);
        assert!(
            report.output("reason").contains("was sent as") || report.output("reason").contains("has the digest"),
            "{name}: {report}"
        );
        assert!(one.registry.tags(&repository).is_empty(), "{name}");
    }
}

#[tokio::test]
async fn the_jobs_own_token_opens_ghcr() {
    let scene = Scene::new().await;
    let pushed = scene.ghcr.put_image(&scene.image());
    let (user, password) = scene.ghcr.credentials();
    let image = format!("{GHCR}/org/app@{}", pushed.digest);
    let report = scene.step().input("source", image.as_str()).token(&password).actor(&user).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&password);
    let report = scene.step().input("source", image).input("tag", "x").token("another-token").actor(&user).run().await;
    report.assert_verdict("error", 4);
    assert!(report.error().message.contains("packages: read"), "{report}");
}

#[tokio::test]
async fn another_makers_registry_takes_and_gives_the_same_bytes() {
    let Some(peer) = DockerRegistry::start().await.unwrap() else { return };
    let scene = Scene::new().await;
    let pushed = scene.ghcr.put_image(&scene.image());
    let to = |repository: &str| format!("{}/{repository}", peer.host());
    let report = scene.promotion(&pushed.digest).input("destination", to("dev/app")).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let image = format!("{}@{}", to("dev/app"), pushed.digest);
    let within = scene.step().input("source", image.as_str()).input("destination", to("prd/app"));
    within.run().await.assert_verdict("pass", 0).assert_runner_safe();
    let again = within.run().await;
    again.assert_verdict("skipped", 0);
    assert_eq!(again.output("image"), format!("{}@{}", to("prd/app"), pushed.digest));
    let url = format!("http://{}/v2/prd/app/manifests/{}", peer.host(), scene.tag());
    let client = deploy_action::net::client().unwrap().build().unwrap();
    let answer = client.get(url).header("accept", pushed.manifest.media_type.as_str()).send().await.unwrap();
    let bytes = answer.bytes().await.unwrap();
    assert_eq!((digest(&bytes), &bytes), (pushed.digest, &pushed.manifest.bytes));
}

#[tokio::test]
async fn an_index_with_gaps_at_the_destination_is_filled() {
    let one = OneRegistry::new().await;
    one.promotion("org/there").input("tag", "before").run().await.assert_verdict("pass", 0);
    one.registry.delete_tag("org/there", "before");
    one.registry.delete_manifest("org/there", &one.pushed.children[0].digest);
    one.promotion("org/there").run().await.assert_verdict("pass", 0);
    one.assert_complete("org/there");
}
