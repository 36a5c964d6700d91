//! The findings as SARIF 2.1.0, which GitHub's code scanning shows.
//!
//! <https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>

use std::collections::BTreeSet;

use percent_encoding::{AsciiSet, utf8_percent_encode};
use serde_json::{Value, json};

use crate::migrations::Told;
use crate::sql::{Class, Rule, meaning};
use crate::text::Foreign;
use crate::text::escape::RESERVED;

/// What must be written otherwise in a path that is a URI.
const PATH: &AsciiSet = &RESERVED.remove(b'/');

/// The file.
pub(super) fn sarif(told: &[Told], failing: &[usize]) -> String {
    let used: BTreeSet<Rule> = told.iter().map(|one| one.rule).collect();
    let rule = |rule: &Rule| {
        let (what, means) = meaning(*rule);
        json!({
            "id": rule.id(),
            "shortDescription": {"text": what},
            "fullDescription": {"text": what},
            "help": {"text": means},
            "properties": {"tags": [rule.class().word()]},
        })
    };
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
                "artifactLocation": {"uri": utf8_percent_encode(&one.file, PATH).to_string(), "uriBaseId": "%SRCROOT%"},
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, foreign};

    fn told(rule: Rule, message: &str) -> Told {
        Told {
            message: message.to_owned(),
            fix: "ALTER TABLE t ..".to_owned(),
            ..Told::of("db/m i/1_é.up.sql", (6, 7), rule)
        }
    }

    fn written(told: &[Told], failing: &[usize]) -> Value {
        serde_json::from_str(&sarif(told, failing)).unwrap()
    }

    /// What GitHub asks for, by its page: version, one driver with its rules, and for each result a message, a rule and one place.
    fn assert_is_shown(file: &Value) {
        assert_eq!((&file["version"], file["runs"].as_array().map(Vec::len)), (&json!("2.1.0"), Some(1)), "{file:#}");
        assert!(file["$schema"].as_str().is_some_and(|schema| schema.ends_with("sarif-2.1.0.json")));
        let driver = &file["runs"][0]["tool"]["driver"];
        assert_eq!(driver["name"], "deploy-action check-migrations");
        let rules = driver["rules"].as_array().unwrap();
        for rule in rules {
            for text in [
                &rule["id"],
                &rule["shortDescription"]["text"],
                &rule["fullDescription"]["text"],
                &rule["help"]["text"],
            ] {
                assert!(text.as_str().is_some_and(|text| !text.is_empty() && text.chars().count() <= 1024), "{rule:#}");
            }
        }
        for result in file["runs"][0]["results"].as_array().unwrap() {
            assert!(rules.iter().any(|rule| rule["id"] == result["ruleId"]), "{result:#}");
            assert!(["note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
            assert!(result["message"]["text"].as_str().is_some_and(|text| !text.is_empty()), "{result:#}");
            assert_eq!(result["locations"].as_array().map(Vec::len), Some(1), "{result:#}");
            let place = &result["locations"][0]["physicalLocation"];
            let uri = place["artifactLocation"]["uri"].as_str().unwrap();
            assert!(!uri.starts_with('/') && uri.is_ascii() && !uri.contains(' '), "{uri}");
            assert!(
                place["region"]["startLine"].as_u64() > Some(0) && place["region"]["startColumn"].as_u64() > Some(0)
            );
        }
    }

    #[test]
    fn d25_a_finding_stands_at_its_line_in_the_sarif_file() {
        let all = [
            told(Rule::DropColumn, "users.note is named"),
            told(Rule::NoDown, "no way back"),
            told(Rule::IndexLocks, "waits"),
        ];
        let file = written(&all, &[0]);
        assert_is_shown(&file);
        let results = &file["runs"][0]["results"];
        let levels: Vec<&str> = (0..3).map(|at| results[at]["level"].as_str().unwrap()).collect();
        assert_eq!(levels, ["error", "note", "warning"]);
        assert_eq!(results[0]["message"]["text"], "users.note is named. Instead: ALTER TABLE t ...");
        let place = &results[0]["locations"][0]["physicalLocation"];
        assert_eq!(place["region"], json!({"startLine": 6, "startColumn": 7}));
        assert_eq!(place["artifactLocation"]["uri"], "db/m%20i/1_%C3%A9.up.sql");
    }

    #[test]
    fn a_file_without_findings_is_one_too() {
        let file = written(&[], &[]);
        assert_is_shown(&file);
        assert_eq!(file["runs"][0]["results"], json!([]));
    }

    #[test]
    fn each_rule_says_what_it_means() {
        let all: Vec<Told> = Rule::ALL.iter().map(|rule| told(*rule, "x")).collect();
        let file = written(&all, &[]);
        assert_is_shown(&file);
        for rule in Rule::ALL {
            let (what, means) = meaning(*rule);
            assert!(!what.is_empty() && means.len() > 20, "{}: {what}, {means}", rule.id());
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_was_found_in_foreign_text_is_shown_all_the_same(message in foreign()) {
            assert_is_shown(&written(&[told(Rule::DropColumn, &format!("x{message}"))], &[0]));
        }
    }
}
