//! What a promotion costs that is finished: it is asked for again by every run of a workflow.

use testbed::registry::{Login, Registry};
use testbed::runner::Runner;

use super::made::{Maker, digest, linux, on};
use crate::world::World;

/// The requests of a second run.
async fn again(registry: &Registry, promotion: impl Fn() -> Runner) -> Vec<String> {
    promotion().run().await.assert_verdict("pass", 0);
    registry.clear_requests();
    let report = promotion().run().await;
    report.assert_verdict("skipped", 0).assert_runner_safe();
    registry.requests().iter().map(|request| format!("{} {}", request.method, request.path())).collect()
}

#[tokio::test]
async fn a_finished_promotion_costs_two_requests_and_one_for_each_level_and_configuration_and_moving_tag() {
    let world = World::new().await;
    let open = |options: &mut testbed::registry::Options| {
        (options.login, options.redirects) = (Login::None, false);
    };
    let registry = Registry::ghcr().with(open).start().await.unwrap();
    let maker = Maker { registry: &registry, repository: "org/app" };
    let image = maker.image(&linux("amd64", &world.commits[0]));
    let entry = on(&image, "linux", "amd64");
    let index = maker.index(&[&entry]);
    let nested = maker.index(&[&index]);
    let host = registry.host();
    let promotion = |of: &str, to: &str, more: &[(&str, &str)]| {
        let runner = world
            .step("promote-artifact")
            .input("source", format!("{host}/org/app@{of}"))
            .input("destination", format!("{host}/{to}"))
            .input("tag", "v1");
        more.iter().fold(runner, |runner, (name, value)| runner.input(name, *value))
    };
    let off = ("verify-revision", "off");
    let warn = ("verify-revision", "warn");
    let table = [
        // What names it, and its configuration, which alone says where an image runs that is in no index.
        (digest(&image), "org/one", vec![off], 2),
        // What names it, and the image for the platform.
        (digest(&index), "org/index", vec![off], 2),
        (digest(&nested), "org/nested", vec![off], 3),
        (digest(&index), "org/verified", vec![warn], 3),
        (digest(&index), "org/moving", vec![off, ("moving-tags", "latest")], 3),
    ];
    for (of, to, more, expected) in table {
        let asked = again(&registry, || promotion(of, to, &more)).await;
        assert_eq!(asked.len(), expected, "{to}: {asked:?}");
    }
}
