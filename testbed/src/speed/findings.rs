//! What was measured, and how it is told.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::meter::Weight;
use super::players::Player;
use super::start::Start;
use super::table::{Spread, row};
use super::waiting::Waited;

/// One play.
#[derive(Clone, Debug)]
pub(super) struct Play {
    pub(super) player: Player,
    /// How long Lambda's update took.
    pub(super) seconds: u32,
    /// How long the whole way took.
    pub(super) wall: Duration,
    pub(super) waited: Waited,
}

/// What was counted and weighed in one play of its own.
#[derive(Clone, Debug)]
pub(super) struct Weighed {
    pub(super) player: Player,
    pub(super) requests: usize,
    /// Nothing for containers: only the engine's client could be weighed.
    pub(super) weight: Option<Weight>,
}

/// Everything that was measured in one run. Displayed, it is Markdown.
#[derive(Debug)]
pub struct Findings {
    /// The machine, and the versions of what is compared.
    pub(super) conditions: [String; 2],
    pub(super) rounds: u32,
    pub(super) weighed: Vec<Weighed>,
    pub(super) starts: BTreeMap<Player, Vec<Start>>,
    pub(super) plays: Vec<Play>,
    /// Why containers were not measured.
    pub(super) without_containers: Option<String>,
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [machine, versions] = &self.conditions;
        writeln!(f, "{machine}. {versions}. Median [least-most] of {} rounds.\n", self.rounds)?;
        self.ways(f)?;
        writeln!(f)?;
        self.weights(f)?;
        if let Some(why) = &self.without_containers {
            writeln!(f, "\nOne container start per step was not measured: {why}.")?;
        }
        Ok(())
    }
}

impl Findings {
    /// The whole way and the wait in it, for each update time.
    fn ways(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        row(f, ["an update takes", "played by", "the whole way, s", "ratio", "the wait ended late by, s", "polls"])?;
        row(f, ["---"; 6])?;
        let mut times: Vec<u32> = self.plays.iter().map(|play| play.seconds).collect();
        times.sort_unstable();
        times.dedup();
        for seconds in times {
            let product = self.weighed.iter().find(|one| matches!(one.player, Player::Product(_)));
            let fastest = product.map_or(f64::NAN, |product| self.way(&product.player, seconds).median);
            for Weighed { player, .. } in &self.weighed {
                let way = self.way(player, seconds);
                let late = Spread::of(self.of(player, seconds).map(|play| play.waited.late));
                let polls = Spread::of(self.of(player, seconds).map(|play| f64::from(play.waited.polls)));
                let ratio = way.median / fastest;
                row(
                    f,
                    [
                        format!("{seconds} s"),
                        player.to_string(),
                        format!("{way:.2}"),
                        format!("{ratio:.1}"),
                        format!("{late:.2}"),
                        format!("{polls:.0}"),
                    ],
                )?;
            }
        }
        Ok(())
    }

    fn of(&self, player: &Player, seconds: u32) -> impl Iterator<Item = &Play> {
        self.plays.iter().filter(move |play| play.seconds == seconds && play.player == *player)
    }

    fn way(&self, player: &Player, seconds: u32) -> Spread {
        Spread::of(self.of(player, seconds).map(|play| play.wall.as_secs_f64()))
    }

    /// What a play takes beside time, and how long a start takes.
    fn weights(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        row(
            f,
            [
                "played by",
                "processes",
                "requests",
                "processor time, s",
                "peak memory, MB",
                "start to first answer, ms",
                "memory then, MB",
            ],
        )?;
        row(f, ["---"; 7])?;
        for one in &self.weighed {
            let weight = |shown: fn(&Weight) -> String| one.weight.as_ref().map_or_else(|| "-".to_owned(), shown);
            let starts = self.starts.get(&one.player).map(Vec::as_slice).unwrap_or_default();
            let shown = |values: Vec<f64>| {
                if values.is_empty() { "-".to_owned() } else { format!("{:.1}", Spread::of(values)) }
            };
            row(
                f,
                [
                    one.player.to_string(),
                    weight(|weight| weight.processes.to_string()),
                    one.requests.to_string(),
                    weight(|weight| format!("{:.2}", weight.cpu)),
                    weight(|weight| format!("{:.1}", megabytes(weight.peak_kb))),
                    shown(starts.iter().map(|start| start.took.as_secs_f64() * 1000.0).collect()),
                    shown(starts.iter().filter_map(|start| Some(megabytes(start.peak_kb?))).collect()),
                ],
            )?;
        }
        Ok(())
    }
}

/// Of a million bytes each; the kernel counts in 1024.
fn megabytes(kilobytes: u32) -> f64 {
    f64::from(kilobytes) * 1024.0 / 1e6
}
