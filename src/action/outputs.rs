//! Outputs: what a step declares, and `GITHUB_OUTPUT`, written once, at the end, in one write.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use crate::text::{self, Foreign};

/// The most bytes of an output.
pub const LONGEST: usize = 64 * 1024;

/// A documented output of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub about: &'static str,
    /// Who it is for.
    pub kind: Kind,
}

/// Who an output is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// People: it is cleaned and cut.
    Text,
    /// A later step: it is passed on whole, or not at all.
    Value,
}

impl Output {
    /// Text for people.
    #[must_use]
    pub const fn text(name: &'static str, about: &'static str) -> Self {
        Self { name, about, kind: Kind::Text }
    }

    /// A value that a later step takes.
    #[must_use]
    pub const fn value(name: &'static str, about: &'static str) -> Self {
        Self { name, about, kind: Kind::Value }
    }

    /// As it is written. Text may hold what a server answered, and a later step may print it.
    ///
    /// # Errors
    /// Why a value cannot be passed on whole.
    pub fn to_write(&self, value: &str) -> Result<String, &'static str> {
        match self.kind {
            Kind::Text => Ok(Foreign::new(value).for_output(LONGEST)),
            Kind::Value => obstacle(value).map_or_else(|| Ok(value.to_owned()), Err),
        }
    }
}

/// Why a value cannot be passed on to a later step as it is: it would be cut or edited. Account ids stay: a function may be named by one.
#[must_use]
pub fn obstacle(value: &str) -> Option<&'static str> {
    if value.len() > LONGEST {
        Some("it is longer than 64 KiB")
    } else if text::has_secret(value) {
        Some("a part of it is known as a secret")
    } else if !text::is_harmless(value) {
        Some("it holds hidden characters or a workflow command")
    } else {
        None
    }
}

/// Appends outputs in the form `name<<delimiter`, as actions/toolkit does; a value may hold anything but its own delimiter.
pub fn append(file: &Path, outputs: &[(String, String)]) -> anyhow::Result<()> {
    let mut block = String::new();
    for (name, value) in outputs {
        let delimiter = delimiter(value);
        // Writing to a String cannot fail.
        let _ = writeln!(block, "{name}<<{delimiter}\n{value}\n{delimiter}");
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .and_then(|mut file| file.write_all(block.as_bytes()))
        .context("write the outputs")
}

/// A delimiter made from the value itself: to hold it, a value would have to hold its own hash.
fn delimiter(value: &str) -> String {
    let hash = format!("{:x}", Sha256::digest(value.as_bytes()));
    format!("deploy-action-{}", &hash[..32])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::accounts;
    use crate::text::secrets::Secret;

    #[test]
    fn text_has_a_bound_and_no_account_and_is_no_command_when_it_is_printed() {
        let text = Output::text("observed-version", "");
        assert!(text.to_write(&"ü".repeat(3 * 1024 * 1024)).unwrap().len() <= LONGEST);
        accounts::remember("900011117777");
        assert_eq!(text.to_write("artifacts-900011117777").unwrap(), "artifacts-*");
        let printed = text.to_write("1.0\r\n::add-mask::x\u{1b}[0m").unwrap();
        assert_eq!(printed, "1.0\n:\u{200b}:add-mask:\u{200b}:x");
    }

    #[test]
    fn a_value_is_passed_on_whole_or_not_at_all() {
        let value = Output::value("versions", "");
        accounts::remember("900011117778");
        assert_eq!(value.to_write("api-900011117778=3").unwrap(), "api-900011117778=3");
        Secret::new("a-secret-in-an-output").remember();
        for wrong in ["x".repeat(LONGEST + 1), "a-secret-in-an-output".to_owned(), "a\n::error::b".to_owned()] {
            assert!(value.to_write(&wrong).is_err());
        }
    }
}
