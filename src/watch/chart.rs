//! The error rate in a picture: a line of text for the summary, and a drawing for the evidence.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use time::OffsetDateTime;

use super::alarms::clock;
use super::rate::percent;
use crate::text::escape::markup;
use crate::text::{bars, number_of};

/// Minutes of one line of text.
const WIDTH: usize = 60;

/// Requests and errors, minute by minute.
pub type Minutes = BTreeMap<i64, (u64, u64)>;

/// The error rates as bars, a character a minute: `▁▁▃▁█ 0% to 30%, 5 minutes`. The highest bar is the highest rate, at least the limit.
#[must_use]
pub fn sparkline(minutes: &Minutes, limit: f64) -> String {
    let rates: Vec<f64> = minutes.values().map(rate).collect();
    let most = rates.iter().copied().fold(limit.max(0.01), f64::max);
    let (least, top) = (rates.iter().copied().fold(1.0, f64::min), rates.iter().copied().fold(0.0, f64::max));
    let skipped = rates.len().saturating_sub(WIDTH);
    let bars = bars(rates.iter().copied().skip(skipped), most);
    if rates.is_empty() {
        return "no minute with requests".to_owned();
    }
    let minutes = number_of(rates.len() - skipped, "minute");
    format!("{bars} {} to {}, the last {minutes} with requests", percent(least), percent(top))
}

fn rate((requests, errors): &(u64, u64)) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of a minute are far below 2^53")]
    let share = if *requests == 0 { 0.0 } else { *errors as f64 / *requests as f64 };
    share.min(1.0)
}

/// A drawing of several rates, each with the limit: requests as grey bars, the error rate as a line.
#[must_use]
pub fn svg(rates: &[(String, Minutes)], limit: f64) -> String {
    const TALL: usize = 170;
    let height = 10 + TALL * rates.len();
    let mut page = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"640\" height=\"{height}\" viewBox=\"0 0 640 {height}\" font-family=\"sans-serif\" \
         font-size=\"12\"><rect width=\"640\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    for (place, (name, minutes)) in rates.iter().enumerate() {
        let _ = writeln!(page, "<g transform=\"translate(0 {})\">", 5 + TALL * place);
        draw(&mut page, name, minutes, limit);
        page.push_str("</g>\n");
    }
    page.push_str("</svg>\n");
    page
}

#[expect(clippy::cast_precision_loss, reason = "places on a page")]
fn draw(page: &mut String, name: &str, minutes: &Minutes, limit: f64) {
    let (left, top, wide, tall) = (50.0, 25.0, 570.0, 110.0);
    let most = minutes.values().map(rate).fold(limit.max(0.01) * 1.5, f64::max);
    let busiest = minutes.values().map(|(requests, _)| *requests).max().unwrap_or(0).max(1) as f64;
    let step = wide / minutes.len().max(1) as f64;
    let y = |share: f64| top + tall * (1.0 - share / most);
    let _ = writeln!(page, "<text x=\"{left}\" y=\"14\">{}</text>", markup(name));
    for (place, (requests, _)) in minutes.values().enumerate() {
        let high = tall * 0.9 * *requests as f64 / busiest;
        let (x, from) = (left + step * place as f64, top + tall - high);
        let _ = writeln!(
            page,
            "<rect x=\"{x:.1}\" y=\"{from:.1}\" width=\"{:.1}\" height=\"{high:.1}\" fill=\"#ddd\"/>",
            step * 0.8
        );
    }
    let points: Vec<String> = minutes
        .values()
        .enumerate()
        .map(|(place, counts)| format!("{:.1},{:.1}", left + step * (place as f64 + 0.4), y(rate(counts))))
        .collect();
    let (right, bottom) = (left + wide, top + tall);
    let _ =
        writeln!(page, "<polyline points=\"{}\" fill=\"none\" stroke=\"#c22\" stroke-width=\"2\"/>", points.join(" "));
    let _ = writeln!(
        page,
        "<line x1=\"{left}\" x2=\"{right}\" y1=\"{0:.1}\" y2=\"{0:.1}\" stroke=\"#333\" stroke-dasharray=\"4 3\"/>",
        y(limit)
    );
    let _ = writeln!(page, "<line x1=\"{left}\" x2=\"{right}\" y1=\"{bottom}\" y2=\"{bottom}\" stroke=\"#333\"/>");
    let _ = writeln!(
        page,
        "<text x=\"4\" y=\"{:.1}\">{}</text><text x=\"4\" y=\"{bottom}\">0%</text>",
        y(limit) + 4.0,
        percent(limit)
    );
    let time = |minute: Option<&i64>| {
        minute.and_then(|at| OffsetDateTime::from_unix_timestamp(*at).ok()).map(clock).unwrap_or_default()
    };
    let below = bottom + 15.0;
    let _ = writeln!(page, "<text x=\"{left}\" y=\"{below}\">{}</text>", time(minutes.keys().next()));
    let _ = writeln!(
        page,
        "<text x=\"{right}\" y=\"{below}\" text-anchor=\"end\">{} (at most {busiest} requests a minute)</text>",
        time(minutes.keys().last())
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_bar_for_each_minute() {
        let minutes: Minutes = [(60, (100, 0)), (120, (100, 10)), (180, (100, 20))].into();
        assert_eq!(sparkline(&minutes, 0.05), "▁▄█ 0% to 20%, the last 3 minutes with requests");
        assert_eq!(sparkline(&Minutes::new(), 0.05), "no minute with requests");
    }

    #[test]
    fn a_name_cannot_draw() {
        let drawing = svg(&[("<script>&".to_owned(), [(60, (10, 1))].into())], 0.05);
        assert!(drawing.contains("&lt;script&gt;&amp;") && !drawing.contains("<script"), "{drawing}");
    }
}
