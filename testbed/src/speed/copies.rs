//! The copy of an image between two registries: by promote-artifact, and by the programs that people copy images with. All take turns, on
//! the same registries (Debian's `docker-registry`), on the loopback interface and with a simulated distance.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use tokio::process::Command;

use super::distance::Distance;
use super::machine;
use super::meter::{Meter, Weight};
use super::run;
use super::table::{Spread, row};
use crate::aws::ImageSpec;
use crate::engine::go_tool;
use crate::registry::{Blob, DockerRegistry, Login, Registry};

/// What the modules of Go are taken at.
const CRANE: (&str, &str) = ("github.com/google/go-containerregistry/cmd/crane", "v0.22.1");
const REGCTL: (&str, &str) = ("github.com/regclient/regclient/cmd/regctl", "v0.11.7");
const SKOPEO: &str = "/usr/bin/skopeo";
/// The round trip of the simulated distance, in milliseconds.
const ROUND_TRIP: u64 = 20;

/// Who copies.
#[derive(Clone, Debug)]
enum Copier {
    Product(PathBuf),
    Crane(PathBuf),
    CraneOfSixteen(PathBuf),
    Regctl(PathBuf),
    Skopeo,
}

impl fmt::Display for Copier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Product(_) => "promote-artifact",
            Self::Crane(_) => "crane",
            Self::CraneOfSixteen(_) => "crane `--jobs 16`",
            Self::Regctl(_) => "regctl",
            Self::Skopeo => "skopeo",
        })
    }
}

/// What is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Cold,
    Warm,
    Layers,
    Mount,
}

const MODES: [Mode; 4] = [Mode::Cold, Mode::Warm, Mode::Layers, Mode::Mount];

impl Mode {
    const fn words(self) -> &'static str {
        match self {
            Self::Cold => "nothing",
            Self::Warm => "all of it",
            Self::Layers => "its layers",
            Self::Mount => "its layers, in another repository",
        }
    }
}

/// One copy.
#[derive(Debug)]
struct Copied {
    image: &'static str,
    mode: Mode,
    far: bool,
    copier: usize,
    wall: f64,
    weight: Weight,
    requests: u32,
}

/// What was measured. Displayed, it is Markdown.
#[derive(Debug)]
pub struct Copies {
    machine: String,
    rounds: u32,
    copiers: Vec<Copier>,
    all: Vec<Copied>,
}

/// The two registries, near and far.
struct Way {
    registries: [DockerRegistry; 2],
    near: [String; 2],
    far: [Distance; 2],
}

/// Copies the three images so many times by each.
///
/// # Errors
/// A program or a registry is missing, or a copy fails.
pub async fn copies(program: &Path, rounds: u32, tell: &mut impl FnMut(&str)) -> Result<Copies> {
    let crane = go_tool(CRANE.0, CRANE.1, "")?;
    let mut copiers = vec![
        Copier::Product(program.to_owned()),
        Copier::Crane(crane.clone()),
        Copier::CraneOfSixteen(crane.clone()),
        Copier::Regctl(go_tool(REGCTL.0, REGCTL.1, "")?),
    ];
    if Path::new(SKOPEO).exists() {
        copiers.push(Copier::Skopeo);
    }
    let images = [
        ("10 layers of 100 MiB", big()),
        ("200 layers of 64 KiB", small()),
        ("2 platforms, 5 layers of 20 MiB each", multi()),
    ];
    let way = Way::open().await?;
    let from = Registry::ghcr().with(|options| options.login = Login::None).start().await?;
    for (place, (name, spec)) in images.iter().enumerate() {
        tell(&format!("making: {name}"));
        let _pushed = from.put_image(&ImageSpec { repository: format!("bench/{place}"), ..spec.clone().tag("v1") });
        let to = format!("{}/bench/{place}:v1", way.near[0]);
        run(Command::new(&crane).args(["copy", "--insecure", &format!("{}/bench/{place}:v1", from.host()), &to]))
            .await?;
    }
    let mut found = Copies { machine: machine::machine(), rounds, copiers: copiers.clone(), all: Vec::new() };
    let mut number = 0;
    for round in 1..=rounds {
        for (place, (image, _)) in images.iter().enumerate() {
            for far in [false, true] {
                tell(&format!("round {round} of {rounds}: {image}{}", if far { ", far away" } else { "" }));
                for turn in 0..copiers.len() {
                    // Nobody is always the first.
                    let copier = (turn + round as usize) % copiers.len();
                    number += 1;
                    for mode in MODES {
                        let (wall, weight, requests) = way.copy(&copiers[copier], (place, number), mode, far).await?;
                        found.all.push(Copied { image, mode, far, copier, wall, weight, requests });
                    }
                }
            }
        }
    }
    Ok(found)
}

fn layers(spec: ImageSpec, count: u64, size: u64, seed: u64) -> ImageSpec {
    (0..count).fold(spec, |spec, number| spec.layer(Blob::generated(size, seed + number)))
}

fn big() -> ImageSpec {
    layers(ImageSpec::new("bench"), 10, 100 << 20, 10_000)
}

fn small() -> ImageSpec {
    layers(ImageSpec::new("bench"), 200, 64 << 10, 20_000)
}

/// The platforms share their layers' bytes in none of the peers' favour: all of them copy each blob once.
fn multi() -> ImageSpec {
    layers(ImageSpec::new("bench").architectures(&["amd64", "arm64"]), 10, 20 << 20, 30_000)
}

impl Way {
    async fn open() -> Result<Self> {
        let open = async || {
            DockerRegistry::start()
                .await?
                .context("docker-registry is needed (on Debian: apt-get install docker-registry)")
        };
        let registries = [open().await?, open().await?];
        let near = registries.each_ref().map(|registry| registry.host().to_owned());
        let far = [Distance::before(&near[0], ROUND_TRIP)?, Distance::before(&near[1], ROUND_TRIP)?];
        Ok(Self { registries, near, far })
    }

    /// One copy: how long, what it weighed, and how many requests it made.
    async fn copy(
        &self,
        copier: &Copier,
        (image, number): (usize, usize),
        mode: Mode,
        far: bool,
    ) -> Result<(f64, Weight, u32)> {
        let hosts = if far { self.far.each_ref().map(|one| one.host().to_owned()) } else { self.near.clone() };
        let [source, destination] = &hosts;
        let there = format!("{destination}/copy/{number}");
        let (from, to) = match mode {
            Mode::Cold | Mode::Warm | Mode::Layers => (format!("{source}/bench/{image}"), there),
            Mode::Mount => (there.clone(), format!("{there}-mounted")),
        };
        if mode == Mode::Layers {
            self.registries[1].forget_manifests(&format!("copy/{number}"))?;
        }
        let meter = Meter::new()?;
        let before: u32 = self.far.iter().map(Distance::requests).sum();
        let began = Instant::now();
        run(&mut copier.command(&meter, &from, &to, &hosts)).await.with_context(|| copier.to_string())?;
        let wall = began.elapsed().as_secs_f64();
        let requests = self.far.iter().map(Distance::requests).sum::<u32>() - before;
        Ok((wall, meter.read()?, requests))
    }
}

impl Copier {
    fn command(&self, meter: &Meter, from: &str, to: &str, hosts: &[String]) -> Command {
        let words = meter.command();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        let (source, destination) = (format!("{from}:v1"), format!("{to}:v1"));
        match self {
            Self::Product(program) => {
                command.arg(program).env_clear().env("PATH", "/usr/bin:/bin");
                let inputs = [
                    ("STEP", "promote-artifact"),
                    ("SOURCE", &source),
                    ("DESTINATION", to),
                    ("TAG", "v1"),
                    ("VERIFY-REVISION", "off"),
                    ("REFERRERS", "none"),
                ];
                for (name, value) in inputs {
                    command.env(format!("INPUT_{name}"), value);
                }
                command.current_dir(std::env::temp_dir());
            }
            Self::Crane(program) => {
                command.arg(program).args(["copy", "--insecure", &source, &destination]);
            }
            Self::CraneOfSixteen(program) => {
                command.arg(program).args(["copy", "--insecure", "--jobs", "16", &source, &destination]);
            }
            Self::Regctl(program) => {
                command.arg(program).args(["-v", "error"]);
                for host in hosts {
                    command.args(["--host", &format!("reg={host},tls=disabled")]);
                }
                command.args(["image", "copy", &source, &destination]);
            }
            Self::Skopeo => {
                // It remembers where else a registry has a blob, and would have it mounted: a machine that is new remembers nothing. Of
                // somebody without a home it keeps no memory.
                command
                    .args(["setpriv", "--reuid=65534", "--clear-groups"])
                    .env("HOME", "/nonexistent")
                    .env_remove("XDG_DATA_HOME");
                command.args([SKOPEO, "copy", "-q", "--all", "--preserve-digests"]);
                command.args(["--src-tls-verify=false", "--dest-tls-verify=false"]);
                command.args([format!("docker://{source}"), format!("docker://{destination}")]);
            }
        }
        command
    }
}

impl Copies {
    fn of(&self, image: &str, mode: Mode, far: bool, copier: usize) -> Vec<&Copied> {
        let is_it = |one: &&Copied| one.image == image && one.mode == mode && one.far == far && one.copier == copier;
        self.all.iter().filter(is_it).collect()
    }

    fn line(&self, f: &mut fmt::Formatter<'_>, image: &str, mode: Mode, far: bool) -> fmt::Result {
        let spread =
            |copier, value: fn(&Copied) -> f64| Spread::of(self.of(image, mode, far, copier).into_iter().map(value));
        let wall = |copier| spread(copier, |one| one.wall);
        let peers = (1..self.copiers.len()).map(|copier| wall(copier).median);
        let best = peers.fold(f64::INFINITY, f64::min);
        for (copier, name) in self.copiers.iter().enumerate() {
            let requests =
                if far { format!("{:.0}", spread(copier, |one| f64::from(one.requests))) } else { "-".to_owned() };
            row(
                f,
                [
                    image.to_owned(),
                    mode.words().to_owned(),
                    name.to_string(),
                    format!("{:.2}", wall(copier)),
                    format!("{:.2}", wall(copier).median / best),
                    format!("{:.2}", spread(copier, |one| one.weight.cpu)),
                    format!("{:.0}", spread(copier, |one| f64::from(one.weight.peak_kb) / 1000.0)),
                    requests,
                ],
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Copies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}. Median [least-most] of {} rounds. *Ratio* is to the best of the others. Of skopeo, a machine that is new: it mounts only what it \
             remembers to have seen elsewhere.",
            self.machine, self.rounds
        )?;
        let mut images: Vec<&str> = self.all.iter().map(|one| one.image).collect();
        images.dedup();
        images.sort_unstable();
        images.dedup();
        for far in [false, true] {
            let place =
                if far { format!("{ROUND_TRIP} ms of round trip to both registries") } else { "loopback".to_owned() };
            writeln!(f, "\n{place}:\n")?;
            row(
                f,
                [
                    "image",
                    "what is there",
                    "copied by",
                    "time, s",
                    "ratio",
                    "processor time, s",
                    "peak memory, MB",
                    "requests",
                ],
            )?;
            row(f, ["---"; 8])?;
            for image in &images {
                for mode in MODES {
                    self.line(f, image, mode, far)?;
                }
            }
        }
        Ok(())
    }
}
