//! A table of Markdown.

/// Heads and rows as Markdown has them.
pub(super) fn table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: Vec<String>| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
        format!("| {} |", cells.join(" | "))
    };
    let mut lines = vec![line(heads.iter().map(ToString::to_string).collect()), "|---".repeat(heads.len()) + "|"];
    lines.extend(rows.map(line));
    lines.join("\n")
}
