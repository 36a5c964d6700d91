//! How the bytes go: mounted where one registry has them, read once for all who lack them, gone on with where they broke off.

use testbed::aws::ImageSpec;
use testbed::registry::{Blob, Cut, Fault, Mount, Place, Registry, Request};

use super::{OneRegistry, REPOSITORY, Scene, fail};

impl OneRegistry {
    fn asked(&self, method: &str, part: &str) -> Vec<Request> {
        let all = self.registry.requests().into_iter();
        all.filter(|one| one.method == method && one.target.contains(part)).collect()
    }
}

#[tokio::test]
async fn within_a_registry_blobs_are_mounted_and_nothing_is_read() {
    let one = OneRegistry::new().await;
    one.registry.configure(|options| options.mount = Mount::OfReferenced);
    let report = one.promotion("org/mounted").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    one.assert_complete("org/mounted");
    let blobs = one.pushed.blobs.len().to_string();
    assert_eq!((report.output("blobs-mounted"), report.output("blobs-copied")), (blobs.as_str(), "0"));
    assert_eq!(report.output("bytes-copied"), "0");
    let begun = one.asked("POST", "/blobs/uploads/");
    assert_eq!(begun.len(), one.pushed.blobs.len(), "one request for each");
    let session = |request: &Request| request.method == "PUT" && request.target.contains("/uploads/");
    assert!(!one.registry.requests().iter().any(session));
}

#[tokio::test]
async fn what_is_not_mounted_is_sent_in_the_session_that_was_begun() {
    let one = OneRegistry::new().await;
    let report = one.promotion("org/refused").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    one.assert_complete("org/refused");
    let blobs = one.pushed.blobs.len();
    assert_eq!((report.output("blobs-mounted"), report.output("blobs-copied")), ("0", blobs.to_string().as_str()));
    assert_eq!(one.asked("POST", "/blobs/uploads/").len(), blobs, "no second session for any");
    assert_eq!(one.registry.open_uploads("org/refused"), 0);
    // A registry that does not know the parameters at all.
    one.registry.fault(Fault::on("POST", "mount=").unwrap().status(405).code("UNSUPPORTED").always());
    one.promotion("org/unknown").run().await.assert_verdict("pass", 0);
    one.assert_complete("org/unknown");
}

#[tokio::test]
async fn a_download_that_breaks_off_goes_on_where_it_was() {
    for ranges in [true, false] {
        let one = OneRegistry::new().await;
        one.registry.configure(|options| options.ranges = ranges);
        let spec = ImageSpec::new("org/app").release("2", "c0ffee").layer(Blob::generated(3 << 20, 77));
        let pushed = one.registry.put_image(&spec);
        let layer = pushed.blobs.iter().find(|(_, size)| *size == 3 << 20).unwrap();
        let fault = Fault::on("GET", &format!("/store/.*{}", layer.0)).unwrap();
        one.registry.fault(fault.cut(Cut::After(1 << 20)).times(2));
        let image = format!("{}/org/app@{}", one.registry.host(), pushed.digest);
        let report = one.promotion("org/broken").input("source", image).run().await;
        report.assert_verdict("pass", 0).assert_runner_safe();
        let reads = one.asked("GET", &format!("/store/org/app/{}", layer.0));
        assert_eq!(reads.len(), 3, "{report}");
        assert!(reads.iter().skip(1).all(|read| read.header("range").is_some_and(|range| range != "bytes=0-")));
        // The upload went on all the while.
        let puts = one.asked("PUT", &format!("digest={}", layer.0.replace(':', "%3A")));
        assert_eq!(puts.len(), 1, "ranges {ranges}");
        assert_eq!(one.registry.tags("org/broken").get("prd-1"), Some(&pushed.digest));
    }
}

#[tokio::test]
async fn one_read_of_the_source_feeds_all_destinations() {
    let one = OneRegistry::new().await;
    let other = Registry::ghcr().with(|options| options.login = testbed::registry::Login::None).start().await.unwrap();
    let to = format!("{}/org/one\n{}/org/two\n{}/org/three", one.registry.host(), one.registry.host(), other.host());
    let promotion = one.promotion("org/one").input("destination", to);
    let report = promotion.run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    one.assert_complete("org/one");
    one.assert_complete("org/two");
    assert_eq!(other.tags("org/three").get("prd-1"), Some(&one.pushed.digest));
    let reads = one.registry.requests().into_iter().filter(|one_read| one.registry.place(one_read) == Place::Store);
    assert_eq!(reads.count(), one.pushed.blobs.len(), "each once, for all three");
    assert_eq!(report.output("blobs-copied"), (3 * one.pushed.blobs.len()).to_string());
    let images: Vec<&str> = report.output("image").lines().collect();
    assert_eq!(images.len(), 3);
    assert!(images[2].ends_with(&format!("/org/three@{}", one.pushed.digest)), "{images:?}");
    promotion.run().await.assert_verdict("skipped", 0);
    // One that must begin again does not hold the others up, and reads by itself.
    one.registry.fault(Fault::on("PUT", "org/five/.*/uploads/").unwrap().cut(Cut::Upload(1)).times(1));
    let to = format!("{}/org/four\n{}/org/five", one.registry.host(), one.registry.host());
    one.promotion("org/four").input("destination", to).run().await.assert_verdict("pass", 0);
    one.assert_complete("org/four");
    one.assert_complete("org/five");
}

#[tokio::test]
async fn all_destinations_get_the_tag_or_none() {
    let one = OneRegistry::new().await;
    let taken = one.registry.put_image(&ImageSpec::new("org/taken").content("other").tag("prd-1"));
    let to = format!("{}/org/free\n{}/org/taken", one.registry.host(), one.registry.host());
    let report = one.promotion("org/free").input("destination", to).run().await;
    let reason = fail(&report);
    assert!(reason.contains(&taken.digest) && reason.contains(&one.pushed.digest), "{reason}");
    assert!(one.registry.tags("org/free").is_empty());
    let writes =
        one.registry.requests().into_iter().filter(|request| !matches!(request.method.as_str(), "GET" | "HEAD"));
    assert_eq!(writes.count(), 0);
}

#[tokio::test]
async fn a_finished_promotion_again_reads_the_manifest_and_for_which_platform_it_is() {
    let scene = Scene::new().await;
    let pushed = scene.ghcr.put_image(&ImageSpec::new("org/app").release("1.4.0", scene.commit()));
    let promotion = scene.promotion(&pushed.digest).input("verify-revision", "off");
    let promotion = promotion.input("registry", scene.world.aws.id.as_str());
    promotion.run().await.assert_verdict("pass", 0);
    scene.world.aws.clear_requests().await.unwrap();
    let before = scene.ghcr.requests().len();
    let again = promotion.run().await;
    again.assert_verdict("skipped", 0).assert_runner_safe();
    assert_eq!(again.output("lambda-image"), format!("{REPOSITORY}@{}", pushed.digest));
    let asked: Vec<String> = scene.world.operations().await;
    // ECR answers a configuration with where it lies.
    assert_eq!(asked, ["ecr GetAuthorizationToken", "registry GetManifest", "registry GetBlob", "layers GetLayer"]);
    assert_eq!(scene.ghcr.requests().len(), before);
    // A moving tag that is there already adds one.
    let moving = promotion.clone().input("moving-tags", "latest");
    moving.run().await.assert_verdict("pass", 0);
    scene.world.aws.clear_requests().await.unwrap();
    moving.run().await.assert_verdict("skipped", 0);
    assert_eq!(scene.world.operations().await.len(), 5);
}

#[tokio::test]
async fn what_is_there_is_asked_a_hundred_at_a_time() {
    let scene = Scene::new().await;
    let mut spec = ImageSpec::new("org/app").release("1.4.0", scene.commit());
    for seed in 0..120 {
        spec = spec.layer(Blob::generated(100 + seed, 500 + seed));
    }
    let pushed = scene.ghcr.put_image(&spec);
    let report = scene.promotion(&pushed.digest).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let asked = scene.world.operations().await;
    let checks = asked.iter().filter(|one| one.contains("BatchCheckLayerAvailability")).count();
    assert_eq!(checks, 2, "{} blobs", pushed.blobs.len());
    assert!(!asked.iter().any(|one| one.contains("HeadBlob")));
}

#[tokio::test]
async fn a_moving_tag_is_put_last_and_over_what_it_named() {
    let scene = Scene::new().await;
    let old = scene.world.aws.push_image(&ImageSpec::new(REPOSITORY).content("old").tag("latest")).await.unwrap();
    let pushed = scene.ghcr.put_image(&scene.image());
    let promotion = scene.promotion(&pushed.digest).input("moving-tags", "latest\nprd");
    let report = promotion.run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(scene.tagged("latest").await, Some(pushed.digest.clone()));
    assert_eq!(scene.tagged("prd").await, Some(pushed.digest.clone()));
    assert_ne!(old, pushed.digest);
    promotion.run().await.assert_verdict("skipped", 0);
    let report = scene.promotion(&pushed.digest).input("tag", "latest").input("moving-tags", "latest").run().await;
    report.assert_verdict("error", 2);
}

#[tokio::test]
async fn a_moving_tag_that_ecr_keeps_is_refused_before_anything_is_written() {
    let scene = Scene::with(|_| {}, "IMMUTABLE").await;
    scene.world.aws.push_image(&ImageSpec::new(REPOSITORY).content("old").tag("latest")).await.unwrap();
    let pushed = scene.ghcr.put_image(&scene.image());
    let report = scene.promotion(&pushed.digest).input("moving-tags", "latest").run().await;
    assert!(fail(&report).contains("does not let it move"), "{report}");
    assert_eq!(scene.tagged(&scene.tag()).await, None);
}

#[tokio::test]
async fn the_labels_of_the_image_stand_in_the_evidence() {
    let scene = Scene::new().await;
    let spec = scene.image().label("org.opencontainers.image.title", "shop api").label("com.example.secret", "no");
    let pushed = scene.ghcr.put_image(&spec);
    let report = scene.promotion(&pushed.digest).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let measured = report.evidence()["measured"].to_string();
    assert!(measured.contains("\"org.opencontainers.image.title\":\"shop api\""), "{measured}");
    assert!(measured.contains(scene.commit()) && !measured.contains("com.example"), "{measured}");
}
