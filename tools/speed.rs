//! `cargo speed`: the way of a release by deploy-action and by a shell pipeline in turns, with the time each takes.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use testbed::build::{self, Profile};
use testbed::engine::Engine;
use testbed::runner::Container;
use testbed::speed::{self, Options, Sizes};

const HELP: &str = "\
cargo speed: how long a release takes, beside a shell pipeline

Builds deploy-action as it is released, brings the aws command line into an environment of its own under target/, starts a local
AWS on a free port of this machine, and plays the same way by deploy-action and by testbed/speed/pipeline.sh in turns: promote an
image, put a zip archive into a function, wait, try it, publish it, swap the alias, check health through it, and swap back. Prints
tables in Markdown. Needs Rust, Python 3, jq and GNU time; about ten minutes after the build.

Options:
  --rounds <number>        how often everything is played (5)
  --update-times <list>    how long Lambda takes to update a function, in seconds (0,1,3,6)
  --containers             also play the steps in one container each; takes a container engine, or root and dockerd
  --copies                 play nothing: how long promote-artifact takes to copy three images, beside crane, regctl and, where it is
                           installed, skopeo; needs Go and docker-registry
  --sites                  play nothing: how long publish-site takes for 2,005 files, beside `aws s3 sync` and, where it is installed, rclone
  --migrations             play nothing: how long check-migrations takes for 1,000 migrations of 1 KB
  --sizes                  play nothing: the size and the start of the action's image beside the aws command line's
  --program <path>         measure this program, in place of building one as it is released
  --write                  put the tables into docs/performance.md
  -h, --help               say this
";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let played = match Asked::read(std::env::args().skip(1)) {
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Ok(Some(asked)) => tokio::select! {
            played = play(&asked) => played,
            _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("stopped by Ctrl-C; nothing is left running")),
        },
        Err(problem) => {
            eprintln!("cargo speed: {problem:#}; --help says more");
            return ExitCode::from(2);
        }
    };
    match played {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("speed: {problem:#}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for.
struct Asked {
    options: Options,
    containers: bool,
    /// In place of playing anything.
    only: Option<Only>,
    program: Option<PathBuf>,
    write: bool,
}

/// What is measured without playing anything.
enum Only {
    Copies,
    Sites,
    Migrations,
    Sizes,
}

impl Asked {
    /// Nothing for `--help`.
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>> {
        let container = Err("it was not asked for (--containers)".to_owned());
        let options = Options { rounds: 5, update_times: vec![0, 1, 3, 6], container };
        let mut asked = Self { options, containers: false, only: None, program: None, write: false };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().with_context(|| format!("{argument} takes a value"));
            match argument.as_str() {
                "-h" | "--help" => return Ok(None),
                "--write" => asked.write = true,
                "--rounds" => asked.options.rounds = value()?.parse().context("--rounds takes a number")?,
                "--update-times" => {
                    let times: Result<_, _> = value()?.split(',').map(str::parse).collect();
                    asked.options.update_times = times.context("--update-times takes whole seconds, 0,3")?;
                }
                "--program" => asked.program = Some(value()?.into()),
                "--containers" => asked.containers = true,
                "--copies" => asked.only = Some(Only::Copies),
                "--sites" => asked.only = Some(Only::Sites),
                "--migrations" => asked.only = Some(Only::Migrations),
                "--sizes" => asked.only = Some(Only::Sizes),
                other => bail!("{other} is not known"),
            }
        }
        Ok(Some(asked))
    }
}

async fn play(asked: &Asked) -> Result<()> {
    if let Some(Only::Sizes) = asked.only {
        let engine = Engine::find()?;
        print!("{}", Sizes::measure(&engine, &engine.released_image()?)?);
        return Ok(());
    }
    let program = if let Some(program) = &asked.program {
        program.clone()
    } else {
        eprintln!("building deploy-action as it is released");
        build::program(Profile::Release).await?
    };
    if let Some(Only::Migrations) = asked.only {
        println!("{}", speed::migrations(&program, 1000, asked.options.rounds).await?);
        return Ok(());
    }
    if let Some(Only::Copies) = asked.only {
        let found = speed::copies(&program, asked.options.rounds, &mut |line| eprintln!("{line}")).await?.to_string();
        print!("{found}");
        return if asked.write { write("copies", &found) } else { Ok(()) };
    }
    if let Some(Only::Sites) = asked.only {
        let found = speed::sites(&program, asked.options.rounds, &mut |line| eprintln!("{line}")).await?.to_string();
        print!("{found}");
        return if asked.write { write("sites", &found) } else { Ok(()) };
    }
    let mut options = asked.options.clone();
    let engine;
    if asked.containers {
        eprintln!("making the action's image");
        engine = Engine::find()?;
        options.container = Ok(Container { image: engine.released_image()?.name, engine: engine.host().to_owned() });
    }
    let findings = speed::measure(&program, &options, &mut |line| eprintln!("{line}")).await?.to_string();
    print!("{findings}");
    if asked.write { write("speed", &findings) } else { Ok(()) }
}

/// Puts a table between its markers in the page.
fn write(name: &str, table: &str) -> Result<()> {
    let path = build::workspace().join("docs/performance.md");
    let page = fs::read_to_string(&path).context("read docs/performance.md")?;
    let page = speed::between(&page, name, table).context("docs/performance.md has no markers for the tables")?;
    fs::write(&path, page).context("write docs/performance.md")
}
