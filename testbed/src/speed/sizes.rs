//! The action's image beside the aws command line: what each takes on a disk, and how long it takes to its first answer.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::players::Player;
use super::table::{Spread, row};
use super::{STARTS, machine, start};
use crate::aws::command_line;
use crate::engine::{ActionImage, Engine};
use crate::runner::Container;

/// What is measured of one of them.
#[derive(Debug)]
struct Weighed {
    name: String,
    /// Bytes that are fetched, where that is one thing.
    fetched: Option<u64>,
    /// Bytes of all its files.
    unpacked: Option<u64>,
    /// From the start of its process to the first answer, in milliseconds.
    starts: Spread,
}

/// Sizes and starts. Displayed, they are Markdown.
#[derive(Debug)]
pub struct Sizes {
    conditions: [String; 2],
    weighed: Vec<Weighed>,
}

impl Sizes {
    /// Measures the image, the program in it, and the aws command line.
    ///
    /// # Errors
    /// One of them does not start, or cannot be made.
    pub fn measure(engine: &Engine, image: &ActionImage) -> Result<Self> {
        let python = command_line()?;
        let root = image.folder.join("root");
        let container = Container { image: image.name.clone(), engine: engine.host().to_owned() };
        let program = Player::Product(root.join("usr/local/bin/deploy-action"));
        let environment = python.parent().and_then(Path::parent).context("the environment of the aws CLI")?;
        let in_container = format!("deploy-action (profile {}), its image in a container", image.profile);
        let all = [
            (&*in_container, Some(image.size), Some(root), Player::Container(container)),
            ("deploy-action, the program in it", None, None, program),
            (
                "aws CLI, without its Python",
                None,
                Some(environment.join("lib")),
                Player::shell(&python, "function-updated"),
            ),
        ];
        let weigh = |(name, fetched, folder, player): (&str, _, Option<PathBuf>, _)| {
            let starts: Result<Vec<_>> = (0..STARTS).map(|_| start::first_answer(&player)).collect();
            let starts = starts?.into_iter().flatten().map(|start| start.took.as_secs_f64() * 1000.0);
            let unpacked = folder.as_deref().map(size).transpose()?;
            anyhow::Ok(Weighed { name: name.to_owned(), fetched, unpacked, starts: Spread::of(starts) })
        };
        Ok(Self {
            conditions: [machine::machine(), machine::versions(&python)],
            weighed: all.into_iter().map(weigh).collect::<Result<_>>()?,
        })
    }
}

/// Bytes of all files under a folder; links count as nothing.
fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).with_context(|| format!("look into {}", folder.display()))? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            bytes += size(&entry.path())?;
        } else if kind.is_file() {
            bytes += entry.metadata()?.size();
        }
    }
    Ok(bytes)
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [machine, versions] = &self.conditions;
        writeln!(f, "{machine}. {versions}. Median [least-most] of {STARTS} starts.\n")?;
        row(f, ["what", "fetched, MB", "unpacked, MB", "start to first answer, ms"])?;
        row(f, ["---"; 4])?;
        for one in &self.weighed {
            let megabytes = |bytes: Option<u64>| {
                bytes.map_or_else(|| "-".to_owned(), |bytes| format!("{}.{}", bytes / 1_000_000, bytes / 100_000 % 10))
            };
            let starts = format!("{:.1}", one.starts);
            row(f, [one.name.clone(), megabytes(one.fetched), megabytes(one.unpacked), starts])?;
        }
        Ok(())
    }
}
