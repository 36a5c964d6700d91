//! create-release of sites: what it tells of them, and that its instructions put them back.

use testbed::github::Permission;

use super::pasted::{blocks, perform_with};
use crate::publish_site::Shop;

#[tokio::test]
async fn what_is_pasted_takes_a_site_back_and_brings_it_again() {
    let shop = Shop::new().await;
    let world = &shop.world;
    shop.publish(0).run().await.assert_verdict("pass", 0);
    shop.build("2");
    world.repository.tag("v1.2.0", &world.commits[1]);
    let published = shop.publish(1).input("release", "v1.2.0").git_ref("refs/tags/v1.2.0").run().await;
    let digest = published.assert_verdict("pass", 0).output("digest").to_owned();
    let permissions = [Permission::Contents.write(), Permission::Deployments.read()];
    let step = world.step_with("create-release", &permissions).sha(&world.commits[1]).git_ref("refs/tags/v1.2.0");
    step.input("environment", "prd").run().await.assert_verdict("pass", 0).assert_runner_safe();
    let body = world.repository.releases()[0].body.clone().unwrap();
    let row = format!("| `site-*/live` | v1.2.0 | `{digest}` | {} |", world.commits[0]);
    assert!(body.contains(&row) && !body.contains("By hand"), "{body}");
    assert!(body.contains(&shop.site.distribution), "{body}");
    let [back, again] = blocks(&body, "yaml").try_into().unwrap();

    // The address is all that is of this machine.
    let url = world.aws.site_url(&shop.site);
    perform_with(world, &back, |step| step.input("url", &url)).await;
    assert!(shop.page().await.ends_with("release 1"));
    assert_eq!(world.records().last().unwrap().task, "deploy:rollback");
    perform_with(world, &again, |step| step.input("url", &url)).await;
    assert!(shop.page().await.ends_with("release 2"));
}
