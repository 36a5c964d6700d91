//! What tools of migrations say, and what follows from it.

use serde_json::json;

use super::{Job, recorded};

fn log(lines: &[&str], ends: &str) -> String {
    format!("- {{do: {ends}, log: {}}}", json!(lines))
}

#[tokio::test]
async fn rt20_and_d40_a_dirty_database_is_known_with_its_fix_and_never_forced() {
    let job = Job::new(&log(&["error: Dirty database version 12. Fix and force version."], "exit 1")).await;
    let report = job.run().run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("dirty database: migration 12 was begun, and did not end"), "{report}");
    assert!(report.error().message.contains("`migrate force`"), "{report}");
    assert_eq!((report.output("schema-version"), job.tasks().await.len()), ("", 1));
}

#[tokio::test]
async fn what_was_applied_is_handed_to_the_step_that_deploys() {
    let job = Job::new(&log(&["14/u add_orders (5ms)", "15/u add_note (1ms)"], "ok")).await;
    let record = recorded(&job, 4, "in_progress");
    let report =
        job.run().input("expect-schema-version", "000015").input("deployment-id", record.to_string()).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!((report.output("applied"), report.output("schema-version")), ("14\n15", "15"));
    assert!(report.output("reason").contains("applied 2 migrations: 14, 15"), "{report}");
    let line = job.world.records()[0].statuses.last().unwrap().description.clone();
    assert!(line.starts_with("da1 run-task#") && line.contains("pass exit=0 schema=15"), "{line}");

    let report = job.run().input("expect-schema-version", "16").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("the schema has version 15, not 16"), "{report}");
}

#[tokio::test]
async fn a_database_that_is_ahead_of_older_code_is_left_alone_and_ahead_of_newer_code_is_a_failure() {
    let job = Job::new(&log(&["error: no migration found for version 15: read down for version 15"], "exit 1")).await;
    recorded(&job, 3, "success");
    let report = job.run().sha(&job.world.commits[1]).run().await;
    report.assert_verdict("skipped", 0);
    assert!(report.output("reason").contains("keeps its newer version 15"), "{report}");
    let report = job.run().sha(&job.world.commits[4]).run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("version 15, which the files do not have"), "{report}");
}
