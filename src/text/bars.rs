//! Numbers as bars of text, for where no picture is shown.

/// The bars, lowest first.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Numbers from 0 on as bars, a character each: the highest bar is `most`.
#[must_use]
pub fn bars(values: impl IntoIterator<Item = f64>, most: f64) -> String {
    let bar = |value: f64| {
        let step = (1..=8u8).zip(BARS).rev().find(|(step, _)| value / most * 8.0 >= f64::from(*step));
        step.map_or(BARS[0], |(_, bar)| bar)
    };
    values.into_iter().map(bar).collect()
}
