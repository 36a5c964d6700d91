//! Images of other registries than ECR: they are looked at there, with the login that was given.

use testbed::registry::Registry;

use super::*;

#[tokio::test]
async fn an_image_of_another_registry_is_looked_at_there() {
    let web = web(guarded).await;
    let ghcr = Registry::ghcr().start().await.unwrap();
    let commit = &web.world.commits[1];
    let pushed = ghcr.put_image(&ImageSpec::new("org/web").release("1.1.0", commit).architectures(&["amd64", "arm64"]));
    let arm = ghcr.put_image(&ImageSpec::new("org/web").content("arm").architectures(&["arm64"]));
    let (user, password) = &ghcr.credentials();
    let deploy = |digest: &str| {
        let step = web.deploy().input("image", format!("ghcr.io/org/web@{digest}"));
        step.input("registry-endpoint", format!("ghcr.io={}", ghcr.url()))
    };
    let with = |step: Runner| step.input("registry-username", user).input("registry-password", password);
    let absent = with(deploy(&format!("sha256:{}", "0".repeat(64)))).run().await;
    absent.assert_verdict("fail", 1);
    assert!(absent.output("reason").contains("does not exist"), "{absent}");
    let other = with(deploy(&arm.digest)).run().await;
    other.assert_verdict("fail", 1);
    assert!(other.output("reason").contains("is for linux/arm64"), "{other}");
    deploy(&pushed.digest).run().await.assert_verdict("error", 4);
    assert_eq!(web.count("RegisterTaskDefinition").await, 0);
    let report = with(deploy(&pushed.digest)).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(password);
    assert!(serves(&report, &pushed.digest), "{}", report.output("serving"));
    let definition = web.definition("web:2").await;
    let image = &definition["taskDefinition"]["containerDefinitions"][0]["image"];
    assert_eq!(*image, json!(format!("ghcr.io/org/web@{}", pushed.digest)));
    assert_eq!(web.world.records()[0].payload["targets"][0]["commit"], json!(commit));
    let misplaced = with(web.deploy()).run().await;
    misplaced.assert_verdict("error", 2);
    assert!(misplaced.error().message.contains("is for images in another registry"), "{misplaced}");
}
