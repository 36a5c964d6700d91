//! `examples/site-releases`: one build for TEST and APP, each pointed to it by a key of its own; and back by hand.

use serde_json::{Value, json};
use testbed::aws::{Site, SiteSpec};
use testbed::engine::Run;

use crate::world::{World, assert_verdict, job};

const FUNCTION: &str = include_str!("../../examples/site-releases/function.js");
const ENVIRONMENT: &str = "prd";

struct Shop {
    world: World,
    bucket: String,
    test: Site,
    app: Site,
}

async fn shop() -> Shop {
    let world = World::of("site-releases").await;
    let bucket = format!("shop-site-{}", world.aws.id);
    let make = async |store: &str| {
        let pointer = json!({"key": "release", "release": "r0", "code": FUNCTION, "store": store, "function": store});
        let spec = SiteSpec::new(&bucket).origin_path("/site").pointer(&pointer);
        world.aws.create_site(&spec).await.unwrap()
    };
    let (test, app) = (make("shop-test").await, make("shop-app").await);
    world.role(ENVIRONMENT).await;
    Shop { world, bucket, test, app }
}

impl Shop {
    async fn run(&self, what: &str, workflow: &str, (event, payload): (&str, Value), (sha, run): (&str, u64)) -> Run {
        let aws = &self.world.aws;
        let job = job(event, "refs/heads/main", sha, ENVIRONMENT, run);
        let act = self.world.run(what, workflow, &job).event(payload).var("BUCKET", &self.bucket);
        let act = act.var("DEPLOY_ROLE", &aws.role_arn("deploy-prd"));
        let act = act.var("TEST_DISTRIBUTION", &self.test.distribution).var("TEST_STORE", "shop-test");
        let act = act.var("APP_DISTRIBUTION", &self.app.distribution).var("APP_STORE", "shop-app");
        let act = act.var("TEST_URL", &aws.site_url(&self.test)).var("APP_URL", &aws.site_url(&self.app));
        act.run().await.unwrap()
    }

    async fn push(&self, what: &str, sha: &str, run: u64) -> Run {
        let event = json!({"ref": "refs/heads/main", "after": sha});
        self.run(what, "deploy.yml", ("push", event), (sha, run)).await
    }

    /// What users get, and what is read at TEST.
    async fn pages(&self) -> [String; 2] {
        let page = async |site: &Site| self.world.aws.view(site, "/", &[]).await.unwrap().text();
        [page(&self.app).await, page(&self.test).await]
    }
}

#[tokio::test]
async fn what_was_tested_is_pointed_to_and_goes_back_by_one_write() {
    let shop = shop().await;
    let first = shop.world.merge("one");
    let run = shop.push("first", &first, 71).await;
    run.assert_success(true);
    for step in ["publish", "promote"] {
        assert_verdict(&run, step, "pass");
    }
    assert!(shop.pages().await.iter().all(|page| page.contains(&first)));

    let second = shop.world.merge("two");
    shop.push("second", &second, 72).await.assert_success(true);
    assert!(shop.pages().await.iter().all(|page| page.contains(&second)));

    let event = json!({"ref": "refs/heads/main", "inputs": {"to": "", "reason": "the checkout is broken"}});
    let back = shop.run("back", "rollback.yml", ("workflow_dispatch", event), (&second, 73)).await;
    back.assert_success(true);
    assert_verdict(&back, "rollback", "pass");
    let [app, test] = shop.pages().await;
    assert!(app.contains(&first) && test.contains(&second), "TEST is left alone");
}

#[tokio::test]
async fn what_fails_at_test_is_never_seen_by_users() {
    let shop = shop().await;
    let first = shop.world.merge("one");
    shop.push("good", &first, 74).await.assert_success(true);
    let script = shop.world.file("src/app.js");
    std::fs::write(script, "throw new Error('broken');\n").unwrap();
    let second = shop.world.merge("two");
    let run = shop.push("bad", &second, 75).await;
    run.assert_success(false);
    assert_eq!(run.job("app").result, "skipped");
    let [app, test] = shop.pages().await;
    assert!(app.contains(&first) && test.contains(&second));
}
