//! `cargo demo`: a release from dev to production on a local AWS, then a bad one and its rollback.

use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use testbed::build::{self, Profile};
use testbed::story;

const HELP: &str = "\
cargo demo: a release from dev to production on a local AWS, then a bad one and its rollback

Builds deploy-action, starts a local AWS (MiniStack with corrections, on a free port of this machine), a local
GitHub and a source registry, makes the functions shop-api-dev, -stg and -prd, and plays with the real program, printing each
step's real log:

  1. v1.0.0 is pushed once to a source registry, and its digest is carried to dev, after a squash merge to staging,
     and by a tag to production: validate-tag, promote-artifact, publish-version, smoke-test, swap-alias,
     health-check-with-backoff, finish-deployment; and the page of its release, by create-release
  2. v1.1.0 passes dev and staging, fails its health check in production, and is rolled back; notify opens an issue
  3. v1.1.1 mends it, and closes the issue

It ends with a table of what serves where, read from AWS and from the GitHub record. Job summaries are
written to target/demo. Needs Rust and Python 3; the first run makes a virtual environment under target/.
Nothing is left running, also after Ctrl-C, and nothing outside this machine is called.

Options:
  -h, --help    say this
";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => {}
        ["-h" | "--help"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        other => {
            eprintln!("cargo demo takes no argument but --help, not {}", other.join(" "));
            return ExitCode::from(2);
        }
    }
    let ended = tokio::select! {
        ended = play() => ended,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("stopped by Ctrl-C; nothing is left running")),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn play() -> Result<()> {
    let program = build::program(Profile::Debug).await?;
    let folder = build::target().join("demo");
    let ending = story::image::play(&program, &folder, &mut |line| println!("{line}")).await?;
    println!(
        "\n== what served where after the rollback, from AWS and from the record\n\n{}",
        story::table(&ending.serves)
    );
    let production = ending.serves.last().context("production")?;
    ensure!(
        production.code_sha256 == ending.built_sha256 && production.release == "1.0.0",
        "production serves something else than what was pushed"
    );
    println!("production served 1.0.0, by the digest that was pushed at the start; v1.1.0 was caught and withdrawn");
    let mended = ending.mended.context("the fix")?;
    println!("\n== what serves where now\n\n{}", story::table(&mended.serves));
    ensure!(!mended.issue.open, "the issue about v1.1.0 is still open");
    println!("issue #{} was opened by v1.1.0's failure and closed by v1.1.1", mended.issue.number);
    println!("job summaries: {}", ending.summaries.display());
    Ok(())
}
