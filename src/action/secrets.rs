//! Secrets of this process: shown nowhere. The runner is told of each, and our own writers blot them out as well, so that
//! nothing depends on the runner.

use std::fmt;
use std::sync::Mutex;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::text;

static KNOWN: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Values shorter than this are not blotted out: they would erase ordinary words from the log.
const SHORTEST: usize = 6;

/// A value that never appears in a log, an output, an error or a debug form.
#[derive(Clone, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(from = "String")]
#[schemars(inline, title = "secret", example = &"ghs_0123456789abcdef")]
pub struct Secret(String);

impl Secret {
    /// Takes a secret and remembers it for [`blotted`].
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        let secret = Self(value.into());
        secret.remember();
        secret
    }

    /// The value itself, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Has the value blotted out of everything written from now on, and hidden by the runner: as a whole, line by line, and as
    /// it looks when it is folded into one harmless line.
    pub fn remember(&self) {
        let mut known = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for part in std::iter::once(self.0.as_str()).chain(self.0.lines().map(str::trim)) {
            for form in [part.to_owned(), text::one_line(part)] {
                if form.len() < SHORTEST || known.contains(&form) {
                    continue;
                }
                // The runner is told in a line of the log, which holds no control characters.
                if !form.contains(char::is_control) {
                    super::commands::add_mask(&form);
                }
                known.push(form);
            }
        }
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

/// The text with every known secret replaced by `***`.
#[must_use]
pub fn blotted(text: &str) -> String {
    let known = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut clean = text.to_owned();
    for secret in known.iter() {
        if clean.contains(secret.as_str()) {
            clean = clean.replace(secret.as_str(), "***");
        }
    }
    clean
}
