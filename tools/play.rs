//! `cargo play`: the local AWS, GitHub and registry, left running, to try steps by hand.

use std::process::ExitCode;

use anyhow::Result;
use testbed::build::{self, Profile};
use testbed::play::Playground;

const HELP: &str = "\
cargo play: a local AWS, a local GitHub and a registry with a sample app in them, to try steps by hand

Builds deploy-action, starts the counterparts on free ports of this machine, and prints what to paste into another terminal:
the exports, and five commands that carry a new version of the app into production and take it back. Steps that change
something show their plan and ask. It runs until Ctrl-C; then nothing is left running, and all of it is gone.

Options:
  -h, --help    say this
";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None => {}
        Some("-h" | "--help") => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Some(other) => {
            eprintln!("cargo play takes no argument but --help, not {other}");
            return ExitCode::from(2);
        }
    }
    let ended = tokio::select! {
        ended = play() => ended,
        _ = tokio::signal::ctrl_c() => {
            println!("\nstopped; nothing is left running");
            Ok(())
        }
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("play: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn play() -> Result<()> {
    let program = build::program(Profile::Debug).await?;
    let playground = Playground::start(&program).await?;
    println!("The function shop-api serves 1.0.0 in production; 1.1.0 waits in the source registry.");
    println!("\nPaste this into another terminal:\n\n{}", playground.exports());
    println!("Then try, one after the other (`--dry-run` only looks, `--yes` does not ask):\n");
    for (number, command) in (1..).zip(playground.commands()) {
        println!("# {number}\n{command}");
    }
    println!("\nAny other step works as well: deploy-action --help. Ctrl-C ends all of it.");
    std::future::pending().await
}
