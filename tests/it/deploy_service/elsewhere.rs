//! Images of other registries than ECR: they are looked at there, with the login that was given.

use testbed::registry::{DockerRegistry, Registry};

use super::*;

/// Debian's docker-registry with an image, which promote-artifact has brought there, and the login that it wants; none where it is not installed.
pub(crate) struct Peer {
    registry: DockerRegistry,
    pub(crate) image: String,
}

impl Peer {
    pub(crate) async fn new(world: &World) -> Option<Self> {
        let registry = DockerRegistry::start_with_login().await.unwrap()?;
        let ghcr = Registry::ghcr().start().await.unwrap();
        let pushed = ghcr.put_image(&ImageSpec::new("org/web").release("1.1.0", &world.commits[1]));
        let (from, to) = (ghcr.credentials(), registry.credentials().unwrap());
        let step = world.step("promote-artifact").input("source", format!("ghcr.io/org/web@{}", pushed.digest));
        let step = step.input("destination", format!("{}/org/web", registry.host())).input("tag", "v1.1.0");
        let step = step.input("registry-endpoint", format!("ghcr.io={}", ghcr.url())).input("verify-revision", "off");
        let step = step.input("source-username", from.0).input("source-password", from.1);
        let step = step.input("destination-username", to.0).input("destination-password", to.1);
        step.run().await.assert_verdict("pass", 0);
        Some(Self { image: format!("{}/org/web@{}", registry.host(), pushed.digest), registry })
    }

    /// The step with the login.
    pub(crate) fn login(&self, step: Runner) -> Runner {
        let (user, password) = self.registry.credentials().unwrap();
        step.input("registry-username", user).input("registry-password", password)
    }
}

#[tokio::test]
async fn an_image_of_another_makers_registry_is_looked_at_with_the_login_and_deployed() {
    let web = web(guarded).await;
    let Some(peer) = Peer::new(&web.world).await else { return };
    web.world.aws.clear_requests().await.unwrap();
    let deploy = || web.deploy().input("image", &peer.image);
    let refused = deploy().run().await;
    refused.assert_verdict("error", 4);
    assert!(refused.output("reason").contains("401"), "{refused}");
    assert_eq!(web.count("RegisterTaskDefinition").await, 0);
    let report = peer.login(deploy()).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let digest = peer.image.split_once('@').unwrap().1;
    assert!(serves(&report, digest), "{}", report.output("serving"));
    let absent = peer.image.replace(digest, &format!("sha256:{}", "0".repeat(64)));
    let report = peer.login(deploy().input("image", absent)).run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("does not exist"), "{report}");
}

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
