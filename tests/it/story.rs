//! The stories of the demo: AWS, the record and the printed verdicts agree.

use std::path::Path;

use testbed::story::{self, Ending};

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_deploy-action"))
}

fn assert_ended_well(ending: &Ending, told: &[String]) {
    let [dev, stg, prd] = ending.serves.as_slice() else { panic!("{:?}", ending.serves) };
    assert_eq!([&dev.release, &stg.release, &prd.release], ["1.1.0", "1.1.0", "1.0.0"]);
    assert_eq!(prd.code_sha256, ending.built_sha256, "what serves in production is what was built at the start");
    for one in &ending.serves {
        assert_eq!(one.version, one.recorded, "{}: AWS and the record agree", one.environment);
    }
    ending.caught.assert_verdict("fail", 1).assert_runner_safe();
    assert!(ending.caught.output("serving").starts_with("shop-api-prd:live -> version 3"));
    ending.rolled_back.assert_verdict("pass", 0).assert_runner_safe();
    let serving = ending.rolled_back.output("serving");
    let expected = format!("shop-api-prd:live -> version {} (commit {}", prd.version, &prd.commit[..7]);
    assert!(serving.starts_with(&expected), "{serving}");
    assert_eq!(told.iter().filter(|line| line.starts_with("$ ")).count(), usize::try_from(ending.steps).unwrap());
    let summaries = std::fs::read_dir(&ending.summaries).unwrap().count();
    assert!(summaries >= usize::try_from(ending.steps).unwrap(), "{summaries}");
}

#[tokio::test]
async fn a_package_travels_from_dev_to_production_and_a_bad_one_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    let ending = story::zip::play(program(), folder.path(), &mut |line| told.push(line.to_owned())).await.unwrap();
    assert_ended_well(&ending, &told);
}

#[tokio::test]
async fn the_digest_that_was_pushed_is_the_digest_that_serves_in_production() {
    let folder = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    let ending = story::image::play(program(), folder.path(), &mut |line| told.push(line.to_owned())).await.unwrap();
    assert_ended_well(&ending, &told);
    let mended = ending.mended.unwrap();
    assert_eq!(mended.serves[2].release, "1.1.1");
    assert!(!mended.issue.open && mended.issue.title == "Deployment of shop to prd failed", "{:?}", mended.issue);
    let body = mended.issue.body.unwrap();
    let before = &ending.serves[2].version;
    assert!(body.contains(&format!("failed; rolled back to v{before}")) && body.contains("health-check"), "{body}");
    let [comment] = <[_; 1]>::try_from(mended.comments).unwrap();
    assert!(comment.body.contains(&format!("v{} serves", mended.serves[2].version)), "{}", comment.body);
    assert!(told.iter().any(|line| line == "  | ### Taking it back"), "the page of the release is told");
}
