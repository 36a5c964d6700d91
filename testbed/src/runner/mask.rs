//! The runner's secret masker.
//!
//! Source: actions/runner 2.336, `SecretMasker.cs`, `ValueEncoders.cs`, and the encoders that `HostContext.cs`
//! registers. The two encoders for PowerShell are left out.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::wire::encode;

/// Values to hide, and all their spellings.
#[derive(Clone, Debug, Default)]
pub(super) struct Masker {
    values: Vec<String>,
    spellings: BTreeSet<String>,
}

impl Masker {
    /// Adds a value as `add-mask` does: whole, and each of its lines trimmed. Blank ones are refused.
    pub(super) fn add(&mut self, value: &str) -> bool {
        if value.trim().is_empty() {
            return false;
        }
        self.add_one(value);
        for line in value.split(['\r', '\n']).map(str::trim).filter(|line| !line.is_empty()) {
            self.add_one(line);
        }
        true
    }

    fn add_one(&mut self, value: &str) {
        if !self.values.iter().any(|known| known == value) {
            self.values.push(value.to_owned());
            self.spellings.extend(spellings(value));
        }
    }

    /// The values as they were added, in order.
    pub(super) fn values(&self) -> &[String] {
        &self.values
    }

    /// `text` with `***` for each stretch covered by one or several masked values.
    pub(super) fn mask(&self, text: &str) -> String {
        let mut hits: Vec<(usize, usize)> = Vec::new();
        for spelling in &self.spellings {
            let mut from = 0;
            while let Some(found) = text.get(from..).and_then(|rest| rest.find(spelling)) {
                let start = from + found;
                hits.push((start, start + spelling.len()));
                from = start + text[start..].chars().next().map_or(1, char::len_utf8);
            }
        }
        hits.sort_unstable();
        let mut masked = String::with_capacity(text.len());
        let mut at = 0;
        let mut hits = hits.into_iter().peekable();
        while let Some((start, mut end)) = hits.next() {
            // Stretches that overlap or touch become one.
            while let Some((_, next_end)) = hits.next_if(|(next, _)| *next <= end) {
                end = end.max(next_end);
            }
            masked.push_str(&text[at..start]);
            masked.push_str("***");
            at = end;
        }
        masked.push_str(&text[at..]);
        masked
    }
}

/// A value and the encodings in which the runner recognises it: base64 at the three offsets, escaped for command
/// lines, expressions, JSON, URIs and XML, and without double quotes around it.
pub(super) fn spellings(value: &str) -> BTreeSet<String> {
    let bytes = value.as_bytes();
    let mut all = BTreeSet::from([value.to_owned()]);
    for shift in 0..3 {
        all.insert(STANDARD.encode(bytes.get(shift..).filter(|rest| !rest.is_empty()).unwrap_or(bytes)));
    }
    all.insert(value.replace('"', "\\\""));
    all.insert(value.replace('\'', "''"));
    let json = serde_json::Value::from(value).to_string();
    all.insert(json[1..json.len() - 1].to_owned());
    // .NET's `Uri.EscapeDataString`.
    all.insert(encode(bytes));
    all.insert(
        value
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&apos;"),
    );
    if value.chars().count() > 8
        && let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'))
    {
        all.insert(inner.to_owned());
    }
    all
}
