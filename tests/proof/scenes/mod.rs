//! The normal run of every step, in a world of its own that can be looked at from outside.
//!
//! A step joins by one line in [`scenes`], and is then run under every fault by the matrix. What a scene's world is made of is
//! up to its file; what stands in it (functions, images, records) is found by [`Stage::state`], whatever it is.

mod create_release;
mod credentials;
mod detect_changes;
mod dispatch;
mod finish_deployment;
mod health_check;
mod notify;
mod promote_artifact;
mod publish_version;
pub(crate) mod request;
mod resolve;
mod rollback;
pub(crate) mod rules;
mod siblings;
mod smoke_test;
mod stage;
mod state;
mod swap_alias;
mod validate_tag;

use std::pin::Pin;

pub(crate) use request::{Request, Target};
pub(crate) use state::State;

pub(crate) use stage::Stage;

/// The commands of one step's normal run, and the world it meets.
pub(crate) struct Scene {
    /// What the matrix calls it: the step, and what is special about this run of it.
    pub(crate) name: &'static str,
    prepare: fn() -> Preparing,
}

type Preparing = Pin<Box<dyn Future<Output = Stage> + Send>>;

impl Scene {
    /// The step, which is the name up to the first `:`.
    pub(crate) fn step(&self) -> &'static str {
        self.name.split(':').next().unwrap_or(self.name)
    }

    /// A fresh world, as the normal run finds it. No two stages share anything but the processes that serve them.
    pub(crate) async fn prepare(&self) -> Stage {
        let mut stage = (self.prepare)().await;
        stage.begin(self.step()).await;
        stage
    }

    /// The same, beside jobs of the run for another region and another account.
    pub(crate) async fn prepare_among_siblings(&self) -> Stage {
        let mut stage = (self.prepare)().await;
        stage.add_siblings().await;
        stage.begin(self.step()).await;
        stage
    }
}

/// Every scene. A step joins here, by one line.
pub(crate) fn scenes() -> Vec<Scene> {
    vec![
        scene("resolve", || Box::pin(resolve::pushed())),
        scene("detect-changes", || Box::pin(detect_changes::pushed())),
        scene("validate-tag", || Box::pin(validate_tag::annotated())),
        scene("validate-tag:checks", || Box::pin(validate_tag::checked())),
        scene("promote-artifact:ghcr-to-ecr", || Box::pin(promote_artifact::ghcr_to_ecr())),
        scene("promote-artifact:from-environment", || Box::pin(promote_artifact::from_environment())),
        scene("promote-artifact:one-registry", || Box::pin(promote_artifact::within_a_registry())),
        scene("publish-version:zip", || Box::pin(publish_version::zip())),
        scene("publish-version:image", || Box::pin(publish_version::image())),
        scene("publish-version:latest", || Box::pin(publish_version::latest())),
        scene("smoke-test", || Box::pin(smoke_test::image())),
        scene("swap-alias", || Box::pin(swap_alias::one())),
        scene("swap-alias:two-functions", || Box::pin(swap_alias::two())),
        scene("swap-alias:run-ended", || Box::pin(swap_alias::after_a_run_that_ended())),
        scene("swap-alias:provisioned", || Box::pin(swap_alias::provisioned())),
        scene("swap-alias:oidc", || Box::pin(credentials::oidc())),
        scene("health-check-with-backoff:function", || Box::pin(health_check::function())),
        scene("health-check-with-backoff:url", || Box::pin(health_check::url())),
        scene("rollback:record", || Box::pin(rollback::by_record())),
        scene("rollback:state", || Box::pin(rollback::by_state())),
        scene("rollback:code", || Box::pin(rollback::of_code())),
        scene("finish-deployment", || Box::pin(finish_deployment::success())),
        scene("create-release", || Box::pin(create_release::of_a_deployment())),
        scene("dispatch:workflow", || Box::pin(dispatch::workflow())),
        scene("dispatch:event", || Box::pin(dispatch::event())),
        scene("finish-deployment:listed", || Box::pin(finish_deployment::listed())),
        scene("finish-deployment:within-its-time", || Box::pin(finish_deployment::within_its_time())),
        scene("notify", || Box::pin(notify::success())),
        scene("notify:failure", || Box::pin(notify::failure())),
        scene("notify:failure-again", || Box::pin(notify::failed_again())),
        scene("notify:fixed", || Box::pin(notify::fixed())),
    ]
}

/// Those that differ from others in what they must be allowed only.
pub(crate) fn more_scenes() -> Vec<Scene> {
    vec![
        scene("rollback:image", || Box::pin(rollback::of_an_image())),
        scene("rollback:code-of-image", || Box::pin(rollback::of_code_in_an_image())),
    ]
}

fn scene(name: &'static str, prepare: fn() -> Preparing) -> Scene {
    Scene { name, prepare }
}

/// The normal run does what the step is for, and done again it finds nothing left to do.
#[tokio::test]
async fn every_scene_runs_well_and_again() {
    for scene in scenes() {
        let stage = scene.prepare().await;
        let before = stage.state().await;
        let report = stage.runner().run().await;
        report.assert_verdict("pass", 0).assert_runner_safe();
        assert!(scene.step() != "notify" || report.annotations.is_empty(), "{}: {report}", scene.name);
        let after = stage.state().await;
        assert!(!stage.requests().await.is_empty(), "{} asks for nothing", scene.name);
        assert_eq!(stage.violations().await, Vec::<String>::new(), "{}\n{report}", scene.name);
        assert!(report.output("changed") == "true" || !before.changed(&after), "{}\n{before}\n{after}", scene.name);
        let again = stage.runner().run().await;
        assert!(again.succeeded(), "{} again\n{again}", scene.name);
        assert!(stage.state().await.is_as(&after), "{} again: {after}\n{}", scene.name, stage.state().await);
        assert_eq!(stage.violations().await, Vec::<String>::new(), "{} again\n{again}", scene.name);
    }
}
