//! `examples/site`: published for TEST, proved there in a browser, and then current for APP: one bucket, two distributions.

use std::fs;

use serde_json::json;
use testbed::aws::{Settings, Site, SiteSpec};
use testbed::engine::{Act, Run};

use crate::world::{World, assert_verdict, job, push};

struct Shop {
    world: World,
    bucket: String,
    test: Site,
    app: Site,
}

async fn shop() -> Shop {
    let world = World::of("site").await;
    Act::fetch(&world.file("e2e")).unwrap();
    world.role("production").await;
    let at_once = Settings { invalidation_delay: Some(0.0), ..Settings::default() };
    world.aws.settings(&at_once).await.unwrap();
    let bucket = format!("shop-site-{}", world.aws.id);
    let site = async |path: &str| world.aws.create_site(&SiteSpec::new(&bucket).origin_path(path)).await.unwrap();
    let (test, app) = (site("/test").await, site("/live").await);
    Shop { world, bucket, test, app }
}

impl Shop {
    async fn deploy(&self, what: &str, sha: &str, run: u64) -> Run {
        let git_ref = "refs/heads/main";
        let act = self.world.run(what, "deploy.yml", &job("push", git_ref, sha, "production", run));
        self.run(act.event(push(git_ref, sha))).await
    }

    async fn roll_back(&self, what: &str, to: &str, run: u64) -> Run {
        let sha = self.world.repository.reference("heads/main").unwrap();
        let act =
            self.world.run(what, "rollback.yml", &job("workflow_dispatch", "refs/heads/main", &sha, "production", run));
        let inputs = json!({"release": to, "reason": "the prices are wrong"});
        self.run(act.event(json!({"ref": "refs/heads/main", "inputs": inputs}))).await
    }

    async fn run(&self, act: Act) -> Run {
        let url = |site: &Site| format!("{}/", self.world.aws.site_url(site));
        act.browser()
            .var("DEPLOY_ROLE", &self.world.aws.role_arn("deploy-production"))
            .var("BUCKET", &self.bucket)
            .var("TEST_DISTRIBUTION", &self.test.distribution)
            .var("APP_DISTRIBUTION", &self.app.distribution)
            .var("TEST_URL", &url(&self.test))
            .var("APP_URL", &url(&self.app))
            .var("TEST_API", "https://api.test.example.com")
            .var("APP_API", &format!("https://api.example.com/{}", self.world.records("production").len()))
            .run()
            .await
            .unwrap()
    }

    /// The code and the configuration that users get.
    async fn serves(&self, site: &Site) -> (String, String) {
        let see = async |path: &str| self.world.aws.view(site, path, &[]).await.unwrap().text();
        let page = see("/index.html").await;
        let code = page.split_once("assets/").map(|(_, rest)| rest.split('"').next().unwrap()).unwrap_or_default();
        (see(&format!("/assets/{code}")).await, see("/config.json").await)
    }
}

#[tokio::test]
async fn what_a_browser_has_proved_at_test_becomes_current_for_app_and_goes_back() {
    let shop = shop().await;
    let world = &shop.world;
    let first = world.merge("one");
    let run = shop.deploy("test, then app", &first, 81).await;
    run.assert_success(true);
    for step in ["publish", "promote", "health", "finish", "notify"] {
        assert_verdict(&run, step, "pass");
    }
    assert_eq!(run.job("test").step("e2e").result, "success");
    assert_eq!(run.job("app").step("rollback").result, "skipped");
    let (code, config) = shop.serves(&shop.app).await;
    assert!(code.contains(&first) && config.contains("https://api.example.com/0"), "{code}\n{config}");
    assert!(shop.serves(&shop.test).await.1.contains("api.test.example.com"));
    assert_eq!(run.step("publish").output("digest"), run.step("promote").output("digest"));
    let record = &world.records("production")[0];
    assert_eq!(record.states().last(), Some(&"success"));
    assert_eq!((world.records("test").len(), &world.records("test")[0].payload["serves"]), (1, &json!(false)));

    // What a browser finds broken is seen by nobody else.
    let broken = world.merge("two");
    let code = fs::read_to_string(world.file("src/app.js")).unwrap();
    fs::write(world.file("src/app.js"), format!("{code}\nnobody.knows.this();\n")).unwrap();
    let run = shop.deploy("broken", &broken, 82).await;
    run.assert_success(false);
    assert_eq!(run.job("test").step("e2e").result, "failure");
    assert_eq!(run.job("app").result, "skipped");
    assert!(shop.serves(&shop.app).await.0.contains(&first));
    assert_eq!(world.records("test")[1].states().last(), Some(&"failure"));
    assert_eq!(world.records("production").len(), 1);

    fs::write(world.file("src/app.js"), code).unwrap();
    let second = world.merge("three");
    shop.deploy("corrected", &second, 83).await.assert_success(true);
    let (code, config) = shop.serves(&shop.app).await;
    assert!(code.contains(&second) && config.contains("https://api.example.com/1"), "{code}\n{config}");

    let back = shop.roll_back("back", "auto", 84).await;
    back.assert_success(true);
    assert_verdict(&back, "rollback", "pass");
    assert_eq!(back.step("rollback").output("release"), first);
    let (code, config) = shop.serves(&shop.app).await;
    assert!(code.contains(&first) && config.contains("https://api.example.com/0"), "{code}\n{config}");
}
