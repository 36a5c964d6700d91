//! The stories of the demo: AWS, the record and the printed verdicts agree.

use std::path::Path;

use regex::Regex;
use testbed::story::{self, Ending, Told};

use crate::messages::says;

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_deploy-action"))
}

/// What `cargo demo` prints at the most: so much is read in a minute.
const LINES: usize = 84;

/// What was told: lines and steps, and the details that `--verbose` shows.
#[derive(Default)]
struct Heard {
    steps: Vec<String>,
    lines: Vec<String>,
    details: Vec<String>,
}

impl Heard {
    fn hear(&mut self, told: Told<'_>) {
        let (list, line) = match told {
            Told::Step(line) => (&mut self.steps, line),
            Told::Line(line) => (&mut self.lines, line),
            Told::Detail(line) => (&mut self.details, line),
        };
        list.push(line.to_owned());
    }
}

fn assert_ended_well(ending: &Ending, heard: &Heard) {
    let [dev, stg, prd] = ending.serves.as_slice() else { panic!("{:?}", ending.serves) };
    assert_eq!([&dev.release, &stg.release, &prd.release], ["1.1.0", "1.1.0", "1.0.0"]);
    assert_eq!(prd.code_sha256, ending.built_sha256, "what serves in production is what was built at the start");
    for one in &ending.serves {
        assert_eq!(one.version, one.recorded, "{}: AWS and the record agree", one.environment);
    }
    ending.caught.assert_verdict("fail", 1).assert_runner_safe();
    ending.refused.assert_verdict("fail", 1).assert_runner_safe();
    let expected = format!("shop-api-prd:live -> version {} (commit {}", prd.version, &prd.commit[..7]);
    for report in [&ending.caught, &ending.refused] {
        assert!(report.output("serving").starts_with(&expected), "{report}");
    }
    assert!(ending.caught.output("reason").contains("shop-api-prd was put back to version 2"), "{}", ending.caught);
    assert!(says(ending.refused.output("reason"), "commit-held"), "{}", ending.refused);
    assert!(heard.lines.iter().any(|line| line.contains("requests meanwhile") && !line.ends_with("; 0 failed")));
    let caught = format!("prd  swap-alias                 fail    {expected}");
    assert_eq!(heard.steps.iter().filter(|line| line.starts_with(&caught)).count(), 2, "{:#?}", heard.steps);
    let closing = ending.closing().unwrap();
    let printed = heard.steps.len() + heard.lines.len() + closing.lines().count();
    let all = || heard.lines.iter().chain(&heard.steps).map(String::as_str).chain(closing.lines());
    assert!(printed <= LINES && all().all(|line| line.chars().count() <= 140), "{:#?}", all().collect::<Vec<_>>());
    let summaries = std::fs::read_dir(&ending.summaries).unwrap().count();
    assert!(summaries >= usize::try_from(ending.steps).unwrap(), "{summaries}");
}

#[tokio::test]
async fn a_package_travels_from_dev_to_production_and_a_bad_one_is_withdrawn() {
    let folder = tempfile::tempdir().unwrap();
    let mut heard = Heard::default();
    let ending = story::zip::play(program(), folder.path(), &mut |told| heard.hear(told)).await.unwrap();
    assert_ended_well(&ending, &heard);
}

#[tokio::test]
async fn the_digest_that_was_pushed_is_the_digest_that_serves_in_production() {
    let folder = tempfile::tempdir().unwrap();
    let mut heard = Heard::default();
    let ending = story::image::play(program(), folder.path(), &mut |told| heard.hear(told)).await.unwrap();
    assert_ended_well(&ending, &heard);
    let pictured = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/pictures/canary.md");
    let pictured = std::fs::read_to_string(pictured).unwrap();
    assert_eq!(form(&ending.caught.summary), form(&pictured), "`cargo picture` draws it anew");
    let mended = ending.mended.unwrap();
    assert_eq!(mended.serves[2].release, "1.1.1");
    assert!(!mended.issue.open && mended.issue.title == "Deployment of shop to prd failed", "{:?}", mended.issue);
    let body = mended.issue.body.unwrap();
    let before = &ending.serves[2].version;
    assert!(body.contains(&format!("failed; rolled back to v{before}")) && body.contains("error rate of"), "{body}");
    let [comment] = <[_; 1]>::try_from(mended.comments).unwrap();
    assert!(comment.body.contains(&format!("v{} serves", mended.serves[2].version)), "{}", comment.body);
    assert!(heard.details.iter().any(|line| line == "  | ### Taking it back"), "the page of the release is told");
    assert!(heard.details.iter().any(|line| line.contains("to put back by hand")), "so is the log");
}

/// The lines of a page, without what differs from run to run: numbers, commits and digests, whether the canary's seconds lie in one
/// minute or in two, and which section comes first.
fn form(page: &str) -> Vec<String> {
    let varies = Regex::new(
        "[0-9a-f]*[0-9][0-9a-f:.T-]*Z?|(\\b[0-9a-f]{7}\\b)|[·▁▂▃▄▅▆▇█]+|minutes?\\b|requests?\\b|(not )?proved: the true rate (is below|may be up to)",
    )
    .unwrap();
    let mut lines: Vec<String> = page.lines().map(|line| varies.replace_all(line, "#").into_owned()).collect();
    lines.sort();
    lines
}
