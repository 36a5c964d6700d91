//! preflight of a function of an image with its alarms and a service, and of what lies around it.

use serde_json::json;
use testbed::aws::{FunctionSpec, ServiceSpec, SiteSpec};
use testbed::github::{BranchPolicy, Permission, Ruleset};

use crate::hostile::HOSTILE;
use crate::proof::StepUnderTest;
use crate::proof::permissions::Variant;
use crate::proof::scenes::{ENVIRONMENT, FUNCTION, REPOSITORY, Scene, Stage};

const WHOLE: &str = "preflight";
const AROUND: &str = "preflight:around";

/// What the run of a function does not ask.
const OF_AROUND: &[&str] = &[
    "apigateway:GET",
    "s3:ListBucket",
    "s3:GetBucketCORS",
    "s3:GetBucketWebsite",
    "cloudfront:GetDistribution",
    "secretsmanager:DescribeSecret",
    "rds:DescribeDBInstances",
];
/// Which host is called, and which bucket, differs from stage to stage.
const NAMES: &[(&str, &str)] =
    &[("distribution/E2QWRUHAPOMQZL", "distribution/*"), ("s3:::shop-site-prd", "s3:::site-*")];

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "preflight",
    scenes: &[
        Scene::new(WHOLE, || Box::pin(whole())).floor(8, &[]),
        Scene::new(AROUND, || Box::pin(around())).floor(4, &[]),
    ],
    role: &[
        Variant::whole(WHOLE, &[], OF_AROUND),
        Variant::special(AROUND, "", crate::proof::permissions::arranged::as_it_is, &[], OF_AROUND).names(NAMES),
    ],
    token: &[Variant::whole(WHOLE, &[], &[])],
    hostile: |world| {
        let checks = json!({
            "workflow": {}, "github": {"secrets": [HOSTILE.replace('\0', "")]}, "branch-protection": {"checks": [HOSTILE.replace('\0', "")]},
            "tag-protection": {}, "environment": {}, "role": {"actions": ["s3:GetObject"]}, "function": {"variables": ["A"]}, "ecr": {},
            "secrets-manager": {"names": ["a"]}, "alarms": {"names": ["b"]}, "rds": {"instances": ["c"]},
            "site": {"bucket": "none-of-this-name", "distributions": ["E1"], "cors": ["*"]}, "route": {"hosts": ["shop.example.com"]},
        });
        let step = world.step("preflight").input("function", "shop-api").input("checks", checks.to_string());
        vec![step.into()]
    },
};

/// A workflow that deploys, and that nothing cancels.
pub(crate) const WORKFLOW: &str = "on: push
permissions: {id-token: write, contents: read, deployments: write, actions: read}
concurrency: {group: deploy-prd, cancel-in-progress: false}
jobs:
  deploy:
    steps:
      - uses: org/deploy-action@v1
        with:
          step: swap-alias
          role-to-assume: ${{ secrets.DEPLOY_ROLE }}
          aws-region: ${{ vars.REGION }}
";

/// The repository as it should be: protected, with its environment.
pub(crate) fn protect(stage: &mut Stage) {
    let commit = stage.repository.push("main", &[(".github/workflows/deploy.yml", WORKFLOW)], "Deploy");
    stage.add(&commit);
    let ruleset = |target: &str, include: &str, rules: &[&str]| Ruleset {
        name: target.to_owned(),
        target: target.to_owned(),
        enforcement: "active".to_owned(),
        include: vec![include.to_owned()],
        rules: rules.iter().map(ToString::to_string).collect(),
        checks: vec!["test".to_owned()],
        ..Ruleset::default()
    };
    stage.repository.add_ruleset(ruleset("branch", "~DEFAULT_BRANCH", &["pull_request", "required_status_checks"]));
    stage.repository.add_ruleset(ruleset("tag", "refs/tags/v*", &["update", "deletion"]));
    stage.repository.guarded_environment(ENVIRONMENT, &["octocat"], Some(BranchPolicy::Protected));
}

async fn whole() -> Stage {
    let mut stage = Stage::new().await;
    protect(&mut stage);
    let digests = stage.image_function(2).await;
    stage
        .aws
        .ecr("PutImageTagMutability", &json!({"repositoryName": REPOSITORY, "imageTagMutability": "IMMUTABLE"}))
        .await
        .unwrap();
    stage.aws.scan_images("BASIC").await.unwrap();
    let selection =
        json!({"tagStatus": "tagged", "tagPrefixList": ["dev-"], "countType": "imageCountMoreThan", "countNumber": 9});
    let rules = json!([{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]);
    stage.aws.put_lifecycle_rules(REPOSITORY, &rules).await.unwrap();
    stage.move_alias(2).await;
    stage.record_of(600, 2, &stage.moved((1, 2), Some(&digests[1])), &["success"]);
    stage.aws.put_logs(&json!({"function": FUNCTION, "version": "1", "lines": ["hello"]})).await.unwrap();
    let topic = stage.aws.create_topic("deployments").await.unwrap();
    let alarm = json!({"name": "shop-errors", "type": "metric", "state": "OK", "fields": {"AlarmActions": [topic], "ActionsEnabled": true}});
    stage.aws.put_alarms(&json!([alarm])).await.unwrap();
    let fields = json!({"deploymentConfiguration": {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5}});
    let image = stage.aws.image_uri(REPOSITORY, &digests[0]);
    stage.aws.create_service(&ServiceSpec::new("web", &image).fields(&fields).balanced()).await.unwrap();
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": stage.aws.id},
    }]});
    let role = stage.aws.create_role_with_trust("deploy-prd", &trust).await.unwrap();
    let may = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "lambda:UpdateAlias", "Resource": "*"}]});
    stage.aws.put_role_policy("deploy-prd", "may", &may).await.unwrap();
    let checks = json!({
        "workflow": {}, "branch-protection": {"checks": ["test"]}, "tag-protection": {},
        "environment": {"reviewers": true, "branches": true}, "role": {"actions": ["lambda:UpdateAlias"], "arn": role},
        "ecr": {}, "function": {"variables": ["STAGE"]}, "ecs": {}, "alarms": {},
    });
    let grants = [Permission::Contents.read(), Permission::Actions.read(), Permission::Deployments.read()];
    stage
        .grants(&grants)
        .input("environment", ENVIRONMENT)
        .input("function", FUNCTION)
        .input("cluster", "main")
        .input("service", "web")
        .input("alarms", "shop-errors")
        .input("checks", checks.to_string())
}

async fn around() -> Stage {
    let stage = Stage::new().await;
    let spec = FunctionSpec::zip(FUNCTION, testbed::aws::zips::python("def handler(event, context): return 1"));
    stage.aws.create_function(&spec).await.unwrap();
    let bucket = format!("site-{}", stage.aws.id);
    let site = stage.aws.create_site(&SiteSpec::new(&bucket)).await.unwrap();
    let cors = "<CORSConfiguration><CORSRule><AllowedOrigin>https://shop.example.com</AllowedOrigin><AllowedMethod>GET</AllowedMethod>\
                </CORSRule></CORSConfiguration>";
    stage.aws.s3("PUT", &format!("/{bucket}?cors"), cors.as_bytes().to_vec()).await.unwrap().ok().unwrap();
    let host = format!("api-{}.example.com", stage.aws.id);
    let target = format!("arn:aws:lambda:{}:{}:function:{FUNCTION}:live", stage.aws.region(), stage.aws.id);
    stage.aws.create_api(&host, &target).await.unwrap();
    stage.aws.create_secret("shop-prd-database", Some("a value")).await.unwrap();
    stage.aws.create_database("shop-prd", true, 14).await.unwrap();
    let checks = json!({
        "route": {"hosts": [host], "functions": [FUNCTION]},
        "site": {"bucket": bucket, "distributions": [site.distribution], "cors": ["https://shop.example.com"], "website": false},
        "secrets-manager": {"names": ["shop-prd-database"]},
        "rds": {"instances": ["shop-prd"]},
    });
    let mut stage = stage;
    stage.name(&site.distribution, "distribution");
    stage.grants(&[]).input("checks", checks.to_string())
}
