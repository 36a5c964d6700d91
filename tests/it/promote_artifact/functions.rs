//! Whether Lambda takes an image is found out here, and not when it is deployed: for the functions that are named.

use serde_json::{Value, json};
use testbed::aws::{Account, FunctionSpec, ImageSpec};
use testbed::runner::{Report, Runner};

use super::made::{GZIP, Maker, digest, linux, on};
use super::{REPOSITORY, Scene, fail, writes};
use crate::messages::says;

/// A function that runs an image of a repository beside.
async fn function(scene: &Scene, name: &str, architecture: &str) {
    let aws = &scene.world.aws;
    let known = aws.ecr("DescribeRepositories", &json!({"repositoryNames": ["seed"]})).await.is_ok();
    if !known {
        aws.create_repository("seed").await.unwrap();
    }
    let seed = ImageSpec::new("seed").release("1", scene.commit()).architectures(&[architecture_of(architecture)]);
    let seed = aws.push_image(&seed).await.unwrap();
    let spec = FunctionSpec::image(name, &aws.image_uri("seed", &seed)).architecture(architecture);
    aws.create_function(&spec).await.unwrap();
    aws.clear_requests().await.unwrap();
}

fn architecture_of(function: &str) -> &'static str {
    if function == "arm64" { "arm64" } else { "amd64" }
}

/// The checks of a report, each by its name with its verdict.
fn checks(report: &Report) -> Vec<(String, String)> {
    let text = |check: &Value, name: &str| check[name].as_str().unwrap_or_default().to_owned();
    let checks = report.evidence()["checks"].as_array().unwrap().clone();
    checks.iter().map(|check| (text(check, "name"), text(check, "verdict"))).collect()
}

async fn refused_without_a_write(scene: &Scene, runner: Runner) -> String {
    let report = runner.run().await;
    let message = format!("{} {}", fail(&report), report.error().message);
    assert_eq!(writes(&scene.registry_calls().await), Vec::<&String>::new(), "{report}");
    assert_eq!((scene.tagged(&scene.tag()).await, report.output("lambda-image")), (None, ""));
    message
}

#[tokio::test]
async fn the_image_for_a_function_is_the_one_for_its_architecture() {
    let scene = Scene::new().await;
    function(&scene, "shop-arm", "arm64").await;
    let pushed = scene.ghcr.put_image(&scene.image());
    let of = |architecture: &str| {
        pushed.children.iter().find(|child| child.architecture.as_deref() == Some(architecture)).unwrap().digest.clone()
    };
    let promotion = || scene.promotion(&pushed.digest).input("function", "shop-arm");
    for (report, verdict) in [(promotion().run().await, "pass"), (promotion().run().await, "skipped")] {
        report.assert_verdict(verdict, 0).assert_runner_safe();
        assert_eq!(report.output("lambda-digest"), of("arm64"));
        let known = checks(&report);
        for name in ["image for function shop-arm", "registry for function shop-arm"] {
            assert!(known.contains(&(name.to_owned(), "pass".to_owned())), "{known:?}");
        }
    }
    // Several functions of one image: which of them `lambda-image` is for has to be said.
    function(&scene, "shop-intel", "x86_64").await;
    let both = || promotion().input("function", "shop-arm\nshop-intel").input("tag", "both");
    assert!(fail(&both().run().await).contains("several architectures"));
    let report = both().input("platform", "linux/amd64").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(report.output("lambda-digest"), of("amd64"));
    assert!(checks(&report).contains(&("image for function shop-arm".to_owned(), "pass".to_owned())));
}

#[tokio::test]
async fn what_lambda_does_not_take_is_refused_before_the_first_write() {
    let scene = Scene::new().await;
    function(&scene, "shop-api", "x86_64").await;
    let maker = Maker { registry: &scene.ghcr, repository: "org/app" };
    let configuration = |architecture: &str| linux(architecture, scene.commit());
    let arm = maker.image(&configuration("arm64"));
    let arm_only = maker.index(&[&on(&arm, "linux", "arm64")]);
    let zstd = maker.manifest(super::made::IMAGE, &maker.unput(&configuration("amd64"), &GZIP.replace("gzip", "zstd")));
    let mut large = maker.unput(&configuration("amd64"), GZIP);
    large["layers"][0]["size"] = json!(11_u64 << 30);
    let large = maker.manifest(super::made::IMAGE, &large);
    let table = [
        (&arm, "no-image-for-function", "linux/arm64"),
        (&arm_only, "no-image-for-function", "linux/arm64"),
        (&zstd, "layer-not-gzip", "compression=gzip"),
        (&large, "image-too-large-for-lambda", "build it smaller"),
    ];
    for (image, id, fix) in table {
        let promotion = scene.promotion(digest(image)).input("function", "shop-api");
        let message = refused_without_a_write(&scene, promotion).await;
        assert!(says(&message, id) && message.contains(fix), "{id}: {message}");
    }
    // Also where it is in its place already: an image for another platform is never called Lambda's.
    scene.promotion(digest(&arm)).input("verify-revision", "off").run().await.assert_verdict("pass", 0);
    let report =
        scene.promotion(digest(&arm)).input("verify-revision", "off").input("function", "shop-api").run().await;
    assert!(says(fail(&report), "no-image-for-function"), "{report}");
}

#[tokio::test]
async fn functions_that_run_no_image_of_here_are_told_with_the_fix() {
    let scene = Scene::new().await;
    scene.world.shop("shop-zip", 1).await;
    function(&scene, "shop-api", "x86_64").await;
    let pushed = scene.ghcr.put_image(&scene.image());
    let promotion = || scene.promotion(&pushed.digest);
    let endpoint =
        |region: &str| format!("{}.dkr.ecr.{region}.amazonaws.com={}", scene.world.aws.id, scene.world.aws.endpoint());
    let far = scene.world.aws.in_region("us-west-2");
    far.create_repository(REPOSITORY).await.unwrap();
    let endpoints = format!("ghcr.io={}\n{}", scene.ghcr.url(), endpoint("us-west-2"));
    let table = [
        (promotion().input("function", "shop-none"), "function shop-none does not exist", "give its `platform`"),
        (promotion().input("function", "shop-zip"), "is packed as a zip archive", "another one"),
        (
            promotion()
                .input("function", "shop-api")
                .input("destination", format!("{REPOSITORY} region=us-west-2"))
                .input("registry-endpoint", &endpoints),
            "Lambda takes images only from its own region",
            "`destination` takes lines",
        ),
    ];
    for (runner, words, fix) in table {
        let message = refused_without_a_write(&scene, runner).await;
        assert!(message.contains(words) && message.contains(fix), "{words}: {message}");
    }
    // One of its region is enough.
    let endpoints = format!("{endpoints}\n{}", endpoint(scene.world.aws.region()));
    let report = promotion()
        .input("function", "shop-api")
        .input("destination", format!("{REPOSITORY}\n{REPOSITORY} region=us-west-2"))
        .input("registry-endpoint", endpoints)
        .run()
        .await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(far.image_digest(REPOSITORY, &scene.tag()).await.unwrap(), Some(pushed.digest.clone()));
    let bad = [
        (
            promotion().input("function", "shop-api").input("destination", "ghcr.io/org/prd"),
            "for a `destination` in ECR",
        ),
        (promotion().input("function", "shop-api").input("platform", "windows/amd64"), "must be one of linux"),
    ];
    for (runner, words) in bad {
        let report = runner.run().await;
        report.assert_verdict("error", 2);
        assert!(report.error().message.contains(words), "{words}: {report}");
    }
}

/// A repository of another account, and a role there that this one may assume.
pub(super) struct Elsewhere {
    pub(super) account: Account,
    pub(super) role: String,
}

impl Elsewhere {
    pub(super) async fn of(scene: &Scene) -> Self {
        let account = scene.world.aws.neighbour();
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": format!("arn:aws:iam::{}:root", scene.world.aws.id)},
        }]});
        let role = account.create_role_with_trust("copy", &trust).await.unwrap();
        let allowed =
            json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}]});
        account.put_role_policy("copy", "copy", &allowed).await.unwrap();
        account.create_repository(REPOSITORY).await.unwrap();
        Self { account, role }
    }

    pub(super) fn host(&self) -> String {
        format!("{}.dkr.ecr.{}.amazonaws.com", self.account.id, self.account.region())
    }

    /// A promotion with this in its destinations.
    pub(super) fn promotion(&self, scene: &Scene, digest: &str, destinations: &str) -> Runner {
        let endpoint = self.account.endpoint();
        let endpoints =
            format!("ghcr.io={}\n{}={endpoint}\n{}={endpoint}", scene.ghcr.url(), scene.ecr_host(), self.host());
        scene.promotion(digest).input("destination", destinations).input("registry-endpoint", endpoints)
    }

    async fn policy(&self, statements: &Value) {
        let policy = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        self.account
            .ecr("SetRepositoryPolicy", &json!({"repositoryName": REPOSITORY, "policyText": policy}))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn the_repository_of_another_account_has_to_let_lambda_pull() {
    let scene = Scene::new().await;
    function(&scene, "shop-api", "x86_64").await;
    let pushed = scene.ghcr.put_image(&scene.image());
    let there = Elsewhere::of(&scene).await;
    let promotion = || {
        let to = format!("{REPOSITORY} role={}", there.role);
        there.promotion(&scene, &pushed.digest, &to).input("function", "shop-api")
    };
    let pulls = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
    let account = json!({"Effect": "Allow", "Action": pulls,
                         "Principal": {"AWS": format!("arn:aws:iam::{}:root", scene.world.aws.id)}});
    let lambda = |region: &str| {
        let functions = format!("arn:aws:lambda:{region}:{}:function:*", scene.world.aws.id);
        json!({"Effect": "Allow", "Action": pulls, "Principal": {"Service": "lambda.amazonaws.com"},
               "Condition": {"StringLike": {"aws:sourceARN": functions}}})
    };
    let message = refused_without_a_write(&scene, promotion()).await;
    assert!(says(&message, "lambda-may-not-pull") && message.contains("lets in neither"), "{message}");
    there.policy(&json!([account])).await;
    let message = refused_without_a_write(&scene, promotion()).await;
    assert!(message.contains("lets in not Lambda") && message.contains("lambda.amazonaws.com"), "{message}");
    there.policy(&json!([account, lambda("us-west-2")])).await;
    assert!(refused_without_a_write(&scene, promotion()).await.contains("lets in not Lambda"));
    there.policy(&json!([account, lambda(scene.world.aws.region())])).await;
    let report = promotion().run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(there.account.image_digest(REPOSITORY, &scene.tag()).await.unwrap(), Some(pushed.digest.clone()));
    // A condition that only AWS can judge is told, and stops nothing.
    let mut sometimes = lambda(scene.world.aws.region());
    sometimes["Condition"] = json!({"Bool": {"aws:SecureTransport": "true"}});
    there.policy(&json!([account, sometimes])).await;
    let report = promotion().run().await;
    report.assert_verdict("skipped", 0).assert_runner_safe();
    assert!(report.warning().message.contains("conditions of its policy"), "{report}");
}
