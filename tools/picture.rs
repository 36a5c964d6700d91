//! `cargo picture`: the pictures of `docs/pictures`, drawn as GitHub shows what the steps wrote.
//!
//! Each picture stands beside the Markdown it was drawn from. A test compares that with what the steps write now.

use std::fs;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use deploy_action::steps::inventory::page::page;
use testbed::build::{self, Profile};
use testbed::{picture, story};

/// What is shown of the page of inventory, in CSS pixels.
const INVENTORY: (u32, u32) = (1180, 980);

const HELP: &str = "\
cargo picture: draws the pictures of docs/pictures anew

Plays the story of the demo, takes the job summaries that are shown in the documentation, and draws them as GitHub shows them,
in Debian's headless `chromium` (with `fonts-noto-color-emoji`). The page of inventory is drawn from docs/pictures/inventory.json.

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
            eprintln!("cargo picture takes no argument but --help, not {other}");
            return ExitCode::from(2);
        }
    }
    match draw().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("picture: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn draw() -> Result<()> {
    let program = build::program(Profile::Debug).await?;
    let ending = story::image::play(&program, &build::target().join("picture"), &mut |_| {}).await?;
    let shown = [("canary", &ending.caught.summary)];
    for (name, summary) in shown {
        ensure!(!summary.is_empty(), "the summary of {name} is empty");
        let file = build::workspace().join("docs/pictures").join(name);
        fs::write(file.with_extension("md"), summary)?;
        picture::draw(&picture::page(summary), &file.with_extension("png")).await?;
        println!("docs/pictures/{name}.png");
    }
    let inventory = build::workspace().join("docs/pictures/inventory.json");
    let document = serde_json::from_slice(&fs::read(&inventory)?)?;
    picture::draw_screen(&page(&document), INVENTORY, false, &inventory.with_extension("png")).await?;
    println!("docs/pictures/inventory.png");
    Ok(())
}
