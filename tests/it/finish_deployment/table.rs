//! finish-deployment of a job that went well.

use deploy_action::permissions::When;
use std::time::{SystemTime, UNIX_EPOCH};
use testbed::github::RunJob;

use crate::proof::StepUnderTest;
use crate::proof::permissions::{Variant, arranged as a};
use crate::proof::scenes::{ENVIRONMENT, FUNCTION, Scene, Stage};
use crate::world::RUN;

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "finish-deployment",
    scenes: &[
        Scene::new("finish-deployment", || Box::pin(success())).floor(3, &[]),
        Scene::new("finish-deployment:listed", || Box::pin(listed())).floor(
            5,
            &[(1, "the record is read once its statuses do not tell enough"), (2, "what serves is read last")],
        ),
        Scene::new("finish-deployment:within-its-time", || Box::pin(within_its_time())).floor(
            3,
            &[(1, "the run is asked for once the release succeeds"), (1, "jobs when somebody had to approve")],
        ),
    ],
    role: &[Variant::whole("finish-deployment:listed", &[When::Deployment], &[])],
    token: &[
        Variant::whole("finish-deployment", &[When::Deployment], &[]),
        Variant::special(
            "finish-deployment:within-its-time",
            "",
            a::as_it_is,
            &[When::Deployment, When::MaxDuration],
            &["actions: read"],
        ),
    ],
    hostile: |world| {
        let record = world.world.records().first().map(|record| record.id.to_string()).unwrap_or_default();
        vec![world.step("finish-deployment").input("deployment-id", record).input("result", "success").into()]
    },
};

async fn success() -> Stage {
    let stage = Stage::with_function(3).await;
    stage.move_alias(3).await;
    let earlier = stage.record(600, (1, 2), &["success"]);
    let record = stage.record(RUN, (2, 3), &[]);
    let opened = format!("da1 swap-alias pass earlier={earlier} serves={FUNCTION}:live=3 {FUNCTION}=3 steps=1");
    stage.repository.add_status(record, "in_progress", &opened);
    stage.repository.add_status(record, "in_progress", "da1 health-check-with-backoff pass attempts=2 ms=41");
    of(stage, record)
}

/// The same of a record that does not tell what was before it.
async fn listed() -> Stage {
    let stage = Stage::with_function(3).await;
    stage.move_alias(3).await;
    stage.record(600, (1, 2), &["success"]);
    let record = stage.record(RUN, (2, 3), &["in_progress", "in_progress"]);
    of(stage, record)
}

/// The same with a look at how long the run took, in the middle of which somebody approved.
async fn within_its_time() -> Stage {
    let stage = success().await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let began = i64::try_from(now).unwrap() - 7200;
    let run = stage.repository.add_run("deploy.yml", "push", "main", &stage.commits[4]);
    stage.repository.edit_run(run, |run| {
        run.id = RUN;
        run.run_started_at = Some(began);
        run.approvals.push(("prd".to_owned(), "octocat".to_owned(), "approved".to_owned()));
        run.jobs.push(RunJob { started_at: began + 7000, ..RunJob::default() });
    });
    stage.input("max-duration", "3h")
}

fn of(stage: Stage, record: u64) -> Stage {
    stage.input("environment", ENVIRONMENT).input("deployment-id", record.to_string()).input("result", "success")
}
