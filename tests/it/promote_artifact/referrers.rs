//! What refers to an image comes along: by the registry's list, or by the tag that stands in for it.

use testbed::aws::ImageSpec;
use testbed::registry::{Mount, Registry};

use super::{OneRegistry, REPOSITORY, Scene, fail};

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const OLD_BUNDLE: &str = "application/vnd.dev.sigstore.bundle+json;version=0.2";
const SPDX: &str = "application/spdx+json";

fn signed() -> ImageSpec {
    ImageSpec::new("org/app").release("2", "c0ffee").architectures(&["amd64", "arm64"]).referrer(BUNDLE).referrer(SPDX)
}

#[tokio::test]
async fn signatures_come_along_between_all_kinds_of_registries() {
    for (from, to) in [(true, true), (true, false), (false, true), (false, false)] {
        let one = OneRegistry::new().await;
        one.registry.configure(|options| options.referrers = from);
        let pushed = one.registry.put_image(&signed());
        let anybody = |options: &mut testbed::registry::Options| {
            options.login = testbed::registry::Login::None;
            options.referrers = to;
        };
        let destination = Registry::ghcr().with(anybody).start().await.unwrap();
        let promotion = one
            .promotion("org/there")
            .input("source", format!("{}/org/app@{}", one.registry.host(), pushed.digest))
            .input("destination", format!("{}/org/there", destination.host()));
        let report = promotion.run().await;
        report.assert_verdict("pass", 0).assert_runner_safe();
        for referrer in &pushed.referrers {
            let there = destination.manifest("org/there", &referrer.digest).map(|found| found.bytes);
            assert_eq!(there.as_ref(), Some(&referrer.bytes), "{from} {to}");
        }
        assert!(report.summary.contains(BUNDLE) && report.summary.contains(SPDX), "{}", report.summary);
        let stand_in = pushed.digest.replace(':', "-");
        let listed = destination.manifest("org/there", &stand_in).map(|found| found.bytes);
        assert_eq!(listed.is_some(), !to, "a tag stands in where there is no list");
        if let Some(listed) = listed {
            let text = String::from_utf8(listed.to_vec()).unwrap();
            assert!(pushed.referrers.iter().all(|one| text.contains(&one.digest)), "{text}");
        }
        // Nothing is written twice, not even where all of it is asked for again.
        let before = destination.requests().len();
        promotion.input("referrers", "require").run().await.assert_verdict("skipped", 0);
        let later: Vec<_> = destination.requests().into_iter().skip(before).collect();
        assert!(later.iter().all(|request| matches!(request.method.as_str(), "GET" | "HEAD")));
    }
}

/// cosign 2 names nothing as a subject: it puts tags made of the digest of what it signs.
#[tokio::test]
async fn what_cosign_2_put_beside_an_image_comes_along_under_its_tag() {
    let scene = Scene::new().await;
    let spec = scene.image().signature("sig").signature("att").signature("sbom");
    let pushed = scene.ghcr.put_image(&spec);
    let tags = ["sig", "att", "sbom"].map(|ending| format!("{}.{ending}", pushed.digest.replace(':', "-")));
    let report = scene.promotion(&pushed.digest).input("referrers", "require").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    for tag in &tags {
        let there = scene.ghcr.manifest("org/app", tag).unwrap();
        assert_eq!(scene.manifest(REPOSITORY, tag).await, there.bytes, "{tag}");
        assert!(report.summary.contains(tag.as_str()), "{}", report.summary);
    }
    assert!(report.summary.contains("a signature of cosign 2"), "{}", report.summary);
    assert_eq!(report.annotations.len(), 0, "{report}");
    // Under another tag all of it is there; where the tag is on something else there, it stays there.
    let again = scene.promotion(&pushed.digest).input("tag", "again").run().await;
    again.assert_verdict("pass", 0).assert_runner_safe();
    assert!(again.summary.contains("there already"), "{}", again.summary);
    let resigned = scene.ghcr.put_image(&ImageSpec::new("org/app").content("signed again"));
    scene.ghcr.retag("org/app", &tags[0], &resigned.digest);
    let report = scene.promotion(&pushed.digest).input("tag", "resigned").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert!(report.warning().message.contains("is never moved"), "{report}");
    let required = scene.promotion(&pushed.digest).input("tag", "required").input("referrers", "require").run().await;
    assert!(fail(&required).contains(&tags[0]), "{required}");
    let none = scene.promotion(&pushed.digest).input("tag", "none").input("referrers", "none").run().await;
    none.assert_verdict("pass", 0);
    assert!(!none.summary.contains("cosign"), "{}", none.summary);
}

#[tokio::test]
async fn a_list_in_a_tag_keeps_what_others_have_put_into_it() {
    let one = OneRegistry::new().await;
    one.registry.configure(|options| options.mount = Mount::Granted);
    let pushed = one.registry.put_image(&signed());
    // The destination has the image, with a signature of its own.
    let own = ImageSpec { referrers: vec!["application/vnd.example.audit".to_owned()], ..signed() };
    let own = one.registry.put_image(&ImageSpec { repository: "org/there".to_owned(), ..own });
    assert_eq!(own.digest, pushed.digest);
    let image = format!("{}/org/app@{}", one.registry.host(), pushed.digest);
    one.promotion("org/there").input("source", image).run().await.assert_verdict("pass", 0);
    let list = one.registry.manifest("org/there", &pushed.digest.replace(':', "-")).unwrap();
    let list = String::from_utf8(list.bytes.to_vec()).unwrap();
    assert!(own.referrers.iter().chain(&pushed.referrers).all(|one| list.contains(&one.digest)), "{list}");
}

#[tokio::test]
async fn what_cannot_be_moved_is_named_and_with_require_refused() {
    let scene = Scene::new().await;
    let spec = scene.image().referrer(BUNDLE).referrer(OLD_BUNDLE);
    let pushed = scene.ghcr.put_image(&spec);
    let report = scene.promotion(&pushed.digest).input("referrers", "require").run().await;
    let reason = fail(&report);
    assert!(reason.contains("media types with parameters") && reason.contains("version=0.2"), "{reason}");
    assert_eq!(scene.tagged(&scene.tag()).await, None);
    let report = scene.promotion(&pushed.digest).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert!(report.warning().message.contains("stays where it is"), "{report}");
    assert_eq!(scene.manifest(REPOSITORY, &pushed.referrers[0].digest).await, pushed.referrers[0].bytes);
    assert_eq!(scene.manifest(REPOSITORY, &pushed.referrers[1].digest).await, b"");
}

#[tokio::test]
async fn an_image_that_nothing_refers_to_is_refused_where_that_is_required() {
    let scene = Scene::new().await;
    let pushed = scene.ghcr.put_image(&scene.image());
    let report = scene.promotion(&pushed.digest).input("referrers", "require").run().await;
    assert!(fail(&report).contains("nothing refers to"), "{report}");
    scene.promotion(&pushed.digest).input("referrers", "none").run().await.assert_verdict("pass", 0);
    assert!(!scene.ghcr.requests().iter().any(|request| request.target.contains("/manifests/sha256-")
        && request.header("user-agent").is_some_and(|agent| agent == "none")));
}

#[tokio::test]
async fn a_list_that_names_strangers_is_not_believed() {
    let one = OneRegistry::new().await;
    let pushed = one.registry.put_image(&signed());
    let stranger = one.registry.put_image(&ImageSpec::new("org/app").content("stranger"));
    // As GitLab has it: the tag is on the image itself.
    one.registry.retag("org/app", &pushed.digest.replace(':', "-"), &stranger.digest);
    let image = format!("{}/org/app@{}", one.registry.host(), pushed.digest);
    let promotion = one.promotion("org/there").input("source", image);
    promotion.input("referrers", "require").run().await.assert_verdict("fail", 1);
}
