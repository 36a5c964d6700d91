//! What is read for a rehearsal: migrations, and the statements of the serving code.

use std::fs;
use std::io::Read as _;

use super::inputs::Asked;
use crate::changes::Trees;
use crate::context::Context;
use crate::migrations::{Pending, QueryFile, Rules, judge};
use crate::outcome::{Outcome, Step};
use crate::rehearsal::{Query, queries};
use crate::rollout::migration_files::{MigrationFiles, Wanted, read};
use crate::sql::{Class, Rule, Settings};
use crate::text::message;

/// The largest file that is read, in bytes.
const LARGEST: usize = 1 << 20;
/// The most statements of the serving code: each is tried after each statement of each migration.
const MOST_QUERIES: usize = 500;
/// What PostgreSQL itself says better than we can.
const SEEN_THERE: [Rule; 4] = [Rule::InTransaction, Rule::NeverCommitted, Rule::EnumValueUsed, Rule::NewerPostgres];

/// What was read.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) applied: Vec<Pending>,
    pub(super) pending: Vec<Pending>,
    pub(super) queries: Vec<Query>,
    since: Vec<String>,
}

impl Observed {
    /// The commits that were compared with, to stand behind a sentence.
    pub(super) fn since(&self) -> String {
        if self.since.is_empty() { String::new() } else { format!(" since {}", self.since.join(", and ")) }
    }
}

pub(super) async fn observe(asked: &Asked<'_>, cx: &Context) -> Step<Observed> {
    let wanted = Wanted {
        folders: asked.folders.clone(),
        layout: asked.layout,
        base: &asked.base,
        largest: LARGEST,
        whole: true,
    };
    let found = read(cx, &Trees::default(), &wanted).await?;
    let postgres = asked.version.unwrap_or_default().0;
    let rules =
        Rules { sql: Settings { postgres, strict: false, same_role: false }, largest: LARGEST, ownership: None };
    let judged = judge(&found.pending, &found.about, &rules);
    let stops = judged.told.iter().find(|one| one.class == Class::Blocked && !SEEN_THERE.contains(&one.rule));
    if let Some(one) = stops {
        let why = message!(
            "not-rehearsed",
            "{file}:{line} cannot be rehearsed: {why}",
            file = one.file,
            line = one.line,
            why = one.message
        );
        return Err(Outcome::fail(why)
            .advise(if one.fix.is_empty() {
                "check-migrations says what is wrong with all files".to_owned()
            } else {
                one.fix.clone()
            })
            .into());
    }
    let mut queries = Vec::new();
    for file in &asked.queries {
        queries.extend(statements(cx, file, &found).await?);
    }
    if queries.len() > MOST_QUERIES {
        return Err(Outcome::bad_input(format!(
            "the files of `compat-queries` hold more than {MOST_QUERIES} statements"
        ))
        .advise(
            "keep those that use tables and columns differently: each is tried after each statement of each migration",
        )
        .into());
    }
    let MigrationFiles { pending, applied, since, .. } = found;
    Ok(Observed { applied, pending, queries, since })
}

/// The statements of a service: as its file is in what serves; where that has none, in this commit; where this has none, in the
/// workspace, for the code of a service may be in another repository.
async fn statements(cx: &Context, of: &QueryFile, found: &MigrationFiles) -> Step<Vec<Query>> {
    let mut texts: Vec<Vec<u8>> = Vec::new();
    let (head, serving) = match found.commits.split_last() {
        Some((head, serving)) => (Some(head), serving),
        None => (None, &[][..]),
    };
    for files in serving {
        if let Some(file) = files.files.get(&of.path) {
            texts.push(cx.github().await?.blob(&of.path, &file.sha).await?);
        }
    }
    if let Some(file) = head.and_then(|files| files.files.get(&of.path)).filter(|_| texts.is_empty()) {
        texts.push(cx.github().await?.blob(&of.path, &file.sha).await?);
    }
    if texts.is_empty() {
        let opened = cx.runner.workspace().find(&of.path).and_then(fs::File::open);
        let mut text = Vec::new();
        let read = opened.and_then(|file| file.take(LARGEST as u64 + 1).read_to_end(&mut text));
        read.map_err(|error| {
            Outcome::bad_input(message!("no-compat-queries", "there is no file {path} of `compat-queries`: not in what serves, not in this commit, and in the workspace: {error}", path = of.path))
                .advise("give its path from the root of the repository; of a service in another repository, bring the file into the workspace first")
        })?;
        texts.push(text);
    }
    let mut all: Vec<Query> = Vec::new();
    for text in texts {
        let wrong = |why: String| {
            Outcome::bad_input(message!("wrong-compat-queries", "the statements of {name} cannot be tried: {why}", name = of.name))
                .advise("a file of `compat-queries` holds statements of SQL, each ended by `;`; docs/steps/run-task.md has an example")
        };
        if text.len() > LARGEST {
            return Err(wrong(format!("{} has more than {LARGEST} bytes", of.path)).into());
        }
        let text = String::from_utf8(text).map_err(|_not_text| wrong(format!("{} is not UTF-8", of.path)))?;
        for query in queries(&of.name, &of.path, &text).map_err(wrong)? {
            if !all.iter().any(|known| known.is_same(&query)) {
                all.push(query);
            }
        }
    }
    Ok(all)
}
