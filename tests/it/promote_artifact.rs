//! promote-artifact: the same image from the registry it was pushed to, through staging, to production.

mod advice;
mod again;
mod component;
mod dialects;
mod elsewhere;
mod found;
mod functions;
mod gates;
mod graphs;
mod limits;
mod made;
mod properties;
mod referrers;
mod release;
mod scan;
mod table;
mod tags;
mod transfers;
mod wait;
mod wire;
mod zip;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use testbed::aws::ImageSpec;
use testbed::github::{Deployment, Permission};
use testbed::registry::{Blob, Mount, Options, Pushed, Registry};
use testbed::runner::{Report, Runner};

use crate::world::World;

pub(crate) use self::table::UNDER_TEST;

const GHCR: &str = "ghcr.io";
const REPOSITORY: &str = "shop-api";

/// A world with a registry beside it that plays ghcr.io, and a repository in ECR.
struct Scene {
    world: World,
    ghcr: Registry,
    /// Commits with different files, oldest first.
    commits: Vec<String>,
}

impl Scene {
    async fn new() -> Self {
        Self::with(|_| {}, "MUTABLE").await
    }

    async fn with(options: impl FnOnce(&mut Options), mutability: &str) -> Self {
        let world = World::new().await;
        let ghcr = Registry::ghcr().with(options).start().await.unwrap();
        world.aws.create_repository_with(REPOSITORY, mutability).await.unwrap();
        let commits =
            ["one", "two", "three"].map(|content| world.repository.push("main", &[("app", content)], content));
        Self { world, ghcr, commits: commits.to_vec() }
    }

    fn commit(&self) -> &str {
        &self.commits[2]
    }

    fn tag(&self) -> String {
        format!("prd-{}", self.commit())
    }

    /// An index of two platforms with attestations, built from the newest commit.
    fn image(&self) -> ImageSpec {
        ImageSpec::new("org/app").release("1.4.0", self.commit()).architectures(&["amd64", "arm64"]).attestation()
    }

    fn ecr_host(&self) -> String {
        format!("{}.dkr.ecr.{}.amazonaws.com", self.world.aws.id, self.world.aws.region())
    }

    /// A promotion to production.
    fn step(&self) -> Runner {
        let endpoints = format!("{GHCR}={}\n{}={}", self.ghcr.url(), self.ecr_host(), self.world.aws.endpoint());
        self.world
            .step_with("promote-artifact", &[Permission::Deployments.read(), Permission::Contents.read()])
            .sha(self.commit())
            .input("environment", "prd")
            .input("destination", REPOSITORY)
            .input("registry-endpoint", endpoints)
    }

    /// The same, of an image of ghcr.io.
    fn promotion(&self, digest: &str) -> Runner {
        let (user, password) = self.ghcr.credentials();
        self.step()
            .input("source", format!("{GHCR}/org/app@{digest}"))
            .input("source-username", user)
            .input("source-password", password)
    }

    async fn tagged(&self, tag: &str) -> Option<String> {
        self.world.aws.image_digest(REPOSITORY, tag).await.unwrap()
    }

    /// The manifest of this digest or tag in ECR, as its bytes.
    async fn manifest(&self, repository: &str, reference: &str) -> Vec<u8> {
        let kind = if reference.starts_with("sha256:") { "imageDigest" } else { "imageTag" };
        let asked = json!({"repositoryName": repository, "imageIds": [{kind: reference}]});
        let answer = self.world.aws.ecr("BatchGetImage", &asked).await.unwrap();
        answer["images"][0]["imageManifest"].as_str().unwrap_or_default().as_bytes().to_vec()
    }

    /// What was asked of ECR's registry, in order, without reads of its API.
    async fn registry_calls(&self) -> Vec<String> {
        let all = self.world.operations().await;
        all.iter().filter_map(|one| one.strip_prefix("registry ")).map(str::to_owned).collect()
    }

    /// A record of a deployment to dev with these statuses, oldest first.
    fn record(&self, environment: &str, commit: &str, digests: &[&str], states: &[&str]) -> u64 {
        let targets: Vec<Value> = digests
            .iter()
            .enumerate()
            .map(|(place, digest)| {
                self.world.aws.target(&format!("api{place}"), "live", &json!({"version": "7", "digest": digest}))
            })
            .collect();
        let id = self.world.repository.add_deployment(Deployment {
            sha: commit.to_owned(),
            environment: environment.to_owned(),
            payload: json!({
                "schema": 1, "component": "shop", "kind": "deploy", "commit": commit,
                "tree": self.world.repository.tree(commit), "version": "v1.4.0", "targets": targets,
                "run": {"id": 600, "attempt": 1},
            }),
            ..Deployment::default()
        });
        for state in states {
            self.world.repository.add_status(id, state, "by hand");
        }
        id
    }

    /// An image in ECR that is tagged as in dev.
    async fn in_dev(&self, commit: &str, content: &str) -> String {
        let spec = ImageSpec::new(REPOSITORY).release("1.4.0", commit).content(content).tag(&format!("dev-{commit}"));
        self.world.aws.push_image(&spec).await.unwrap()
    }

    fn of_dev(&self) -> Runner {
        self.step().input("from-environment", "dev")
    }
}

fn writes(calls: &[String]) -> Vec<&String> {
    calls.iter().filter(|call| !["Get", "Head", "Ping"].iter().any(|read| call.starts_with(read))).collect()
}

fn fail(report: &Report) -> &str {
    report.assert_verdict("fail", 1).assert_runner_safe();
    report.output("reason")
}

/// Everything within one registry, so that every request of the promotion can be held.
struct OneRegistry {
    world: World,
    registry: Registry,
    pushed: Pushed,
}

impl OneRegistry {
    async fn new() -> Self {
        let world = World::new().await;
        // It mounts nothing, so that everything is read and sent.
        let registry = Registry::ghcr().with(|options| options.mount = Mount::Refused).start().await.unwrap();
        let spec = ImageSpec::new("org/app").release("1", "c0ffee").architectures(&["amd64", "arm64"]).attestation();
        let pushed = registry.put_image(&spec);
        Self { world, registry, pushed }
    }

    fn promotion(&self, destination: &str) -> Runner {
        let (user, password) = self.registry.credentials();
        let host = self.registry.host();
        self.world
            .step("promote-artifact")
            .input("source", format!("{host}/org/app@{}", self.pushed.digest))
            .input("source-username", user)
            .input("source-password", password)
            .input("destination", format!("{host}/{destination}"))
            .input("tag", "prd-1")
            .input("verify-revision", "off")
    }

    fn assert_complete(&self, repository: &str) {
        let tags = self.registry.tags(repository);
        assert_eq!(tags, BTreeMap::from([("prd-1".to_owned(), self.pushed.digest.clone())]));
        let manifests = self.registry.manifests(repository);
        for manifest in self.pushed.children.iter().chain([&self.pushed.manifest]) {
            assert!(manifests.contains(&manifest.digest), "{repository} lacks {}", manifest.digest);
        }
        assert!(
            self.pushed.blobs.iter().all(|(digest, size)| self.registry.blobs(repository).get(digest) == Some(size))
        );
    }
}

/// Checks that everything of an image is in ECR, byte for byte.
async fn assert_complete(scene: &Scene, pushed: &Pushed) {
    assert_eq!(scene.tagged(&scene.tag()).await.as_deref(), Some(pushed.digest.as_str()));
    assert_eq!(scene.manifest(REPOSITORY, &scene.tag()).await, pushed.manifest.bytes);
    for child in &pushed.children {
        assert_eq!(scene.manifest(REPOSITORY, &child.digest).await, child.bytes);
    }
    for (digest, _) in &pushed.blobs {
        let asked = json!({"repositoryName": REPOSITORY, "layerDigests": [digest]});
        let known = scene.world.aws.ecr("BatchCheckLayerAvailability", &asked).await.unwrap();
        assert_eq!(known["layers"][0]["layerAvailability"], "AVAILABLE", "{digest}");
    }
}

#[tokio::test]
async fn production_gets_the_digest_that_was_pushed_byte_for_byte() {
    let scene = Scene::new().await;
    let pushed = scene.ghcr.put_image(&scene.image());
    // To dev, as the build's image, then on to production, as what succeeded in dev.
    let dev = scene.promotion(&pushed.digest).input("environment", "dev").run().await;
    dev.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!((dev.output("match"), dev.output("revision")), ("explicit", scene.commit()));
    let arm = pushed.children.iter().find(|child| child.architecture.as_deref() == Some("arm64")).unwrap();
    let amd = pushed.children.iter().find(|child| child.architecture.as_deref() == Some("amd64")).unwrap();
    assert_eq!(dev.output("lambda-image"), format!("{REPOSITORY}@{}", amd.digest));
    // A function for arm64 served the child, not the index.
    let id = scene.record("dev", scene.commit(), &[&arm.digest], &["in_progress", "success"]);

    let prd = scene.of_dev().input("platform", "linux/arm64").run().await;
    prd.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(prd.output("match"), "commit");
    assert_eq!(prd.output("source-sha"), scene.commit());
    assert_eq!(prd.output("digest"), pushed.digest);
    assert_eq!(prd.output("image"), format!("{REPOSITORY}@{}", pushed.digest));
    assert_eq!(prd.output("image-uri"), format!("{}/{REPOSITORY}@{}", scene.ecr_host(), pushed.digest));
    assert_eq!((prd.output("repository"), prd.output("tag")), (REPOSITORY, scene.tag().as_str()));
    assert_eq!(prd.output("lambda-image"), format!("{REPOSITORY}@{}", arm.digest));
    assert_eq!(prd.output("lambda-digest"), arm.digest);
    assert_eq!(prd.output("tag-protection"), "not-enforced");
    // Within one registry nothing is transferred: the tag is put, and that is all.
    assert_eq!((prd.output("bytes-copied"), prd.output("blobs-copied")), ("0", "0"));
    assert_eq!((prd.output("changed"), prd.output("serving")), ("true", ""));
    assert!(prd.log.iter().any(|line| line.contains(&format!("deployment {id}"))), "{prd}");

    assert_complete(&scene, &pushed).await;
    let images = scene.world.aws.ecr("ListImages", &json!({"repositoryName": REPOSITORY})).await.unwrap();
    let tags: BTreeMap<&str, &str> = images["imageIds"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| Some((one["imageTag"].as_str()?, one["imageDigest"].as_str()?)))
        .collect();
    let dev_tag = format!("dev-{}", scene.commit());
    assert_eq!(
        tags,
        BTreeMap::from([(dev_tag.as_str(), pushed.digest.as_str()), (&scene.tag(), pushed.digest.as_str())]),
        "no other tag, and none moved"
    );
    let calls = scene.registry_calls().await;
    let tags = scene.world.operations().await.iter().filter(|one| *one == "ecr PutImage").count();
    let puts = calls.iter().filter(|call| *call == "PutManifest").count();
    assert_eq!(
        (puts, tags),
        (pushed.children.len() + 1, 2),
        "each manifest once by its digest, and one tag an environment: {calls:?}"
    );
}

#[tokio::test]
async fn a_second_run_transfers_and_writes_nothing() {
    let scene = Scene::new().await;
    let pushed = scene.ghcr.put_image(&scene.image());
    let first = scene.promotion(&pushed.digest).run().await;
    first.assert_verdict("pass", 0).assert_runner_safe();
    let bytes: u64 = pushed.blobs.iter().map(|(_, size)| size).sum();
    assert_eq!(first.output("bytes-copied"), bytes.to_string());
    assert_eq!(first.output("blobs-copied"), pushed.blobs.len().to_string());

    scene.world.aws.clear_requests().await.unwrap();
    scene.ghcr.clear_requests();
    let second = scene.promotion(&pushed.digest).run().await;
    second.assert_verdict("skipped", 0).assert_runner_safe();
    assert_eq!(second.output("changed"), "false");
    assert_eq!(second.output("bytes-copied"), "0");
    for same in ["digest", "image", "tag", "lambda-image", "lambda-digest", "source-sha", "revision"] {
        assert_eq!(second.output(same), first.output(same), "{same}");
    }
    assert_eq!(scene.registry_calls().await, ["GetManifest", "GetManifest", "GetBlob"]);
    assert_eq!(second.output("tag-protection"), "", "no tag is put");
    assert!(scene.ghcr.requests().is_empty(), "the source need not be asked");
    assert_complete(&scene, &pushed).await;
}

#[tokio::test]
async fn what_is_there_already_is_not_sent_again() {
    let scene = Scene::new().await;
    let pushed = scene.ghcr.put_image(&scene.image());
    scene.promotion(&pushed.digest).run().await.assert_verdict("pass", 0);
    let next = scene.ghcr.put_image(&scene.image().content("next"));
    scene.world.aws.clear_requests().await.unwrap();
    let report = scene.promotion(&next.digest).input("tag", "prd-next\nprd-1.5.0").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let shared = next.blobs.iter().filter(|blob| pushed.blobs.contains(blob)).count();
    assert!(shared > 0);
    assert_eq!(report.output("blobs-present"), shared.to_string());
    assert_eq!(report.output("tag"), "prd-next\nprd-1.5.0");
    assert_eq!(scene.tagged("prd-next").await, Some(next.digest.clone()));
    assert_eq!(scene.tagged("prd-1.5.0").await, Some(next.digest));
    let uploads = scene.registry_calls().await.iter().filter(|call| *call == "StartUpload").count();
    assert_eq!(uploads, next.blobs.len() - shared);
}

#[tokio::test]
async fn an_attestation_is_never_what_lambda_gets() {
    let scene = Scene::new().await;
    let pushed = scene.ghcr.put_image(&scene.image().architectures(&["arm64"]));
    let report = scene.promotion(&pushed.digest).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!((report.output("lambda-image"), report.output("lambda-digest")), ("", ""));
    assert!(report.warning().message.contains("no image for linux/amd64 (it is built for linux/arm64)"), "{report}");
    let report = scene.promotion(&pushed.digest).input("platform", "linux/arm64").run().await;
    report.assert_verdict("skipped", 0);
    assert_eq!(report.output("lambda-digest"), pushed.children[0].digest);
    // A single image is itself what Lambda gets, if it is built for that.
    let single = scene.ghcr.put_image(&ImageSpec::new("org/app").release("1", scene.commit()));
    let report = scene.promotion(&single.digest).input("tag", "single").run().await;
    assert_eq!(report.output("lambda-digest"), single.digest);
    let report = scene.promotion(&single.digest).input("tag", "single").input("platform", "linux/arm64").run().await;
    report.assert_verdict("skipped", 0);
    assert_eq!(report.output("lambda-digest"), "");
}

#[tokio::test]
async fn what_ecr_does_not_take_is_refused_before_the_first_byte() {
    let scene = Scene::new().await;
    let config = Blob::bytes("{\"os\":\"linux\",\"architecture\":\"amd64\"}");
    let (size, digest) = (config.size(), scene.ghcr.put_blob("org/app", config));
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": size},
        "layers": [{"mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.2", "digest": digest, "size": size}],
    });
    let digest = scene.ghcr.put_manifest("org/app", None, media_type, manifest.to_string().as_bytes());
    let report = scene.promotion(&digest).run().await;
    assert!(fail(&report).contains("media types with parameters"), "{report}");
    assert_eq!(writes(&scene.registry_calls().await), Vec::<&String>::new());
}

#[tokio::test]
async fn a_missing_repository_or_image_is_named_with_its_mend() {
    let scene = Scene::new().await;
    let pushed = scene.ghcr.put_image(&scene.image());
    let report = scene.promotion(&pushed.digest).input("destination", "not-there").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.output("reason").contains("the repository not-there does not exist"), "{report}");
    assert!(report.error().message.contains("aws ecr create-repository --repository-name not-there"), "{report}");
    let gone = format!("sha256:{}", "0".repeat(64));
    let report = scene.promotion(&gone).run().await;
    assert!(fail(&report).contains(&gone), "{report}");
}

#[tokio::test]
async fn a_dry_run_and_a_wrong_account_write_nothing() {
    let scene = Scene::new().await;
    let pushed = scene.ghcr.put_image(&scene.image());
    let report = scene.promotion(&pushed.digest).input("dry-run", "true").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(report.output("changed"), "true");
    assert!(report.output("reason").contains(&format!("copy {} blobs", pushed.blobs.len())), "{report}");
    let report = scene.promotion(&pushed.digest).input("expected-account-id", "111122223333").run().await;
    fail(&report);
    assert_eq!(writes(&scene.registry_calls().await), Vec::<&String>::new());
    assert_eq!(scene.tagged(&scene.tag()).await, None);
}

#[tokio::test]
async fn the_account_of_the_destination_must_be_the_expected_one_too() {
    let scene = Scene::new().await;
    let pushed = scene.ghcr.put_image(&scene.image());
    let other = "111122223333";
    let named = format!("{other}.dkr.ecr.eu-west-1.amazonaws.com/{REPOSITORY}");
    for (input, value) in [("registry", other), ("destination", &named)] {
        let runner = scene.promotion(&pushed.digest).input("expected-account-id", &scene.world.aws.id);
        let report = runner.input(input, value).run().await;
        assert!(fail(&report).contains("in another account than `expected-account-id` names"), "{report}");
        report.assert_no_secret(other).assert_no_secret(&scene.world.aws.id);
        assert_eq!(writes(&scene.registry_calls().await), Vec::<&String>::new());
    }
}

#[tokio::test]
async fn inputs_that_do_not_belong_together_are_refused() {
    let scene = Scene::new().await;
    let image = format!("ghcr.io/org/app@sha256:{}", "a".repeat(64));
    let table: [(&[(&str, &str)], &str); 8] = [
        (&[], "give `source`"),
        (&[("source", "ghcr.io/org/app")], "must name one image"),
        (&[("source", &image), ("from-environment", "dev")], "give either"),
        (&[("source", &image), ("source-username", "a")], "together"),
        (&[("source", &image), ("environment", "")], "`environment` is required"),
        (&[("source", &image), ("tag", "a\na")], "names a twice"),
        (&[("source", &image), ("expected-tags", "a=b")], "expected-account-id"),
        (&[("source", &image), ("registry-endpoint", "ghcr.io")], "must be `host=url`"),
    ];
    for (inputs, words) in table {
        let runner = inputs.iter().fold(scene.step(), |runner, (name, value)| runner.input(name, *value));
        let report = runner.run().await;
        report.assert_verdict("error", 2).assert_runner_safe();
        assert!(report.error().message.contains(words), "{words}: {report}");
    }
    assert!(scene.world.operations().await.iter().all(|call| call.contains("CreateRepository")));
}
