//! The findings as SARIF 2.1.0, which GitHub's code scanning shows.
//!
//! <https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::migrations::Told;
use crate::sql::{Class, Rule};
use crate::text::Foreign;

/// The file.
pub(super) fn sarif(told: &[Told], failing: &[usize]) -> String {
    let used: BTreeSet<Rule> = told.iter().map(|one| one.rule).collect();
    let rule = |rule: &Rule| json!({"id": rule.id(), "shortDescription": {"text": rule.about().trim()}, "properties": {"tags": [rule.class().word()]}});
    let result = |(at, one): (usize, &Told)| {
        let level = match one.class {
            _ if failing.contains(&at) => "error",
            Class::Note => "note",
            _ => "warning",
        };
        let text =
            if one.fix.is_empty() { one.message.clone() } else { format!("{}. Instead: {}.", one.message, one.fix) };
        json!({
            "ruleId": one.rule.id(),
            "level": level,
            "message": {"text": Foreign::new(text).for_evidence()},
            "locations": [{"physicalLocation": {
                "artifactLocation": {"uri": one.file, "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": one.line, "startColumn": one.column},
            }}],
        })
    };
    let file: Value = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "deploy-action check-migrations", "rules": used.iter().map(rule).collect::<Vec<_>>()}},
            "columnKind": "unicodeCodePoints",
            "results": told.iter().enumerate().map(result).collect::<Vec<_>>(),
        }],
    });
    format!("{file:#}\n")
}
