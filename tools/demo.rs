//! `cargo demo`: a release from dev to production on a local AWS, then a bad one that its canary takes back.

use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use testbed::build::{self, Profile};
use testbed::story::{self, Told};

const HELP: &str = "\
cargo demo: a release from dev to production on a local AWS, then a bad one that its canary takes back

Builds deploy-action, starts a local AWS (MiniStack with corrections, on a free port of this machine), a local
GitHub and a source registry, makes the functions shop-api-dev, -stg and -prd, and plays with the real program, printing a line for
each step: where, its verdict, and what serves:

  1. v1.0.0 is pushed once to a source registry, and its digest is carried to dev, after a squash merge to staging,
     and by a tag to production: validate-tag, promote-artifact, publish-version, smoke-test, swap-alias,
     health-check-with-backoff, finish-deployment; and the page of its release, by create-release. In production users ask
     all the while, and it gets half of them at first
  2. v1.1.0 passes dev and staging, and fails for its share of production's users: it is withdrawn, and its commit held.
     notify opens an issue; the same commit, pushed again, is refused
  3. v1.1.1 mends it, and closes the issue
  4. inventory compares what serves with the record, sees that it is kept, and writes its page

It ends with a table of what serves where, read from AWS and from the GitHub record, and with job summaries to open in
target/demo. Needs Rust and Python 3; the first run makes a virtual environment under target/.
Nothing is left running, also after Ctrl-C, and nothing outside this machine is called.

Options:
  --verbose     print each step's whole log too
  -h, --help    say this
";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let verbose = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => false,
        ["--verbose"] => true,
        ["-h" | "--help"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        other => {
            eprintln!("cargo demo takes no argument but --verbose and --help, not {}", other.join(" "));
            return ExitCode::from(2);
        }
    };
    let ended = tokio::select! {
        ended = play(verbose) => ended,
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

async fn play(verbose: bool) -> Result<()> {
    let program = build::program(Profile::Debug).await?;
    let folder = build::target().join("demo");
    let ending = story::image::play(&program, &folder, &mut |told| match told {
        Told::Line(line) | Told::Step(line) => println!("{line}"),
        Told::Detail(line) if verbose => println!("{line}"),
        Told::Detail(_) => {}
    })
    .await?;
    let production = ending.serves.last().context("production")?;
    ensure!(
        production.code_sha256 == ending.built_sha256 && production.release == "1.0.0",
        "after the canary production served something else than what was pushed"
    );
    let mended = ending.mended.as_ref().context("the fix")?;
    ensure!(!mended.issue.open, "the issue about v1.1.0 is still open");
    println!("{}", ending.closing()?);
    Ok(())
}
