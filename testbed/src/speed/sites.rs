//! The publication of a site: by publish-site, and by the programs that people keep buckets like folders with. All take turns, on the same
//! local S3, on the loopback interface and with a simulated distance.

use std::fmt;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::process::Command;

use super::distance::Distance;
use super::machine;
use super::meter::{Meter, Weight};
use super::run;
use super::table::{Spread, row};
use crate::aws::{Account, LocalAws, Settings, Site, SiteSpec, command_line};

const RCLONE: &str = "/usr/bin/rclone";
/// The round trip of the simulated distance, in milliseconds.
const ROUND_TRIP: u64 = 20;
const BUCKET: &str = "bench-site";
/// What a site consists of: pages, files that are named after their content, and films; the sizes in bytes.
const PAGES: usize = 20;
const PARTS: usize = 1980;
const PART: usize = 4 << 10;
const FILMS: usize = 5;
const FILM: usize = 20 << 20;

/// Who publishes.
#[derive(Clone, Debug)]
enum Publisher {
    Product(PathBuf),
    AwsCli(PathBuf),
    Rclone,
    RcloneTuned,
}

impl fmt::Display for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Product(_) => "publish-site",
            Self::AwsCli(_) => "`aws s3 sync`",
            Self::Rclone => "`rclone sync`",
            Self::RcloneTuned => "`rclone sync --checksum --fast-list --transfers 16 --checkers 16`",
        })
    }
}

/// What the bucket has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Nothing,
    Unchanged,
    Touched,
    OnePage,
}

const MODES: [Mode; 4] = [Mode::Nothing, Mode::Unchanged, Mode::Touched, Mode::OnePage];

impl Mode {
    const fn words(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Unchanged => "all of it",
            Self::Touched => "all of it, of other times",
            Self::OnePage => "all but one page",
        }
    }
}

#[derive(Debug)]
struct Published {
    mode: Mode,
    is_far: bool,
    publisher: usize,
    wall: f64,
    weight: Weight,
    requests: usize,
}

/// What was measured. Displayed, it is Markdown.
#[derive(Debug)]
pub struct Sites {
    conditions: [String; 2],
    rounds: u32,
    publishers: Vec<Publisher>,
    all: Vec<Published>,
    /// How long a plan takes, by the number of files.
    plans: Vec<(usize, Spread)>,
}

/// Where it is published.
struct Place {
    account: Account,
    site: Site,
    far: Distance,
    folder: TempDir,
}

/// Publishes a site so many times by each.
///
/// # Errors
/// A program is missing, or a publication fails.
pub async fn sites(program: &Path, rounds: u32, tell: &mut impl FnMut(&str)) -> Result<Sites> {
    let python = command_line()?;
    let mut publishers = vec![Publisher::Product(program.to_owned()), Publisher::AwsCli(python.clone())];
    if Path::new(RCLONE).exists() {
        publishers.extend([Publisher::Rclone, Publisher::RcloneTuned]);
    }
    let aws = LocalAws::start()?;
    let place = Place::open(&aws).await?;
    let conditions = [machine::machine(), format!("{}, {}", machine::versions(&python), rclone().await)];
    let mut found = Sites { conditions, rounds, publishers: publishers.clone(), all: Vec::new(), plans: Vec::new() };
    let mut number = 0;
    for round in 1..=rounds {
        for is_far in [false, true] {
            for turn in 0..publishers.len() {
                // Nobody is always the first.
                let publisher = (turn + round as usize) % publishers.len();
                tell(&format!(
                    "round {round} of {rounds}: {}{}",
                    publishers[publisher],
                    if is_far { ", far away" } else { "" }
                ));
                number += 1;
                place.build(PARTS, FILMS)?;
                for mode in MODES {
                    place.change(mode, number)?;
                    let (wall, weight, requests) = place.publish(&publishers[publisher], number, mode, is_far).await?;
                    found.all.push(Published { mode, is_far, publisher, wall, weight, requests });
                }
                place.empty(number).await?;
            }
        }
    }
    for count in [2_000, 20_000] {
        tell(&format!("plans of {count} files"));
        place.build(count - PAGES, 0)?;
        let mut times = Vec::new();
        for _ in 0..rounds {
            let began = Instant::now();
            let mut command = Command::new(program);
            place.product(&mut command, 0, Mode::Nothing, &place.account.environment(), place.account.endpoint());
            run(command.env("INPUT_DRY-RUN", "true")).await?;
            times.push(began.elapsed().as_secs_f64());
        }
        found.plans.push((count, Spread::of(times)));
    }
    Ok(found)
}

async fn rclone() -> String {
    let said = Command::new(RCLONE).arg("version").output().await;
    let said = said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned()).unwrap_or_default();
    said.lines().next().unwrap_or("without rclone (on Debian: apt-get install rclone)").to_owned()
}

impl Place {
    async fn open(aws: &LocalAws) -> Result<Self> {
        let account = aws.account();
        account.settings(&Settings { invalidation_delay: Some(0.0), ..Settings::default() }).await?;
        let site = account.create_site(&SiteSpec::new(BUCKET)).await?;
        let host = account.endpoint().trim_start_matches("http://").to_owned();
        let far = Distance::before(&host, ROUND_TRIP)?;
        Ok(Self { account, site, far, folder: tempfile::tempdir()? })
    }

    fn dist(&self) -> PathBuf {
        self.folder.path().join("dist")
    }

    /// Builds a site, as bundlers name the files.
    fn build(&self, parts: usize, films: usize) -> Result<()> {
        let dist = self.dist();
        let _ = fs::remove_dir_all(&dist);
        fs::create_dir_all(dist.join("assets")).context("make the site")?;
        let mut named = String::new();
        for (kind, ending, count, size) in [("film", "mp4", films, FILM), ("part", "js", parts, PART)] {
            for number in 0..count {
                let content = content(number, size);
                let hash = format!("{:x}", Sha256::digest(&content));
                let name = format!("assets/{kind}{number}-{}.{ending}", &hash[..10]);
                fs::write(dist.join(&name), content).context("write an asset")?;
                if number < 50 {
                    let _ = writeln!(named, "<script src=\"/{name}\"></script>");
                }
            }
        }
        for number in 0..PAGES {
            let name = if number == 0 { "index.html".to_owned() } else { format!("page{number}.html") };
            fs::write(dist.join(name), format!("<!doctype html>page {number}\n{named}")).context("write a page")?;
        }
        Ok(())
    }

    /// What the build did since the publication before.
    fn change(&self, mode: Mode, number: usize) -> Result<()> {
        match mode {
            Mode::Nothing | Mode::Unchanged => {}
            Mode::Touched => {
                let assets = fs::read_dir(self.dist().join("assets"))?;
                for file in assets.chain(fs::read_dir(self.dist())?) {
                    let file = file?.path();
                    if file.is_file() {
                        File::options().append(true).open(file)?.set_modified(SystemTime::now())?;
                    }
                }
            }
            Mode::OnePage => {
                fs::write(self.dist().join("page1.html"), format!("<!doctype html>another page {number}"))?;
            }
        }
        Ok(())
    }

    /// One publication: how long, what it weighed, and how many requests it made.
    async fn publish(
        &self,
        publisher: &Publisher,
        number: usize,
        mode: Mode,
        is_far: bool,
    ) -> Result<(f64, Weight, usize)> {
        let endpoint = if is_far { format!("http://{}", self.far.host()) } else { self.account.endpoint().to_owned() };
        let mut environment = self.account.environment();
        environment.retain(|(name, _)| name != "AWS_ENDPOINT_URL");
        environment.push(("AWS_ENDPOINT_URL".to_owned(), endpoint.clone()));
        let meter = Meter::new()?;
        let words = meter.command();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        let to = format!("{BUCKET}/p{number}");
        match publisher {
            Publisher::Product(program) => {
                command.arg(program);
                self.product(&mut command, number, mode, &environment, &endpoint);
            }
            Publisher::AwsCli(python) => {
                command.arg(python).args([
                    "-m",
                    "awscli",
                    "s3",
                    "sync",
                    "dist",
                    &format!("s3://{to}/"),
                    "--only-show-errors",
                ]);
            }
            Publisher::Rclone => rclone_to(&mut command, &to, &environment, &[]),
            Publisher::RcloneTuned => {
                let tuned = ["--checksum", "--fast-list", "--transfers", "16", "--checkers", "16"];
                rclone_to(&mut command, &to, &environment, &tuned);
            }
        }
        if !matches!(publisher, Publisher::Product(_)) {
            command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", self.folder.path()).envs(environment);
            command.env("AWS_DEFAULT_REGION", self.account.region()).current_dir(self.folder.path());
        }
        self.account.clear_requests().await?;
        let began = Instant::now();
        run(&mut command).await.with_context(|| format!("{publisher}"))?;
        let wall = began.elapsed().as_secs_f64();
        let requests = self.account.requests().await?.iter().filter(|one| one.service != "edge").count();
        Ok((wall, meter.read()?, requests))
    }

    /// The step as it is run by a job, without a record in GitHub.
    fn product(
        &self,
        command: &mut Command,
        number: usize,
        mode: Mode,
        environment: &[(String, String)],
        endpoint: &str,
    ) {
        command.env_clear().env("PATH", "/usr/bin:/bin").envs(environment.iter().cloned());
        let (release, prefix) = (format!("r{}", u8::from(mode == Mode::OnePage)), format!("p{number}"));
        let url = format!("{endpoint}{}/{prefix}", self.site.path);
        let inputs = [
            ("STEP", "publish-site"),
            ("SOURCE", "dist"),
            ("BUCKET", BUCKET),
            ("PREFIX", &prefix),
            ("RELEASE", &release),
            ("URL", &url),
            ("RECORD", "off"),
        ];
        for (name, value) in inputs {
            command.env(format!("INPUT_{name}"), value);
        }
        command.current_dir(self.folder.path());
    }

    /// Frees the memory of the local S3.
    async fn empty(&self, number: usize) -> Result<()> {
        for prefix in [format!("p{number}/"), format!(".deploy-action/p{number}/")] {
            loop {
                let path = format!("/{BUCKET}?list-type=2&max-keys=1000&prefix={prefix}");
                let listed = self.account.s3("GET", &path, Vec::new()).await?.ok()?.text();
                let keys: Vec<&str> = listed
                    .split("<Key>")
                    .skip(1)
                    .filter_map(|rest| rest.split_once("</Key>"))
                    .map(|(key, _)| key)
                    .collect();
                if keys.is_empty() {
                    break;
                }
                let mut body = "<Delete><Quiet>true</Quiet>".to_owned();
                for key in keys {
                    let _ = write!(body, "<Object><Key>{key}</Key></Object>");
                }
                body.push_str("</Delete>");
                self.account.s3("POST", &format!("/{BUCKET}?delete"), body.into_bytes()).await?.ok()?;
            }
        }
        Ok(())
    }
}

fn rclone_to(command: &mut Command, to: &str, environment: &[(String, String)], tuned: &[&str]) {
    command.args([RCLONE, "sync", "dist", &format!(":s3:{to}"), "--config", "/dev/null"]).args(tuned);
    command.args(["--s3-provider", "Other", "--s3-env-auth", "--s3-force-path-style", "--s3-no-check-bucket"]);
    for (name, value) in environment {
        match name.as_str() {
            "AWS_ENDPOINT_URL" => command.args(["--s3-endpoint", value]),
            "AWS_REGION" => command.args(["--s3-region", value]),
            _ => command,
        };
    }
}

/// Bytes that are no other file's.
fn content(number: usize, size: usize) -> Vec<u8> {
    let seed = Sha256::digest(format!("{number} of {size}"));
    let mut content = vec![b'.'; size];
    for (place, byte) in content.iter_mut().enumerate().step_by(64) {
        *byte = seed[place / 64 % seed.len()];
    }
    content[..seed.len()].copy_from_slice(&seed);
    content
}

impl Sites {
    fn lines(&self, f: &mut fmt::Formatter<'_>, mode: Mode, is_far: bool) -> fmt::Result {
        let of = |publisher, value: fn(&Published) -> f64| {
            let is_it = |one: &&Published| one.mode == mode && one.is_far == is_far && one.publisher == publisher;
            Spread::of(self.all.iter().filter(is_it).map(value))
        };
        let wall = |publisher| of(publisher, |one| one.wall);
        let peers = (1..self.publishers.len()).map(|publisher| wall(publisher).median);
        let best = peers.fold(f64::INFINITY, f64::min);
        for (publisher, name) in self.publishers.iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "thousands of requests")]
            let requests = of(publisher, |one| one.requests as f64);
            row(
                f,
                [
                    mode.words().to_owned(),
                    name.to_string(),
                    format!("{:.2}", wall(publisher)),
                    format!("{:.2}", wall(publisher).median / best),
                    format!("{:.2}", of(publisher, |one| one.weight.cpu)),
                    format!("{:.0}", of(publisher, |one| f64::from(one.weight.peak_kb) / 1000.0)),
                    format!("{requests:.0}"),
                ],
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Sites {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [machine, versions] = &self.conditions;
        writeln!(
            f,
            "{machine}. {versions}. {PAGES} pages, {PARTS} files of {} KiB and {FILMS} of {} MiB. Median [least-most] of {} rounds. *Ratio* is to \
             the best of the others.",
            PART >> 10,
            FILM >> 20,
            self.rounds
        )?;
        for is_far in [false, true] {
            let place = if is_far { format!("{ROUND_TRIP} ms of round trip") } else { "loopback".to_owned() };
            writeln!(f, "\n{place}:\n")?;
            let heads = [
                "what is there",
                "published by",
                "time, s",
                "ratio",
                "processor time, s",
                "peak memory, MB",
                "requests",
            ];
            row(f, heads)?;
            row(f, ["---"; 7])?;
            for mode in MODES {
                self.lines(f, mode, is_far)?;
            }
        }
        writeln!(f)?;
        row(f, ["files", "plan (`dry-run`) by publish-site, s"])?;
        row(f, ["---"; 2])?;
        for (count, spread) in &self.plans {
            row(f, [count.to_string(), format!("{spread:.2}")])?;
        }
        Ok(())
    }
}
