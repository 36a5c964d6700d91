//! The way of a release, played by deploy-action and by a shell pipeline in turns, on the same local AWS: how long each takes, how
//! many processes and requests, how much memory.
//!
//! Nothing of it is a test: times depend on the machine and on what else it does. Only ratios within one run say something.

mod copies;
mod distance;
mod findings;
mod machine;
mod meter;
mod migrations;
mod players;
mod scene;
mod sites;
mod sizes;
mod start;
mod table;
mod waiting;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

pub use self::copies::{Copies, copies};
pub use self::findings::Findings;
use self::findings::{Play, Weighed};
use self::meter::Meter;
pub use self::migrations::migrations;
pub use self::players::Player;
pub use self::scene::Scene;
pub use self::sites::{Sites, sites};
pub use self::sizes::Sizes;
pub use self::table::between;
use crate::aws::{LocalAws, command_line};
use crate::runner::Container;

/// What is measured, and how often.
#[derive(Clone, Debug)]
pub struct Options {
    /// How often everything is played.
    pub rounds: u32,
    /// How long Lambda takes to update a function, in seconds.
    pub update_times: Vec<u32>,
    /// The action's image and an engine for it; or why there is none.
    pub container: Result<Container, String>,
}

/// Starts of each program to its first answer.
const STARTS: u32 = 21;

/// Plays everything with this program, and says to `tell` what is being done.
///
/// # Errors
/// A player fails: what is compared must have worked.
pub async fn measure(program: &Path, options: &Options, tell: &mut impl FnMut(&str)) -> Result<Findings> {
    let python = command_line()?;
    let aws = LocalAws::start()?;
    let mut players = vec![Player::product(program)];
    players.extend(options.container.iter().cloned().map(Player::Container));
    players.extend(["function-updated", "function-updated-v2"].map(|waiter| Player::shell(&python, waiter)));
    let mut findings = Findings {
        conditions: [machine::machine(), machine::versions(&python)],
        rounds: options.rounds,
        weighed: Vec::new(),
        starts: BTreeMap::new(),
        plays: Vec::new(),
        without_containers: options.container.as_ref().err().cloned(),
    };

    for player in &players {
        tell(&format!("{player}: one play, counted and weighed"));
        findings.weighed.push(weighed(&aws, player).await.with_context(|| player.to_string())?);
    }
    tell(&format!("{STARTS} starts of each"));
    for _ in 0..STARTS {
        for player in &players {
            findings.starts.entry(player.clone()).or_default().extend(start::first_answer(player)?);
        }
    }
    for round in 1..=options.rounds {
        for seconds in &options.update_times {
            // Nobody is always the first.
            players.rotate_left(1);
            for player in &players {
                tell(&format!("round {round} of {}, updates of {seconds} s: {player}", options.rounds));
                findings.plays.push(timed(&aws, player, *seconds).await.with_context(|| player.to_string())?);
            }
        }
    }
    Ok(findings)
}

async fn weighed(aws: &LocalAws, player: &Player) -> Result<Weighed> {
    let meter = Meter::new()?;
    let scene = Scene::set(aws, 0).await?;
    player.play(&scene, Some(&meter)).await?;
    let requests = scene.requests().await?.len();
    scene.end().await?;
    let weight = (!matches!(player, Player::Container(_))).then(|| meter.read()).transpose()?;
    Ok(Weighed { player: player.clone(), requests, weight })
}

async fn timed(aws: &LocalAws, player: &Player, seconds: u32) -> Result<Play> {
    let scene = Scene::set(aws, seconds).await?;
    let wall = player.play(&scene, None).await?;
    let waited = waiting::of(&scene.requests().await?, f64::from(seconds))?;
    scene.end().await?;
    Ok(Play { player: player.clone(), seconds, wall, waited })
}

/// Runs a program to its end; what it said, where it fails.
async fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await?;
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    ensure!(output.status.success(), "{command:?} ended with {}:\n{}", output.status, said.join("\n"));
    Ok(())
}
