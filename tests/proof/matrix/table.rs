//! The table at the end: step x fault, with counts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

use super::case::{Case, Ended};
use super::fault::Fault;

/// What is counted of the cases of one scene.
#[derive(Default)]
struct Row {
    cases: BTreeMap<Fault, usize>,
    not_fired: usize,
    passed: usize,
    told: usize,
    killed: usize,
    converged: usize,
    refused: usize,
    failed: usize,
}

/// The cases so far.
#[derive(Default)]
pub(crate) struct Table {
    rows: BTreeMap<usize, (&'static str, Row)>,
}

impl Table {
    pub(crate) fn add(&mut self, case: &Case, ended: &Ended) {
        let (_, row) = self.rows.entry(case.scene).or_insert_with(|| (case.name, Row::default()));
        *row.cases.entry(case.fault).or_default() += 1;
        let count = match ended.verdict.as_deref() {
            _ if !ended.fired => &mut row.not_fired,
            Some("pass" | "skipped") => &mut row.passed,
            Some(_) => &mut row.told,
            None => &mut row.killed,
        };
        *count += 1;
        let count = match (&ended.refusal, ended.problems.is_empty()) {
            (_, false) => &mut row.failed,
            (Some(_), true) => &mut row.refused,
            (None, true) => &mut row.converged,
        };
        *count += 1;
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let _ = write!(text, "{:36}", "cases of");
        for fault in Fault::ALL {
            let _ = write!(text, " {fault:>13}");
        }
        let _ = writeln!(text, "    all");
        for (name, row) in self.rows.values() {
            let _ = write!(text, "{name:36}");
            for fault in Fault::ALL {
                let _ = write!(text, " {:>13}", row.cases.get(&fault).copied().unwrap_or_default());
            }
            let _ = writeln!(text, " {:>6}", row.cases.values().sum::<usize>());
        }
        let heads = ["not fired", "passed", "told", "killed", "converged", "refused", "FAILED"];
        let _ = write!(text, "\n{:36}", "what came of them");
        for head in heads {
            let _ = write!(text, " {head:>10}");
        }
        text.push('\n');
        let mut sums = [0; 7];
        for (name, row) in self.rows.values() {
            let counts = [row.not_fired, row.passed, row.told, row.killed, row.converged, row.refused, row.failed];
            let _ = write!(text, "{name:36}");
            for (count, sum) in counts.iter().zip(&mut sums) {
                *sum += count;
                let _ = write!(text, " {count:>10}");
            }
            text.push('\n');
        }
        let _ = write!(text, "{:36}", "all");
        for sum in sums {
            let _ = write!(text, " {sum:>10}");
        }
        text.push('\n');
        text
    }
}

/// Prints past the test harness, which shows nothing of a test that passes.
pub(crate) fn print(text: &str) {
    // Only what goes through the macros is kept back.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
