//! What the steps found, out of the evidence they left in the workspace.

use std::fs::File;
use std::io::Read as _;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::inputs::EvidencePath;
use super::notification::Detail;
use crate::calls::error_line;
use crate::context::Context;
use crate::text::{Foreign, LONGEST};

/// Evidence larger than this is not ours.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Reads the files; one that cannot be read is said, and left out: what happened is to be told all the same.
pub(super) fn read(cx: &Context, paths: &[EvidencePath]) -> Vec<Detail> {
    let one = |path: &EvidencePath| {
        let detail = read_one(cx, path).with_context(|| format!("read the evidence {path}"));
        detail.map_err(|error| cx.report.warn(error_line(&error))).ok()
    };
    paths.iter().filter_map(one).collect()
}

fn read_one(cx: &Context, path: &EvidencePath) -> Result<Detail> {
    #[derive(Deserialize)]
    struct Evidence {
        step: String,
        verdict: String,
        #[serde(default)]
        reason: String,
    }
    let mut text = String::new();
    File::open(cx.runner.workspace().find(&path.0)?)?.take(LARGEST + 1).read_to_string(&mut text)?;
    ensure!(text.len() as u64 <= LARGEST, "it is larger than {LARGEST} bytes");
    let Evidence { step, verdict, reason } = serde_json::from_str(&text).context("it is no evidence of a step")?;
    let line = |text: &str| Foreign::new(text).for_message(LONGEST);
    Ok(Detail { step: line(&step), verdict: line(&verdict), reason: line(&reason) })
}
