//! `require-migrations`: code that needs a migration gets no users before it is applied.

use serde_json::json;
use testbed::github::Deployment;
use testbed::runner::Runner;

use crate::messages::message;
use crate::world::World;

/// A release of the shop that has applied these migrations, and ended so.
fn released(world: &World, environment: &str, migrations: &[&str], state: &str) {
    let target = testbed::aws::target(("111122223333", "eu-west-1"), "shop", "live", &json!({"version": "7"}));
    let payload = json!({
        "schema": 1, "component": "shop", "kind": "deploy", "commit": world.commits[0], "targets": [target], "migrations": migrations,
        "run": {"id": 600, "attempt": 1},
    });
    let deployment = Deployment {
        sha: world.commits[0].clone(),
        environment: environment.to_owned(),
        payload,
        ..Deployment::default()
    };
    let id = world.repository.add_deployment(deployment);
    world.repository.add_status(id, state, "");
}

fn swap(world: &World, required: &str) -> Runner {
    let swap = world.step("swap-alias").input("environment", "prd").input("function", "shop-api").input("version", "2");
    swap.input("require-migrations", required)
}

#[tokio::test]
async fn what_is_recorded_as_applied_lets_the_code_through_and_all_else_is_refused_before_anything() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    released(&world, "prd", &["000014", "db:000015"], "success");
    // A release that failed has applied its migrations all the same; what another environment has applied counts for nothing.
    released(&world, "prd", &["000016"], "failure");
    released(&world, "stg", &["000017"], "success");
    let report = swap(&world, "15\n000017").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!(report.output("reason"), message("migration-not-applied", &["000017", "prd", "shop"]), "{report}");
    assert!(report.raw.contains("run-task in a step before this one"), "{report}");
    assert_eq!(world.writes().await, Vec::<String>::new(), "nothing was attempted");
    let with_this = r#"[{"version":"000017","class":"expand"}]"#;
    let report = swap(&world, "15\n16\n000017").input("migrations", with_this).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(world.live("shop-api").await.version, "2");
    // Now that it is recorded, the next one needs no word of it.
    let again = swap(&world, "000017").input("version", "1").input("allow-downgrade", "true").run().await;
    again.assert_verdict("pass", 0);
}

#[tokio::test]
async fn every_step_that_moves_users_asks_for_the_migrations_first() {
    let world = World::new().await;
    let image = format!("shop/api@sha256:{}", "a".repeat(64));
    let steps = [
        world.step("deploy-service").input("cluster", "main").input("service", "web").input("image", &image),
        world.step("publish-version").input("function", "shop-api").input("traffic", "latest").input("image", &image),
        world.step("swap-alias").input("function", "shop-api").input("version", "2").input("adopt", "true"),
    ];
    for step in steps {
        let step = step.input("require-migrations", "000017");
        let report = step.clone().input("environment", "prd").run().await;
        report.assert_verdict("fail", 1).assert_runner_safe();
        assert_eq!(report.output("reason"), message("migration-not-applied", &["000017", "prd", "shop"]), "{report}");
        let report = step.input("record", "off").run().await;
        report.assert_verdict("error", 2);
        assert!(report.output("reason").contains("because `require-migrations` asks"), "{report}");
    }
    let alias = world.step("publish-version").input("function", "shop-api").input("image", &image);
    let report = alias.input("require-migrations", "000017").run().await;
    report.assert_verdict("error", 2);
    assert_eq!(world.writes().await, Vec::<String>::new());
}
