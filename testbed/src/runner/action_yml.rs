//! The part of `action.yml` that shapes the environment: declared inputs, their defaults, and `runs.env`.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, bail};
use serde::Deserialize;

/// Inputs and `runs.env` as declared, in no particular order.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ActionYml {
    #[serde(default)]
    inputs: BTreeMap<String, Option<Input>>,
    #[serde(default)]
    runs: Runs,
}

#[derive(Debug, Default, Deserialize)]
struct Input {
    #[serde(default)]
    default: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Runs {
    #[serde(default)]
    env: BTreeMap<String, String>,
}

impl ActionYml {
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        crate::yaml(&text).with_context(|| format!("parse {}", path.display()))
    }

    /// Every declared input with its default, `""` where there is none. `${{ github.token }}` is the one expression
    /// understood; any other is an error, so that a new one is noticed.
    pub(super) fn defaults(&self, token: &str) -> anyhow::Result<BTreeMap<String, String>> {
        let mut all = BTreeMap::new();
        for (name, input) in &self.inputs {
            let value = input.as_ref().and_then(|input| input.default.clone()).unwrap_or_default();
            let value = match value.trim() {
                "${{ github.token }}" => token.to_owned(),
                text if text.contains("${{") => {
                    bail!("input {name}: the default {text} is not understood here")
                }
                _ => value,
            };
            all.insert(name.clone(), value);
        }
        Ok(all)
    }

    /// `runs.env`: applied by the runner only where the variable is not set yet. Expressions are an error.
    pub(super) fn env(&self) -> anyhow::Result<&BTreeMap<String, String>> {
        if let Some((name, value)) = self.runs.env.iter().find(|(_, value)| value.contains("${{")) {
            bail!("runs.env {name}: {value} is not understood here");
        }
        Ok(&self.runs.env)
    }
}
