//! Artifacts of every form: read in one way, whatever is asked of them, in the first run and in every later one.

use serde_json::{Value, json};
use testbed::aws::FunctionSpec;

use super::made::{GZIP, IMAGE, Maker, digest, linux, on};
use super::{REPOSITORY, Scene, fail};

impl Scene {
    fn maker(&self) -> Maker<'_> {
        Maker { registry: &self.ghcr, repository: "org/app" }
    }

    /// Promotes three times, first, again, and under a new tag without a look at the revision: each time Lambda gets the same image.
    async fn assert_for_lambda(&self, top: &Value, image: &str) {
        let promotion = || self.promotion(digest(top));
        let first = promotion().run().await;
        first.assert_verdict("pass", 0).assert_runner_safe();
        let again = promotion().run().await;
        again.assert_verdict("skipped", 0).assert_runner_safe();
        let unread = promotion().input("tag", "unread").input("verify-revision", "off").run().await;
        unread.assert_verdict("pass", 0).assert_runner_safe();
        for report in [&first, &again, &unread] {
            assert_eq!(report.output("lambda-digest"), image, "{report}");
            assert_eq!(report.annotations.len(), 0, "{report}");
        }
        assert_eq!((first.output("revision"), again.output("revision")), (self.commit(), self.commit()));
    }
}

/// An index in an index, and the image in that.
fn nested(scene: &Scene, commit: &str) -> (Value, Value, Value) {
    let maker = scene.maker();
    let image = maker.image(&linux("amd64", commit));
    let inner = maker.index(&[&on(&image, "linux", "amd64")]);
    (maker.index(&[&on(&inner, "linux", "amd64")]), inner, image)
}

/// An index as `crane index append` writes it: its entries have no platform.
fn silent(scene: &Scene, commit: &str) -> (Value, Value) {
    let maker = scene.maker();
    let (arm, amd) = (maker.image(&linux("arm64", commit)), maker.image(&linux("amd64", commit)));
    (maker.index(&[&arm, &amd]), amd)
}

#[tokio::test]
async fn an_index_in_an_index_is_read_the_same_way_in_every_run() {
    let scene = Scene::new().await;
    let (top, inner, image) = nested(&scene, scene.commit());
    scene.assert_for_lambda(&top, digest(&image)).await;

    // publish-version names the image, not the index between.
    let uri = scene.world.aws.image_uri(REPOSITORY, digest(&image));
    scene.world.aws.create_function(&FunctionSpec::image("shop-api", &uri)).await.unwrap();
    let publish = scene.world.step("publish-version").input("function", "shop-api");
    let report = publish.input("image", format!("{REPOSITORY}@{}", digest(&top))).run().await;
    let reason = fail(&report);
    assert!(reason.contains(&format!("for function shop-api (x86_64) use {}", digest(&image))), "{reason}");
    assert!(!report.error().message.contains(digest(&inner)), "{report}");
}

#[tokio::test]
async fn what_was_tested_may_lie_below_an_index_in_an_index() {
    let scene = Scene::new().await;
    let (top, _, image) = nested(&scene, scene.commit());
    scene.promotion(digest(&top)).input("environment", "dev").run().await.assert_verdict("pass", 0);
    scene.record("dev", scene.commit(), &[digest(&image)], &["success"]);
    let report = scene.of_dev().run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!((report.output("digest"), report.output("lambda-digest")), (digest(&top), digest(&image)));
}

#[tokio::test]
async fn entries_without_a_platform_are_read_from_their_configuration_in_every_run() {
    let scene = Scene::new().await;
    let (top, amd) = silent(&scene, scene.commit());
    scene.assert_for_lambda(&top, digest(&amd)).await;
    let uri = scene.world.aws.image_uri(REPOSITORY, digest(&amd));
    scene.world.aws.create_function(&FunctionSpec::image("shop-api", &uri)).await.unwrap();
    let publish = scene.world.step("publish-version").input("function", "shop-api");
    let report = publish.input("image", format!("{REPOSITORY}@{}", digest(&top))).run().await;
    let reason = fail(&report);
    assert!(reason.contains("is an index (linux/arm64, linux/amd64)"), "{reason}");
    assert!(reason.contains(&format!("use {}", digest(&amd))), "{reason}");
}

#[tokio::test]
async fn a_required_revision_is_required_of_what_is_in_place_already() {
    let scene = Scene::new().await;
    let other = &scene.commits[0];
    let tops = [nested(&scene, other).0, silent(&scene, other).0];
    for (place, top) in tops.iter().enumerate() {
        let promotion = || scene.promotion(digest(top)).input("tag", format!("tag-{place}"));
        promotion().input("verify-revision", "off").run().await.assert_verdict("pass", 0);
        let report = promotion().input("verify-revision", "require").run().await;
        assert!(fail(&report).contains(&format!("was built from commit {other}")), "{report}");
    }
    // Not only of the image for the platform.
    let maker = scene.maker();
    let (amd, arm) = (maker.image(&linux("amd64", scene.commit())), maker.image(&linux("arm64", other)));
    let top = maker.index(&[&on(&amd, "linux", "amd64"), &on(&arm, "linux", "arm64")]);
    let promotion = || scene.promotion(digest(&top)).input("tag", "both");
    promotion().run().await.assert_verdict("pass", 0);
    let report = promotion().input("verify-revision", "require").run().await;
    assert!(fail(&report).contains(&digest(&arm)[..19]), "{report}");
    // An artifact of which nothing can be told.
    let chart = maker.blob("application/vnd.cncf.helm.config.v1+json", "{}");
    let layers = [maker.blob(GZIP, "a chart")];
    let chart =
        maker.manifest(IMAGE, &json!({"schemaVersion": 2, "mediaType": IMAGE, "config": chart, "layers": layers}));
    let promotion = || scene.promotion(digest(&chart)).input("tag", "chart");
    let report = promotion().input("verify-revision", "require").run().await;
    assert!(fail(&report).contains("holds no image"), "{report}");
    promotion().run().await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn layers_that_lambda_does_not_take_are_told_when_the_image_is_promoted() {
    let scene = Scene::new().await;
    let maker = scene.maker();
    let zstd = "application/vnd.oci.image.layer.v1.tar+zstd";
    let image = maker.manifest(IMAGE, &maker.unput(&linux("amd64", scene.commit()), zstd));
    let top = maker.index(&[&on(&image, "linux", "amd64")]);
    for (described, verdict) in [(&image, "pass"), (&image, "skipped"), (&top, "pass"), (&top, "skipped")] {
        let report = scene.promotion(digest(described)).input("tag", &digest(described)[7..19]).run().await;
        report.assert_verdict(verdict, 0);
        assert_eq!((report.output("lambda-image"), report.output("lambda-digest")), ("", ""));
        let warning = &report.warning().message;
        assert!(warning.contains(zstd) && warning.contains("compression=gzip"), "{warning}");
    }
}

#[tokio::test]
async fn a_configuration_that_names_no_platform_is_told() {
    let scene = Scene::new().await;
    let maker = scene.maker();
    let labels = linux("amd64", scene.commit())["config"].clone();
    for (tag, configuration) in
        [("none", json!({"config": labels})), ("half", json!({"os": "linux", "config": labels}))]
    {
        let image = maker.image(&configuration);
        let report = scene.promotion(digest(&image)).input("tag", tag).run().await;
        report.assert_verdict("pass", 0);
        assert_eq!(report.output("lambda-image"), "");
        let warning = &report.warning().message;
        assert!(warning.contains("built for a platform that it does not name"), "{warning}");
    }
}

#[tokio::test]
async fn of_an_index_with_a_windows_image_the_one_for_linux_is_named() {
    let scene = Scene::new().await;
    let maker = scene.maker();
    let linux = maker.image(&linux("amd64", scene.commit()));
    let mut windows = maker.unput(&json!({"os": "windows", "architecture": "amd64"}), GZIP);
    windows["layers"][0]["mediaType"] = json!("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");
    windows["layers"][0]["urls"] = json!(["https://mcr.example.com/layer"]);
    let windows = maker.manifest(IMAGE, &windows);
    let top = maker.index(&[&on(&windows, "windows", "amd64"), &on(&linux, "linux", "amd64")]);
    let report = scene.promotion(digest(&top)).run().await;
    assert!(fail(&report).contains("is foreign"), "{report}");
    let alone = format!("ghcr.io/org/app@{}", digest(&linux));
    assert!(report.error().message.contains(&format!("`source: {alone}`")), "{report}");
    scene.promotion(digest(&linux)).run().await.assert_verdict("pass", 0);
    // Of the windows image alone there is none to name.
    let report = scene.promotion(digest(&windows)).input("tag", "windows").run().await;
    assert!(!report.error().message.contains("alone"), "{report}");
}

#[tokio::test]
async fn an_image_of_schema_1_is_to_be_pushed_again() {
    let scene = Scene::new().await;
    scene.ghcr.configure(|options| options.strict_accept = false);
    let old = json!({"schemaVersion": 1, "name": "org/app", "tag": "old", "architecture": "amd64",
                     "fsLayers": [{"blobSum": format!("sha256:{}", "a".repeat(64))}], "history": [], "signatures": []});
    let media_type = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    let described = scene.maker().manifest(media_type, &old);
    let report = scene.promotion(digest(&described)).run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(
        report.output("reason").contains("schema 1") && report.output("reason").contains("push it again"),
        "{report}"
    );
}
