//! The tables and the plot of `docs/monitoring.md` say what is computed: `UPDATE_SNAPSHOTS=1 cargo test --lib statistics` writes them.

use std::fmt::Write as _;
use std::path::Path;

use super::{ANYTIME, EXACT, NAIVE, division, plot};
use crate::watch::statistics::{Gate, Outcome, Rule, Sample};

const RATES: [f64; 6] = [0.0, 0.01, 0.05, 0.10, 0.25, 0.50];
const REQUESTS: [u64; 9] = [5, 10, 20, 30, 60, 100, 200, 500, 1000];

#[test]
fn the_page_says_what_is_computed() {
    let tables = [
        ("exact", by_requests(EXACT)),
        ("anytime", by_requests(ANYTIME)),
        ("naive", by_requests(NAIVE)),
        ("gates", by_gates()),
        ("limits", limits()),
    ];
    assert_file_holds("docs/monitoring.md", |mut page| {
        for (marker, table) in tables {
            let (begin, end) = (format!("<!-- {marker} -->"), format!("<!-- /{marker} -->"));
            let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("{begin} is missing"));
            let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{end} is missing"));
            page = format!("{before}{begin}\n\n{table}\n{end}{after}");
        }
        page
    });
}

#[test]
fn the_plot_shows_what_is_computed() {
    assert_file_holds("docs/monitoring.svg", |_| plot::render());
}

#[track_caller]
fn assert_file_holds(file: &str, render: impl FnOnce(String) -> String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let now = std::fs::read_to_string(&path).unwrap_or_default();
    let expected = render(now.clone());
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() && now != expected {
        std::fs::write(&path, &expected).unwrap();
    } else {
        assert!(now == expected, "{file} is not what is computed: UPDATE_SNAPSHOTS=1 cargo test --lib statistics");
    }
}

/// A share as a percentage that never claims more than it knows: what is not all is not 100.
fn percent(share: f64) -> String {
    match share * 100.0 {
        none if none < 1e-9 => "0".to_owned(),
        few if few < 0.05 => "<0.1".to_owned(),
        all if all > 100.0 - 1e-9 => "100".to_owned(),
        most if most > 99.95 => ">99.9".to_owned(),
        some => format!("{some:.1}"),
    }
}

fn by_requests(rule: Rule) -> String {
    let mut table = "| requests |".to_owned();
    for rate in RATES {
        write!(table, " {:.0} % |", rate * 100.0).unwrap();
    }
    writeln!(table, "\n|---{}|", "|---".repeat(RATES.len())).unwrap();
    for requests in REQUESTS {
        write!(table, "| {requests} |").unwrap();
        for rate in RATES {
            let outcome = Outcome::of(rule, division(1), &[requests / 5; 5], rate);
            let time = match outcome.fail {
                never if never < 1e-11 => "–".to_owned(),
                _ => format!("{:.1}", outcome.time_to_fail * 5.0),
            };
            write!(table, " {} / {} / {time} |", percent(outcome.fail), percent(outcome.inconclusive)).unwrap();
        }
        table.push('\n');
    }
    table
}

/// What every further gate costs.
fn by_gates() -> String {
    let mut table = "| gates | share of a look | a step exactly at 5 % fails | requests in each gate | 25 % in one gate is caught |\n\
                     |---|---|---|---|---|\n"
        .to_owned();
    for (gates, requests) in [(1, 60), (2, 65), (3, 70), (5, 75)] {
        let fails = |rate: f64| Outcome::of(EXACT, division(gates), &[requests / 5; 5], rate).fail;
        let step = percent(1.0 - (1.0 - fails(0.05)).powi(i32::try_from(gates).unwrap()));
        let (share, caught) = (division(gates).share() * 100.0, percent(fails(0.25)));
        writeln!(table, "| {gates} | {share:.2} % | {step} % | {requests} | {caught} % |").unwrap();
    }
    table
}

/// With how many errors each look of a watch fails.
fn limits() -> String {
    let mut table =
        "| requests in the window | look 1 | look 2 | look 3 | look 4 | look 5 |\n|---|---|---|---|---|---|\n"
            .to_owned();
    for requests in REQUESTS {
        let mut gate = Gate::new(EXACT, division(1));
        write!(table, "| {requests} |").unwrap();
        for look in 1..=5 {
            let seen = requests * look / 5;
            let reading = gate.look(Sample::new(seen, 0), None);
            let limit = reading.fails_from.map_or("–".to_owned(), |errors| format!("{errors} of {seen}"));
            write!(table, " {limit} |").unwrap();
        }
        table.push('\n');
    }
    table
}
