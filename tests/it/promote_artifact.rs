//! promote-artifact: the same image from the registry it was pushed to, through staging, to production.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::aws::{Fault as AwsFault, ImageSpec};
use testbed::github::{Deployment, Permission};
use testbed::registry::{Blob, Credential, Cut, Fault, Location, Login, Options, Place, Pushed, Registry};
use testbed::runner::{Report, Runner};

use crate::world::World;

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
        let commits = ["one", "two", "three"].map(|content| world.repository.push("main", &[("app", content)], content));
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
        let endpoints =
            format!("{GHCR}={}\n{}={}", self.ghcr.url(), self.ecr_host(), self.world.aws.endpoint());
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
            .map(|(place, digest)| json!({"function": format!("api{place}"), "alias": "live", "version": "7", "digest": digest}))
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
    let puts = calls.iter().filter(|call| *call == "PutManifest").count();
    assert_eq!(puts, pushed.children.len() + 1 + 2, "each manifest once by its digest, and one tag an environment: {calls:?}");
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
    for same in ["digest", "image", "tag", "lambda-image", "lambda-digest", "source-sha", "revision", "tag-protection"] {
        assert_eq!(second.output(same), first.output(same), "{same}");
    }
    assert_eq!(scene.registry_calls().await, ["GetManifest", "GetManifest", "GetBlob"]);
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
async fn a_tag_on_another_image_is_refused_naming_both() {
    let scene = Scene::new().await;
    let other = ImageSpec::new(REPOSITORY).content("other").tag("v2").tag(&scene.tag());
    let other = scene.world.aws.push_image(&other).await.unwrap();
    let pushed = scene.ghcr.put_image(&scene.image());
    scene.world.aws.clear_requests().await.unwrap();
    for tags in [scene.tag(), format!("free\n{}", scene.tag())] {
        let report = scene.promotion(&pushed.digest).input("tag", tags).run().await;
        let reason = fail(&report).to_owned();
        assert!(reason.contains(&other) && reason.contains(&pushed.digest), "{reason}");
        assert!(report.error().message.contains("batch-delete-image"), "{report}");
        assert_eq!(report.output("changed"), "false");
    }
    assert_eq!(scene.tagged("free").await, None, "all tags or none");
    assert_eq!(scene.tagged(&scene.tag()).await, Some(other));
    assert_eq!(writes(&scene.registry_calls().await), Vec::<&String>::new());
    assert!(scene.ghcr.requests().is_empty(), "nothing is read for a tag that cannot be put");
}

#[tokio::test]
async fn a_tag_put_by_somebody_else_in_between_is_not_moved() {
    let scene = Scene::new().await;
    let pushed = scene.ghcr.put_image(&scene.image());
    let other = scene.world.aws.push_image(&ImageSpec::new(REPOSITORY).content("other").tag("x")).await.unwrap();
    let manifest = String::from_utf8(scene.manifest(REPOSITORY, &other).await).unwrap();
    let hook = testbed::aws::Hook {
        method: "POST".to_owned(),
        path: "/".to_owned(),
        body: json!({"repositoryName": REPOSITORY, "imageManifest": manifest, "imageTag": scene.tag()}),
        service: Some("ecr".to_owned()),
        target: Some("AmazonEC2ContainerRegistry_V20150921.PutImage".to_owned()),
    };
    let fault = AwsFault {
        operation: Some("StartUpload".to_owned()),
        before: vec![hook],
        ..AwsFault::default()
    };
    scene.world.aws.faults(&[fault]).await.unwrap();
    let report = scene.promotion(&pushed.digest).run().await;
    let reason = fail(&report);
    assert!(reason.contains(&other) && reason.contains(&pushed.digest), "{reason}");
    assert_eq!(scene.tagged(&scene.tag()).await, Some(other));
}

#[tokio::test]
async fn an_immutable_repository_is_told_and_its_refusals_understood() {
    let scene = Scene::with(|_| {}, "IMMUTABLE").await;
    let pushed = scene.ghcr.put_image(&scene.image());
    // The answer of the tag's PUT is lost; ECR refuses the same tag on the same image from then on.
    let lost = AwsFault {
        operation: Some("PutManifest".to_owned()),
        pattern: Some("manifests/prd-".to_owned()),
        applied: true,
        status: Some(400),
        code: Some("TAG_INVALID".to_owned()),
        ..AwsFault::default()
    };
    scene.world.aws.faults(&[lost]).await.unwrap();
    let report = scene.promotion(&pushed.digest).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(report.output("tag-protection"), "enforced");
    assert_complete(&scene, &pushed).await;
    let other = scene.ghcr.put_image(&scene.image().content("other"));
    assert!(fail(&scene.promotion(&other.digest).run().await).contains(&pushed.digest));
}

#[tokio::test]
async fn a_tag_whose_answer_was_lost_is_looked_for_before_it_is_put_again() {
    let scene = Scene::new().await;
    let pushed = scene.ghcr.put_image(&scene.image());
    for (applied, puts) in [(true, 1), (false, 2)] {
        let lost = AwsFault {
            operation: Some("PutManifest".to_owned()),
            pattern: Some("manifests/v".to_owned()),
            applied,
            drop: true,
            ..AwsFault::default()
        };
        scene.world.aws.clear_faults().await.unwrap();
        scene.world.aws.faults(&[lost]).await.unwrap();
        scene.world.aws.clear_requests().await.unwrap();
        let tag = format!("v{puts}");
        let report = scene.promotion(&pushed.digest).input("tag", tag.as_str()).run().await;
        report.assert_verdict("pass", 0).assert_runner_safe();
        assert_eq!(report.output("changed"), "true");
        assert_eq!(scene.tagged(&tag).await.as_deref(), Some(pushed.digest.as_str()));
        let requests = scene.world.aws.requests().await.unwrap();
        let put = |path: &str| path.ends_with(&format!("/manifests/{tag}"));
        let sent = requests.iter().filter(|one| one.operation == "PutManifest" && put(&one.path)).count();
        assert_eq!(sent, puts, "applied: {applied}");
    }
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
        let registry = Registry::ghcr().start().await.unwrap();
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
        assert!(self.pushed.blobs.iter().all(|(digest, size)| self.registry.blobs(repository).get(digest) == Some(size)));
    }
}

#[tokio::test]
async fn killed_at_any_request_it_leaves_no_tag_and_the_next_run_completes() {
    let one = OneRegistry::new().await;
    one.promotion("org/whole").run().await.assert_verdict("pass", 0);
    let whole = one.registry.requests();
    let tagging = whole.iter().position(|request| request.method == "PUT" && request.path.ends_with("/prd-1")).unwrap() + 1;
    assert!(tagging > 20 && whole.len() > tagging, "{} requests, the tag at {tagging}", whole.len());
    for n in 1..=whole.len() {
        let repository = format!("org/killed-{n}");
        one.registry.hold(n as u64);
        let mut running = one.promotion(&repository).start().await;
        let held = tokio::time::timeout(Duration::from_secs(20), one.registry.held()).await;
        running.kill();
        running.wait().await;
        one.registry.release();
        let held = held.unwrap_or_else(|_| panic!("request {n} did not come"));
        // Parallel requests come in any order, but the tag comes after all of them.
        if n <= tagging {
            assert_eq!(one.registry.tags(&repository), BTreeMap::new(), "killed at {n}, {} {}", held.method, held.path);
        } else {
            one.assert_complete(&repository);
        }
        let report = one.promotion(&repository).run().await;
        assert!(report.succeeded(), "after a kill at {n}:\n{report}");
        one.assert_complete(&repository);
    }
}

#[tokio::test]
async fn killed_at_any_request_to_ecr_it_leaves_no_tag_and_the_next_run_completes() {
    let scene = Scene::new().await;
    let spec = ImageSpec::new("org/app").release("1.4.0", scene.commit());
    let pushed = scene.ghcr.put_image(&spec);
    scene.promotion(&pushed.digest).run().await.assert_verdict("pass", 0);
    let calls = scene.world.aws.requests().await.unwrap();
    let whole: Vec<_> = calls.iter().filter(|call| call.service == "registry").collect();
    let tagging = whole.iter().position(|call| call.operation == "PutManifest" && call.path.contains("/prd-")).unwrap();
    for n in 0..=tagging {
        let repository = format!("killed-{n}");
        scene.world.aws.create_repository(&repository).await.unwrap();
        let after = u32::try_from(n).unwrap();
        let held = AwsFault {
            service: Some("registry".to_owned()),
            after,
            delay: Some(600.0),
            drop: true,
            times: u32::MAX,
            ..AwsFault::default()
        };
        scene.world.aws.clear_requests().await.unwrap();
        scene.world.aws.faults(&[held]).await.unwrap();
        let mut running = scene.promotion(&pushed.digest).input("destination", repository.as_str()).start().await;
        for _ in 0..400 {
            let log = scene.world.aws.requests().await.unwrap();
            if log.iter().filter(|call| call.service == "registry" && !call.by_rule).count() > n {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        running.kill();
        running.wait().await;
        scene.world.aws.clear_faults().await.unwrap();
        let tag = scene.world.aws.image_digest(&repository, &scene.tag()).await.unwrap();
        assert_eq!(tag, None, "killed at {n}");
        let report = scene.promotion(&pushed.digest).input("destination", repository.as_str()).run().await;
        assert!(report.succeeded(), "after a kill at {n}:\n{report}");
        assert_eq!(scene.manifest(&repository, &scene.tag()).await, pushed.manifest.bytes);
    }
}

/// The most memory a process has used, in KiB (<https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>).
fn peak(pid: i32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

#[tokio::test]
async fn memory_is_bounded_for_an_image_of_a_gibibyte() {
    let one = OneRegistry::new().await;
    let mut spec = ImageSpec::new("org/app").release("2", "c0ffee");
    for seed in 0..8 {
        spec = spec.layer(Blob::generated(128 << 20, 1001 + 2 * seed));
    }
    let pushed = one.registry.put_image(&spec);
    let image = format!("{}/org/app@{}", one.registry.host(), pushed.digest);
    let promotion = one.promotion("org/large").input("source", image).timeout(Duration::from_mins(10));
    let running = promotion.start().await;
    let pid = running.pid();
    let (ended, mut ending) = tokio::sync::oneshot::channel();
    let watching = async {
        let mut most = 0;
        while ending.try_recv().is_err() {
            most = most.max(peak(pid).unwrap_or(0));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        most
    };
    let ends = async {
        let report = running.wait().await;
        let _ = ended.send(());
        report
    };
    let (report, most) = tokio::join!(ends, watching);
    report.assert_verdict("pass", 0);
    assert!(report.output("bytes-copied").parse::<u64>().unwrap() > 1 << 30, "{report}");
    println!("peak memory: {most} KiB, in {:?}", report.duration);
    assert!((1..64 * 1024).contains(&most), "{most} KiB");
    assert_eq!(one.registry.tags("org/large").get("prd-1"), Some(&pushed.digest));
}

#[tokio::test]
async fn an_unknown_commit_is_told_where_it_was_looked_for() {
    let scene = Scene::new().await;
    let near = scene.commits[1].clone();
    let digest = scene.in_dev(&near, "near").await;
    scene.record("dev", &near, &[&digest], &["success"]);
    let open = scene.record("dev", scene.commit(), &[&digest], &["in_progress"]);
    let report = scene.of_dev().run().await;
    let reason = fail(&report);
    for part in [scene.commit(), "no dev artifact found", "the component shop", &format!("dev-{}", scene.commit()), REPOSITORY] {
        assert!(reason.contains(part), "{part}: {reason}");
    }
    let message = &report.error().message;
    assert!(message.contains(&near), "the nearest: {message}");
    assert!(message.contains(&format!("deployment {open} of dev (run 600)")), "on its way: {message}");
    assert!(message.contains("deploy this commit to dev first"), "{message}");
    assert_eq!(writes(&scene.registry_calls().await), Vec::<&String>::new());

    // Nothing at all, in another component.
    let report = scene.of_dev().input("component", "admin").run().await;
    assert!(fail(&report).contains("0 records of dev for the component admin"), "{report}");
    // A tag without a record proves nothing.
    scene.in_dev(scene.commit(), "unproved").await;
    let report = scene.of_dev().run().await;
    assert!(report.error().message.contains("but no record says that it succeeded in dev"), "{report}");
}

#[tokio::test]
async fn a_squash_merge_is_found_by_its_tree() {
    let scene = Scene::new().await;
    let tested = scene.commit().to_owned();
    let parent = scene.commits[0].clone();
    // The same files, another history.
    let squashed = scene.world.repository.commit(&[&tested], &[], "Squash");
    assert_eq!(scene.world.repository.tree(&squashed), scene.world.repository.tree(&tested));
    let digest = scene.in_dev(&tested, "tested").await;
    let older = scene.in_dev(&parent, "older").await;
    scene.record("dev", &tested, &[&digest], &["success", "inactive"]);
    scene.record("dev", &parent, &[&older], &["success"]);
    let report = scene.of_dev().input("sha", squashed.as_str()).input("verify-revision", "require").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!((report.output("match"), report.output("source-sha")), ("tree", tested.as_str()));
    assert_eq!(report.output("digest"), digest);
    assert_eq!(scene.tagged(&format!("prd-{squashed}")).await, Some(digest));
}

#[tokio::test]
async fn an_artifact_that_failed_or_was_withdrawn_is_refused() {
    for (states, name) in [(&["in_progress", "failure"][..], "failed"), (&["success", "inactive", "failure"], "withdrawn")] {
        let scene = Scene::new().await;
        let digest = scene.in_dev(scene.commit(), "bad").await;
        scene.record("dev", scene.commit(), &[&digest], &["success"]);
        let id = scene.record("dev", scene.commit(), &[&digest], states);
        let report = scene.of_dev().run().await;
        assert!(fail(&report).contains(&format!("deployment {id}")), "{name}: {report}");
        assert_eq!(scene.tagged(&scene.tag()).await, None, "{name}");
        // A later success opens the way; one of another environment does not.
        scene.record("stg", scene.commit(), &[&digest], &["success"]);
        fail(&scene.of_dev().run().await);
        scene.record("dev", scene.commit(), &[&digest], &["success"]);
        scene.of_dev().run().await.assert_verdict("pass", 0);
    }
}

#[tokio::test]
async fn a_rebuilt_image_under_the_same_tag_is_noticed() {
    let scene = Scene::new().await;
    let tested = scene.in_dev(scene.commit(), "tested").await;
    let id = scene.record("dev", scene.commit(), &[&tested], &["success"]);
    let rebuilt = scene.in_dev(scene.commit(), "rebuilt").await;
    assert_ne!(tested, rebuilt);
    let report = scene.of_dev().run().await;
    let reason = fail(&report);
    assert!(reason.contains(&tested) && reason.contains(&rebuilt) && reason.contains(&id.to_string()), "{reason}");
    assert_eq!(scene.tagged(&scene.tag()).await, None);
    // A tag that is gone, and a record without an image, are told apart from it.
    let report = scene.of_dev().input("tag-format", "{environment}-{short-sha}").run().await;
    assert!(fail(&report).contains(&format!("has no tag dev-{}", &scene.commit()[..7])), "{report}");
    scene.record("dev", scene.commit(), &[], &["success"]);
    assert!(fail(&scene.of_dev().run().await).contains("names no image"));
}

#[tokio::test]
async fn the_source_of_an_environment_may_lie_in_another_registry_under_another_tag() {
    let scene = Scene::new().await;
    let pushed = scene.ghcr.put_image(&scene.image().tag("shop_dev_v1.4.0"));
    scene.record("dev", scene.commit(), &[&pushed.digest], &["success"]);
    let (user, password) = scene.ghcr.credentials();
    let report = scene
        .of_dev()
        .input("source", "ghcr.io/org/app")
        .input("source-username", user)
        .input("source-password", password)
        .input("tag-format", "{component}_{environment}_{version}")
        .git_ref("refs/tags/v1.4.0")
        .run()
        .await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(scene.tagged("shop_prd_v1.4.0").await, Some(pushed.digest));
}

#[tokio::test]
async fn another_commit_in_the_label_is_refused_or_said() {
    let scene = Scene::new().await;
    let other = scene.commits[0].clone();
    let pushed = scene.ghcr.put_image(&ImageSpec::new("org/app").release("1.3.0", &other));
    let unlabelled = scene.ghcr.put_image(&ImageSpec::new("org/app").content("x"));
    for (digest, words) in [(&pushed.digest, other.as_str()), (&unlabelled.digest, "has no label")] {
        let report = scene.promotion(digest).input("verify-revision", "require").run().await;
        assert!(fail(&report).contains(words), "{report}");
        assert_eq!(scene.tagged(&scene.tag()).await, None);
    }
    assert_eq!(writes(&scene.registry_calls().await), Vec::<&String>::new());
    let report = scene.promotion(&pushed.digest).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert!(report.warning().message.contains(&other), "{report}");
    assert_eq!((report.output("revision"), report.output("source-sha")), (other.as_str(), other.as_str()));
    let report = scene.promotion(&unlabelled.digest).input("verify-revision", "off").input("tag", "x").run().await;
    report.assert_verdict("pass", 0);
    assert!(report.annotations.is_empty(), "{report}");
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
async fn credentials_are_seen_by_their_own_registry_only() {
    let scene = Scene::new().await;
    let pushed = scene.ghcr.put_image(&scene.image());
    let (user, password) = scene.ghcr.credentials();
    let report = scene.promotion(&pushed.digest).debug().run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&password);
    let mut tokens = Vec::new();
    for request in scene.ghcr.requests() {
        let at = format!("{:?} {} {}", request.place, request.method, request.path);
        match (request.place, &request.credential) {
            // The password buys a token, and goes nowhere else.
            (Place::Tokens, Some(Credential::Basic(name, secret))) => assert_eq!((name, secret), (&user, &password)),
            (Place::Registry, Some(Credential::Bearer(token))) => tokens.push(token.clone()),
            (Place::Registry | Place::Store, None) => {}
            (_, other) => panic!("{at}: {other:?}"),
        }
        if request.place == Place::Registry {
            assert_eq!(request.header("host"), Some(GHCR), "{at}");
        }
    }
    assert!(!tokens.is_empty() && scene.ghcr.requests().iter().any(|request| request.place == Place::Store));
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
    let sessions: Vec<_> = one.registry.requests().into_iter().filter(|one| one.method == "PUT" && one.query("digest").is_some()).collect();
    let mut paths: Vec<&String> = sessions.iter().map(|one| &one.path).collect();
    let all = paths.len();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), all, "no session is used twice");
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
        assert!(report.output("reason").contains("was sent as") || report.output("reason").contains("has the digest"), "{name}: {report}");
        assert!(one.registry.tags(&repository).is_empty(), "{name}");
    }
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
