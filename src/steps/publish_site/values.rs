//! Patterns of a site's paths, and what is said of those that fit.

use std::fmt;
use std::str::FromStr;

use crate::action::inputs::{Yaml, input_value, is_path, text_value};
use crate::changes::Patterns;
use crate::site::Meta;
use crate::text::is_plain;

text_value!(
    /// A folder of the workspace.
    pub(super) struct SourceFolder, "a folder in the workspace", "dist",
    "must be a folder in the workspace, relative to it: letters, digits, `._-+@`, spaces and `/`", |text| is_path(text)
);

/// Patterns, one a line; of those that fit the last decides, and `!` leaves out.
#[derive(Clone, Debug)]
pub(super) struct Globs {
    lines: Vec<String>,
    patterns: Patterns,
}

impl Globs {
    /// Whether a path is meant.
    pub(super) fn take(&self, path: &str) -> bool {
        self.patterns.take(path)
    }
}

impl FromStr for Globs {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let lines: Vec<String> = lines.map(str::to_owned).collect();
        if lines.is_empty() {
            return Err("must hold at least one pattern".to_owned());
        }
        let plain = |c: char| c.is_alphanumeric() || "._-+@/ *?[]{}!,~()$&'".contains(c);
        if lines.iter().any(|line| line.len() > 400 || !line.chars().all(plain)) {
            return Err("must be patterns of paths, such as `**/*.html`: letters, digits and `._-+@/ *?[]{}!,~()$&'`, at most 400".to_owned());
        }
        Ok(Self { patterns: Patterns::read(&lines).map_err(|why| format!("must be patterns of paths: {why}"))?, lines })
    }
}

impl fmt::Display for Globs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines.join("\n"))
    }
}

input_value!(Globs, "patterns of paths, one a line", "**/*.html");

/// Rules of a map, in the order in which they stand.
fn rules<T>(text: &str, shape: &str, read: impl Fn(&Yaml) -> Option<T>) -> Result<Vec<(Globs, T)>, String> {
    let Yaml::Mapping(members) = Yaml::read(text).map_err(|error| format!("{shape} ({error})"))? else {
        return Err(shape.to_owned());
    };
    let each = members.iter().map(|(pattern, value)| {
        let value = read(value).ok_or_else(|| shape.to_owned())?;
        Ok((pattern.parse::<Globs>()?, value))
    });
    let all: Vec<_> = each.collect::<Result<_, String>>()?;
    if all.is_empty() { Err(shape.to_owned()) } else { Ok(all) }
}

fn plain(value: &Yaml) -> Option<String> {
    value
        .text()
        .map(str::trim)
        .filter(|text| !text.is_empty() && text.len() <= 500 && is_plain(text))
        .map(str::to_owned)
}

/// `Cache-Control` by pattern.
#[derive(Clone, Debug)]
pub(super) struct CacheRules(Vec<(Globs, String)>);

impl CacheRules {
    /// What the last that fits says.
    pub(super) fn of(&self, path: &str) -> Option<&str> {
        self.0.iter().rev().find(|(globs, _)| globs.take(path)).map(|(_, value)| value.as_str())
    }
}

impl FromStr for CacheRules {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        rules(text, "must be a YAML map of patterns and `Cache-Control` values", plain).map(Self)
    }
}

impl fmt::Display for CacheRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = self.0.iter().map(|(globs, value)| (globs.to_string(), serde_json::Value::String(value.clone())));
        write!(f, "{}", serde_json::Value::Object(each.collect()))
    }
}

input_value!(CacheRules, "a YAML map `pattern: Cache-Control`", "{\"**/*.html\": \"no-cache\"}");

/// What S3 keeps with an object and gives back.
const FIELDS: [&str; 4] = ["content-type", "content-encoding", "content-language", "content-disposition"];

/// Header fields by pattern.
#[derive(Clone, Debug)]
pub(super) struct HeaderRules(Vec<(Globs, Vec<(String, String)>)>);

impl HeaderRules {
    /// Sets what the rules say of a path; later ones last.
    pub(super) fn apply(&self, path: &str, meta: &mut Meta) {
        for (name, value) in self.0.iter().filter(|(globs, _)| globs.take(path)).flat_map(|(_, fields)| fields) {
            match name.as_str() {
                "content-type" => meta.content_type.clone_from(value),
                "content-encoding" => meta.encoding = Some(value.clone()),
                "content-language" => meta.language = Some(value.clone()),
                _ => meta.disposition = Some(value.clone()),
            }
        }
    }
}

impl FromStr for HeaderRules {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = "must be a YAML map `pattern: {name: value}` of Content-Type, Content-Encoding, Content-Language and Content-Disposition; \
                     Cache-Control is the input `cache`, and all others are set by a response headers policy of the distribution";
        let fields = |value: &Yaml| {
            let Yaml::Mapping(members) = value else { return None };
            let each = members.iter().map(|(name, value)| {
                let name = name.to_ascii_lowercase();
                Some((FIELDS.contains(&name.as_str()).then_some(name)?, plain(value)?))
            });
            each.collect::<Option<Vec<_>>>()
        };
        rules(text, shape, fields).map(Self)
    }
}

impl fmt::Display for HeaderRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = |fields: &[(String, String)]| {
            let each = fields.iter().map(|(name, value)| (name.clone(), serde_json::Value::String(value.clone())));
            serde_json::Value::Object(each.collect())
        };
        let each = self.0.iter().map(|(globs, all)| (globs.to_string(), fields(all)));
        write!(f, "{}", serde_json::Value::Object(each.collect()))
    }
}

input_value!(
    HeaderRules,
    "a YAML map `pattern: {name: value}`",
    "{\"feed\": {\"Content-Type\": \"application/atom+xml\"}}"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rule_that_fits_holds() {
        let rules: CacheRules = "{'**/*.html': no-cache, 'fonts/**': 'max-age=60'}".parse().unwrap();
        assert_eq!(rules.of("a/b.html"), Some("no-cache"));
        assert_eq!(rules.of("index.html"), Some("no-cache"));
        assert_eq!(rules.of("fonts/a.html"), Some("max-age=60"));
        assert_eq!(rules.of("a.txt"), None);
        for wrong in ["", "text", "{}", "{'a': [1]}", "{'a': \"x\\ny\"}"] {
            assert!(wrong.parse::<CacheRules>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_what_s3_keeps_is_taken_as_a_header_field() {
        let rules: HeaderRules =
            "{feed: {Content-Type: application/atom+xml}, 'de/**': {content-language: de}}".parse().unwrap();
        let mut meta = Meta::default();
        rules.apply("feed", &mut meta);
        assert_eq!(meta.content_type, "application/atom+xml");
        rules.apply("de/index.html", &mut meta);
        assert_eq!(meta.language.as_deref(), Some("de"));
        let wrong = "{feed: {X-Frame-Options: DENY}}".parse::<HeaderRules>().unwrap_err();
        assert!(wrong.contains("response headers policy"), "{wrong}");
    }
}
