//! Acceptance 1: the story of the demo. AWS, the record and the printed verdicts agree.

use std::path::Path;

use testbed::story;

#[tokio::test]
async fn a_release_travels_from_dev_to_production_and_a_bad_one_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    let mut tell = |line: &str| told.push(line.to_owned());
    let program = Path::new(env!("CARGO_BIN_EXE_deploy-action"));
    let ending = story::play(program, folder.path(), &mut tell).await.unwrap();

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
    assert!(
        serving.starts_with(&format!("shop-api-prd:live -> version {} (commit {}", prd.version, &prd.commit[..7])),
        "{serving}"
    );
    assert_eq!(told.iter().filter(|line| line.starts_with("$ ")).count(), 31);
    assert!(std::fs::read_dir(&ending.summaries).unwrap().count() >= 31);
}
