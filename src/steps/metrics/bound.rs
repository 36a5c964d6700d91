//! The least that a figure may be.

use std::fmt;
use std::str::FromStr;

use crate::action::inputs::{input_value, nearest};
use crate::outcome::Verdict;

/// The figures of which more is better.
const FIGURES: [&str; 2] = ["success-rate", "deployment-frequency"];

/// A figure, and the least that it may be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bound {
    /// Its name.
    pub(super) figure: String,
    least: f64,
    written: String,
}

impl Bound {
    /// What a number is beside it; inconclusive where there is none.
    pub(super) fn judge(&self, value: Option<f64>) -> Verdict {
        match value {
            None => Verdict::Inconclusive,
            Some(value) if value + f64::EPSILON < self.least => Verdict::Fail,
            Some(_) => Verdict::Pass,
        }
    }
}

impl FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "must be `figure=number`, e.g. `success-rate=90%` or `deployment-frequency=1`".to_owned();
        let (figure, number) = text.split_once('=').ok_or_else(form)?;
        let (figure, number) = (figure.trim(), number.trim());
        if !FIGURES.contains(&figure) {
            let hint = nearest(figure, FIGURES).map_or_else(
                || format!("must be about {}", FIGURES.join(" or ")),
                |name| format!("names a figure that is not known: did you mean `{name}`?"),
            );
            return Err(hint);
        }
        let is_rate = figure == FIGURES[0];
        let (digits, scale) = if is_rate { (number.strip_suffix('%').ok_or_else(form)?, 100.0) } else { (number, 1.0) };
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let least: f64 = digits.parse().ok().filter(|_| is_number).ok_or_else(form)?;
        if is_rate && least > 100.0 {
            return Err("must be at most 100%".to_owned());
        }
        Ok(Self { figure: figure.to_owned(), least: least / scale, written: number.to_owned() })
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return f.write_str(&self.written);
        }
        write!(f, "{}={}", self.figure, self.written)
    }
}

input_value!(name Bound, "`figure=number`", "success-rate=90%");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_held_against_its_least() {
        let bound: Bound = "success-rate = 90%".parse().unwrap();
        let table = [(Some(0.9), Verdict::Pass), (Some(0.89), Verdict::Fail), (None, Verdict::Inconclusive)];
        for (value, verdict) in table {
            assert_eq!(bound.judge(value), verdict, "{value:?}");
        }
        assert_eq!("deployment-frequency=0.5".parse::<Bound>().unwrap().judge(Some(0.4)), Verdict::Fail);
        for wrong in [
            "success-rate",
            "success-rate=0.9",
            "success-rate=101%",
            "success-rate=-1%",
            "sucess-rate=9%",
            "rework-rate=1%",
        ] {
            assert!(wrong.parse::<Bound>().is_err(), "{wrong}");
        }
    }
}
