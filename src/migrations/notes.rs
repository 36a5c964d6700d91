//! What comments say: to us by `-- deploy:`, and to other tools, which counts for nothing here.

use crate::sql::Script;

/// Comments of other tools, by which their findings are silenced.
const OTHERS: &[&str] = &["squawk-ignore", "pgfence-ignore", "eugene: ignore", "eugene:ignore", "atlas:nolint"];

/// What the comments of a script say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Notes {
    /// That it is a CONTRACT.
    pub(super) contract: Option<Contract>,
    /// The bytes at which comments say that the next statement only widens a type.
    widens: Vec<usize>,
    /// Comments `-- deploy:` that are not understood: where, and why.
    pub(super) wrong: Vec<(usize, String)>,
    /// Comments for other tools: where, and the words.
    pub(super) others: Vec<(usize, &'static str)>,
}

/// `-- deploy: contract expand=<version> reason=".."`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contract {
    /// The byte at which it stands.
    pub(super) at: usize,
    /// The migration that made what the code uses instead.
    pub(super) expand: String,
}

impl Notes {
    /// Reads the comments of a script.
    #[must_use]
    pub(super) fn of(script: &Script) -> Self {
        let mut notes = Self::default();
        let first = script.statements.first().map_or(usize::MAX, |statement| statement.at.start);
        for comment in &script.comments {
            let at = comment.at.start;
            if let Some(words) = OTHERS.iter().find(|words| comment.text.contains(**words)) {
                notes.others.push((at, words));
            }
            let Some(said) = comment.text.strip_prefix("--").and_then(|text| text.trim().strip_prefix("deploy:"))
            else {
                continue;
            };
            match said.trim().split_once(' ').map_or((said.trim(), ""), |(word, rest)| (word, rest.trim())) {
                ("contract", rest) if at < first => match contract(at, rest) {
                    Ok(contract) => notes.contract = Some(contract),
                    Err(why) => notes.wrong.push((at, why)),
                },
                ("contract", _) => {
                    notes.wrong.push((at, "`-- deploy: contract` counts only before the first statement of the file".to_owned()));
                }
                ("widen", "") => notes.widens.push(at),
                ("multi-statement", "") => {}
                (word, _) => notes.wrong.push((
                    at,
                    format!("`-- deploy: {word}` is not known: it is `contract expand=<version> reason=\"..\"`, `widen` or `multi-statement`"),
                )),
            }
        }
        notes
    }

    /// Whether the statement at this byte only widens a type, as the comment just before it says.
    #[must_use]
    pub(super) fn widens(&self, script: &Script, start: usize) -> bool {
        let before =
            script.statements.iter().map(|statement| statement.at.end).filter(|end| *end <= start).max().unwrap_or(0);
        self.widens.iter().any(|at| (before..start).contains(at))
    }
}

/// Whether the author says that the tool sends each statement by itself: golang-migrate with `x-multi-statement=true`.
#[must_use]
pub(super) fn is_sent_one_by_one(text: &str) -> bool {
    text.lines().any(|line| line.trim().strip_prefix("--").is_some_and(|said| said.trim() == "deploy: multi-statement"))
}

fn contract(at: usize, text: &str) -> Result<Contract, String> {
    let how = "write `-- deploy: contract expand=<version> reason=\"..\"`: the migration whose code has made this one harmless, and why";
    let (words, reason) = text.split_once("reason=").ok_or_else(|| format!("it gives no `reason`: {how}"))?;
    let reason = reason.trim().strip_prefix('"').and_then(|reason| reason.strip_suffix('"')).map(str::trim);
    if reason.is_none_or(str::is_empty) {
        return Err(format!("its `reason` is not between quotes: {how}"));
    }
    let expand = words
        .trim()
        .strip_prefix("expand=")
        .map(str::trim)
        .filter(|expand| !expand.is_empty() && !expand.contains(' '));
    let expand = expand.ok_or_else(|| format!("it does not say which migration it follows: {how}"))?;
    Ok(Contract { at, expand: expand.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::read;

    #[test]
    fn an_annotation_of_a_contract_says_what_it_follows_and_why() {
        let text = "-- deploy: contract expand=000015 reason=\"nothing reads it since v1.4\"\nALTER TABLE t DROP c;";
        let notes = Notes::of(&read(text));
        let Some(contract) = notes.contract else { panic!("{notes:?}") };
        assert_eq!((contract.expand.as_str(), contract.at), ("000015", 0));
        for wrong in [
            "contract",
            "contract expand=1",
            "contract reason=\"x\"",
            "contract expand=1 reason=x",
            "contract expand=1 reason=\"\"",
            "expand",
        ] {
            let notes = Notes::of(&read(&format!("-- deploy: {wrong}\nSELECT 1;")));
            assert_eq!((notes.contract, notes.wrong.len()), (None, 1), "{wrong}");
        }
        let late = Notes::of(&read("SELECT 1;\n-- deploy: contract expand=1 reason=\"x\"\nSELECT 2;"));
        assert_eq!((late.contract, late.wrong.len()), (None, 1));
        let text = Notes::of(&read("SELECT '-- deploy: contract expand=1 reason=\"x\"';"));
        assert_eq!(text, Notes::default());
    }

    #[test]
    fn a_widening_is_said_of_the_next_statement_only() {
        let script = read("SELECT 1;\n-- deploy: widen\nSELECT 2;\nSELECT 3;");
        let notes = Notes::of(&script);
        let widens: Vec<bool> = script.statements.iter().map(|one| notes.widens(&script, one.at.start)).collect();
        assert_eq!(widens, [false, true, false]);
    }

    #[test]
    fn mg20_the_comments_of_other_tools_are_found() {
        for comment in [
            "-- squawk-ignore ban-drop-column",
            "/* squawk-ignore */",
            "-- pgfence-ignore",
            "-- eugene: ignore E1",
            "-- atlas:nolint",
        ] {
            assert_eq!(Notes::of(&read(&format!("{comment}\nSELECT 1;"))).others.len(), 1, "{comment}");
        }
    }
}
