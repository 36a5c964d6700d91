//! Medians, and the rows of a table in Markdown.

use std::fmt;

/// Several measurements of the same thing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    /// Of these measurements; of none it is not a number.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_unstable_by(f64::total_cmp);
        let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
        let half = values.len() / 2;
        let median = if values.len() % 2 == 1 { at(half) } else { f64::midpoint(at(half.wrapping_sub(1)), at(half)) };
        Self { median, least: at(0), most: at(values.len().wrapping_sub(1)) }
    }
}

impl fmt::Display for Spread {
    /// `0.61 [0.58-0.70]`, with as many decimals as the format asks for; the median alone when all are the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = f.precision().unwrap_or(2);
        let [median, least, most] = [self.median, self.least, self.most].map(|value| format!("{value:.places$}"));
        if least == most { f.write_str(&median) } else { write!(f, "{median} [{least}-{most}]") }
    }
}

/// Writes one row.
pub(super) fn row(f: &mut fmt::Formatter<'_>, cells: impl IntoIterator<Item = impl fmt::Display>) -> fmt::Result {
    cells.into_iter().try_for_each(|cell| write!(f, "| {cell} "))?;
    writeln!(f, "|")
}

/// Puts text between the markers `<!-- name -->` and `<!-- /name -->`; nothing when they are not there.
#[must_use]
pub fn between(page: &str, name: &str, text: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let (before, rest) = page.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n\n{}\n\n{end}{after}", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_stands_between_the_least_and_the_most() {
        let shown = |values: &[f64]| format!("{:.1}", Spread::of(values.iter().copied()));
        assert_eq!(shown(&[3.0, 1.0, 2.5]), "2.5 [1.0-3.0]");
        assert_eq!(shown(&[1.0, 2.0, 3.0, 9.0]), "2.5 [1.0-9.0]");
        assert_eq!(shown(&[1.01, 1.02]), "1.0");
        assert_eq!(shown(&[]), "NaN");
    }

    #[test]
    fn only_what_stands_between_the_markers_is_replaced() {
        let page = "a\n<!-- speed -->\nold\n<!-- /speed -->\nb\n";
        let expected = "a\n<!-- speed -->\n\nnew\n\n<!-- /speed -->\nb\n";
        assert_eq!(between(page, "speed", "new\n").as_deref(), Some(expected));
        assert_eq!(between("no markers", "speed", "new"), None);
    }
}
