//! The plot of `docs/monitoring.md`: this rule beside the naive one. It brings its own background, in light and in dark.

use std::fmt::Write as _;

use super::{EXACT, NAIVE, division};
use crate::watch::statistics::{Outcome, Rule};

/// The rule that people write by hand: above 5 %, however few the requests.
const ANY_REQUEST: Rule = Rule { min_samples: 0, ..NAIVE };

/// The drawn part of a panel, in pixels: its left edge, and the width, the top and the height of all.
const LEFT: [f64; 2] = [62.0, 452.0];
const WIDTH: f64 = 300.0;
const TOP: f64 = 70.0;
const HEIGHT: f64 = 220.0;

const STYLE: &str = "
.ground{fill:#fff}.ink{fill:#1f2328}.soft{fill:#59636e}.grid{stroke:#d1d9e0}.mark{stroke:#59636e;stroke-dasharray:2 3}.exact{stroke:#0969da}.exact-ink{fill:#0969da}
.naive{stroke:#bc4c00}.naive-ink{fill:#bc4c00}.line{fill:none;stroke-width:2.5;stroke-linejoin:round}.naive.line{stroke-dasharray:6 3}
text{font:13px system-ui,sans-serif}.title{font-weight:600;font-size:14px}
@media(prefers-color-scheme:dark){.ground{fill:#0d1117}.ink{fill:#f0f6fc}.soft{fill:#9198a1}.grid{stroke:#3d444d}.mark{stroke:#9198a1}
.exact{stroke:#4493f8}.exact-ink{fill:#4493f8}.naive{stroke:#f0883e}.naive-ink{fill:#f0883e}}
";

/// One panel: what it shows, its ticks with their places (0 to 1), and its curves in the same measure.
struct Panel {
    title: &'static str,
    below: &'static str,
    across: Vec<(f64, String)>,
    up: Vec<(f64, String)>,
    /// A line upwards that tells right from wrong.
    mark: Option<(f64, &'static str)>,
    exact: Vec<(f64, f64)>,
    naive: Vec<(f64, f64)>,
}

pub(super) fn render() -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 780 350\" width=\"780\" height=\"350\" role=\"img\" \
         aria-labelledby=\"title about\">\n<title id=\"title\">How often a release is rolled back</title>\n\
         <desc id=\"about\">The rule of monitor beside the naive rule, by true error rate and by number of requests.</desc>\n\
         <style>{STYLE}</style>\n<rect class=\"ground\" width=\"780\" height=\"350\" rx=\"6\"/>\n\
         <path class=\"exact line\" d=\"M62 24h28\"/><text class=\"exact-ink\" x=\"98\" y=\"28\">monitor: exact test, five looks</text>\n\
         <path class=\"naive line\" d=\"M320 24h28\"/><text class=\"naive-ink\" x=\"356\" y=\"28\">naive: more than 5 % at any of five looks</text>\n"
    );
    for (panel, left) in [by_rate(), by_requests()].iter().zip(LEFT) {
        draw(&mut svg, panel, left).unwrap();
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw(svg: &mut String, panel: &Panel, left: f64) -> std::fmt::Result {
    let (x, y) = (|share: f64| left + share * WIDTH, |share: f64| TOP + HEIGHT - share * HEIGHT);
    let (right, bottom, middle) = (x(1.0), y(0.0), x(0.5));
    writeln!(svg, "<text class=\"title ink\" x=\"{left}\" y=\"56\">{}</text>", panel.title)?;
    for (share, name) in &panel.up {
        let at = y(*share);
        writeln!(svg, "<path class=\"grid\" d=\"M{left} {at:.1}H{right}\"/>")?;
        let (beside, below) = (left - 8.0, at + 4.0);
        writeln!(svg, "<text class=\"soft\" text-anchor=\"end\" x=\"{beside}\" y=\"{below:.1}\">{name}</text>")?;
    }
    for (share, name) in &panel.across {
        let (at, below) = (x(*share), bottom + 19.0);
        writeln!(svg, "<text class=\"soft\" text-anchor=\"middle\" x=\"{at:.1}\" y=\"{below}\">{name}</text>")?;
    }
    if let Some((share, name)) = panel.mark {
        let (at, beside, below) = (x(share), x(share) + 6.0, bottom - 0.55 * HEIGHT);
        writeln!(svg, "<path class=\"mark\" d=\"M{at:.1} {TOP}V{bottom}\"/>")?;
        writeln!(svg, "<text class=\"soft\" x=\"{beside:.1}\" y=\"{below:.1}\">{name}</text>")?;
    }
    let below = bottom + 42.0;
    writeln!(svg, "<text class=\"ink\" text-anchor=\"middle\" x=\"{middle}\" y=\"{below}\">{}</text>", panel.below)?;
    for (class, curve) in [("naive", &panel.naive), ("exact", &panel.exact)] {
        let points: Vec<String> = curve.iter().map(|(across, up)| format!("{:.1} {:.1}", x(*across), y(*up))).collect();
        writeln!(svg, "<path class=\"{class} line\" d=\"M{}\"/>", points.join("L"))?;
    }
    Ok(())
}

/// How often a gate fails, of so many requests spread over five looks.
fn fails(rule: Rule, requests: u64, rate: f64) -> f64 {
    Outcome::of(rule, division(1), &[requests / 5; 5], rate).fail
}

/// 60 requests, for true error rates up to 30 %.
fn by_rate() -> Panel {
    let curve = |rule: Rule| {
        (0..=60_u32).map(|half| f64::from(half) / 200.0).map(|rate| (rate / 0.3, fails(rule, 60, rate))).collect()
    };
    let percent = |of: u32, step: usize| {
        (0..=of).step_by(step).map(|tick| (f64::from(tick) / f64::from(of), format!("{tick} %"))).collect()
    };
    Panel {
        title: "Rolled back, of 60 requests",
        below: "true error rate of the release",
        across: percent(30, 5),
        up: percent(100, 25),
        mark: Some((5.0 / 30.0, "threshold")),
        exact: curve(EXACT),
        naive: curve(ANY_REQUEST),
    }
}

/// A healthy release, for 5 to 1000 requests.
fn by_requests() -> Panel {
    let across = |requests: u64| (f64::from(u32::try_from(requests).unwrap()) / 5.0).ln() / 200_f64.ln();
    let shown =
        [5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 90, 100, 120, 150, 200, 250, 300, 400, 500, 700, 1000];
    let curve = |rule: Rule| shown.map(|requests| (across(requests), fails(rule, requests, 0.01) / 0.2)).to_vec();
    Panel {
        title: "Rolled back though healthy (1 % errors)",
        below: "requests in the window",
        across: [5, 10, 20, 60, 200, 1000].map(|requests| (across(requests), requests.to_string())).to_vec(),
        up: [0_u32, 5, 10, 15, 20].map(|tick| (f64::from(tick) / 20.0, format!("{tick} %"))).to_vec(),
        mark: None,
        exact: curve(EXACT),
        naive: curve(ANY_REQUEST),
    }
}
