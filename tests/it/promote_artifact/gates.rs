//! What the records of the source must say besides that it succeeded: how long it has served there, and which steps have passed.

use std::time::Duration;

use testbed::runner::Report;

use super::{Scene, fail};

const HOUR: u64 = 3600;

/// Something that has served in dev.
struct Served {
    scene: Scene,
    digest: String,
}

impl Served {
    async fn new() -> Self {
        let scene = Scene::new().await;
        let digest = scene.in_dev(scene.commit(), "served").await;
        Self { scene, digest }
    }

    /// The newest commit is recorded in dev with these statuses.
    fn deployed(&self, states: &[&str]) -> u64 {
        self.scene.record("dev", self.scene.commit(), &[&self.digest], states)
    }

    fn hours_pass(&self, hours: u64) {
        self.scene.world.github.advance(Duration::from_secs(hours * HOUR));
    }

    async fn promoted_with_age(&self, age: &str) -> Report {
        self.scene.of_dev().input("min-age", age).run().await
    }
}

/// PM01: the hours count by GitHub's clock, which alone has moved here; the runner's is a day behind.
#[tokio::test]
async fn pm01_what_has_not_served_long_enough_is_refused_with_the_time_left() {
    let served = Served::new().await;
    served.deployed(&["in_progress", "success"]);
    served.hours_pass(23);
    let report = served.promoted_with_age("24h").await;
    let reason = fail(&report);
    assert!(reason.contains("has served this in dev for 23h00m, and `min-age` asks for 24h00m: "), "{reason}");
    assert_eq!(served.scene.tagged(&served.scene.tag()).await, None);
    served.hours_pass(2);
    let report = served.promoted_with_age("24h").await;
    report.assert_verdict("pass", 0);
    assert!(report.summary.contains("25h00m"), "{report}");
}

/// PM02: only the last stretch without a break counts.
#[tokio::test]
async fn pm02_a_break_begins_the_time_anew() {
    let served = Served::new().await;
    let id = served.deployed(&["success"]);
    served.hours_pass(10);
    served.scene.world.repository.add_status(id, "failure", "da1 rollback#x pass withdrawn: bad");
    served.hours_pass(1);
    served.scene.world.repository.add_status(id, "success", "by hand");
    served.hours_pass(2);
    assert!(fail(&served.promoted_with_age("5h").await).contains("for 2h00m"));
    served.promoted_with_age("1h").await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn the_same_commit_deployed_again_is_no_break_and_another_one_is() {
    let served = Served::new().await;
    served.deployed(&["success", "inactive"]);
    served.hours_pass(4);
    served.deployed(&["success"]);
    served.hours_pass(2);
    served.promoted_with_age("5h").await.assert_verdict("pass", 0);

    // Another commit came there, and was taken back.
    let other = served.scene.commits[1].clone();
    let digest = served.scene.in_dev(&other, "other").await;
    served.scene.record("dev", &other, &[&digest], &["in_progress", "failure"]);
    served.hours_pass(1);
    assert!(fail(&served.promoted_with_age("5h").await).contains("for 1h00m"));
    // One that stays there serves now.
    let newer = served.scene.record("dev", &other, &[&digest], &["success"]);
    let report = served.promoted_with_age("5h").await;
    assert!(fail(&report).contains(&format!("since deployment {newer} it serves something else")), "{report}");
}

#[tokio::test]
async fn what_is_being_changed_has_no_age() {
    let served = Served::new().await;
    served.deployed(&["success"]);
    served.hours_pass(9);
    let other = served.scene.commits[1].clone();
    let digest = served.scene.in_dev(&other, "other").await;
    served.scene.record("dev", &other, &[&digest], &["in_progress"]);
    assert!(fail(&served.promoted_with_age("5h").await).contains("is not judged yet"));
}

/// PM03: of several environments each must have proved it, or one.
#[tokio::test]
async fn pm03_several_environments_prove_it_together_or_one_alone() {
    let served = Served::new().await;
    served.deployed(&["success"]);
    let both = || served.scene.of_dev().input("from-environment", "dev\nuat");
    let report = both().run().await;
    assert!(fail(&report).contains("no uat artifact found"), "{report}");
    both().input("from-strategy", "any").run().await.assert_verdict("pass", 0);

    let commit = served.scene.commit().to_owned();
    let spec = testbed::aws::ImageSpec::new(super::REPOSITORY).release("1.4.0", &commit).content("other");
    let other = served.scene.world.aws.push_image(&spec.tag(&format!("uat-{commit}"))).await.unwrap();
    served.scene.record("uat", &commit, &[&other], &["success"]);
    let report = both().run().await;
    let reason = fail(&report);
    assert!(
        reason.contains(&served.digest) && reason.contains(&other) && reason.contains("not the same artifact"),
        "{reason}"
    );
    let report = served.scene.of_dev().input("from-strategy", "any").run().await;
    report.assert_verdict("error", 2);
}

/// PM04: a step that did not run there has not passed there.
#[tokio::test]
async fn pm04_the_steps_that_are_asked_for_must_have_passed_there() {
    let served = Served::new().await;
    let id = served.deployed(&["in_progress"]);
    let says = |line: &str| served.scene.world.repository.add_status(id, "in_progress", line);
    let promoted = async || served.scene.of_dev().input("require-statuses", "smoke-test\nmonitor").run().await;
    says("da1 smoke-test#a1b2c3 pass");
    served.scene.world.repository.add_status(id, "success", "da1 swap-alias#d4e5f6 pass");
    let report = promoted().await;
    assert!(fail(&report).contains("`require-statuses` asks for monitor"), "{report}");
    assert!(report.error().message.contains("run monitor in the job that deploys to dev"), "{report}");
    says("da1 monitor#0a0b0c inconclusive");
    assert!(fail(&promoted().await).contains("says of it: inconclusive"));
    says("da1 monitor#0a0b0c pass");
    promoted().await.assert_verdict("pass", 0);
}
