//! What a group of inputs says of itself: names, descriptions, defaults, examples, taken from the struct's schema.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::text::Foreign;

/// One declared input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Kebab-case name.
    pub name: String,
    /// What it is for: the field's doc comment.
    pub description: String,
    /// The shape of its value, e.g. `duration` or `one of all-at-once`.
    pub shape: String,
    /// What holds when it is not given; `None` when nothing does.
    pub default: Option<String>,
    /// A valid value.
    pub example: String,
    /// Whether it must be given.
    pub required: bool,
    /// What its values are.
    pub kind: FieldKind,
}

/// What the values of an input are, which decides whether one that is refused is shown back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A word out of a few.
    Choice,
    /// A name or a number.
    Name,
    /// Never shown, and masked.
    Secret,
    /// Anything else: a part of it may be a secret that nobody knows yet.
    Free,
}

/// The longest value that is shown back, and the longest key. Tokens are longer.
const SHOWN: usize = 24;
const KEY: usize = 16;

impl Field {
    /// A refused value, where it is known to be harmless: one short word, where a name, a number or a word of an enumeration is meant.
    #[must_use]
    pub fn shown_back(&self, value: &str) -> Option<String> {
        matches!(self.kind, FieldKind::Choice | FieldKind::Name).then(|| word(value)).flatten()
    }

    /// The first sentence of the description.
    #[must_use]
    pub fn summary(&self) -> &str {
        self.description.split(". ").next().unwrap_or_default().trim_end_matches('.')
    }
}

/// The fields of a group of inputs, in the order of the struct.
#[must_use]
pub fn fields<T: JsonSchema>() -> Vec<Field> {
    let schema = SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator()
        .into_root_schema_for::<T>();
    let schema = schema.to_value();
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object();
    properties
        .into_iter()
        .flatten()
        .map(|(name, property)| field(name, property, required.contains(&name.as_str())))
        .collect()
}

fn field(name: &str, property: &Value, required: bool) -> Field {
    let alternatives = property["anyOf"].as_array();
    let typed = alternatives.and_then(|all| all.iter().find(|one| one["type"] != "null")).unwrap_or(property);
    let choices: Vec<&str> = choices(typed);
    let shape = match typed["title"].as_str() {
        Some(title) if choices.is_empty() => title.to_owned(),
        _ if !choices.is_empty() => choices.iter().map(|choice| format!("`{choice}`")).collect::<Vec<_>>().join(" or "),
        _ => "text".to_owned(),
    };
    let example = property["examples"]
        .get(0)
        .or_else(|| typed["examples"].get(0))
        .and_then(Value::as_str)
        .or(choices.first().copied())
        .unwrap_or("text");
    Field {
        name: name.to_owned(),
        description: fold(property["description"].as_str().unwrap_or_default()),
        default: property.get("default").and_then(Value::as_str).map(str::to_owned),
        example: example.to_owned(),
        required,
        kind: match (shape.as_str(), typed["x-name"].as_bool()) {
            ("secret", _) => FieldKind::Secret,
            _ if !choices.is_empty() => FieldKind::Choice,
            (_, Some(true)) => FieldKind::Name,
            _ => FieldKind::Free,
        },
        shape,
    }
}

/// A short word as it is given, without what is known as a secret; nothing for anything else.
#[must_use]
pub fn word(value: &str) -> Option<String> {
    let plain = |character: char| character.is_ascii_alphanumeric() || " ._-/%*?[]{}!,".contains(character);
    (value.len() <= SHOWN && value.chars().all(plain)).then(|| Foreign::new(value).without_secrets())
}

/// A key of a structured value as it is given, if it can be one that is misspelt.
#[must_use]
pub fn key(given: &str) -> Option<String> {
    word(given).filter(|key| key.len() <= KEY)
}

/// Whether this is how the runner writes a number with a fraction or an exponent that stood in a workflow without quotes: the commit
/// `6063e25` arrives as `6.063E+28`.
#[must_use]
pub fn is_written_anew(text: &str) -> bool {
    let Some((number, exponent)) = text.split_once(['E', 'e']) else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    digits(whole) && digits(fraction) && exponent.strip_prefix(['+', '-']).is_some_and(digits)
}

/// The words of a parser without what they quote: of keys, between backticks, short ones stay.
#[must_use]
pub fn without_values(error: &str) -> String {
    let (mut words, mut rest) = (String::new(), error);
    while let Some((before, quoted)) = rest.split_once(['"', '`']) {
        words.push_str(before);
        // A name ends where the parser goes on, not at a backtick of its own.
        let ends = |at: &usize| quoted[at + 1..].is_empty() || quoted[at + 1..].starts_with([',', ' ', ')']);
        let end = quoted.match_indices('`').map(|(at, _)| at).find(ends);
        let (name, after) = match end {
            Some(end) if rest[before.len()..].starts_with('`') => (key(&quoted[..end]), &quoted[end + 1..]),
            _ => (None, quoted.rsplit_once('"').map_or("", |(_, after)| after)),
        };
        words.extend(["`", name.as_deref().unwrap_or(".."), "`"]);
        rest = after;
    }
    words + rest
}

/// The words of an enumeration: a plain one, or one whose variants are documented (`oneOf` constants).
fn choices(schema: &Value) -> Vec<&str> {
    let plain = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let documented = schema["oneOf"].as_array().into_iter().flatten().flat_map(|one| {
        one["const"].as_str().into_iter().chain(one["enum"].as_array().into_iter().flatten().filter_map(Value::as_str))
    });
    plain.chain(documented).collect()
}

/// Doc comments are wrapped; tables are not.
fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_parser_are_shown_without_values() {
        let table = [
            ("unknown field `pth`, expected `paths`", "unknown field `pth`, expected `paths`"),
            ("unknown field `Sw0rd+fish`, expected `a`", "unknown field `..`, expected `a`"),
            (
                "invalid type: string \"a \\\" b\", expected a map at line 1",
                "invalid type: string `..`, expected a map at line 1",
            ),
            ("found `a", "found `..`"),
            ("unknown field `x`Sw0rd+fish`, expected `a`", "unknown field `..`, expected `a`"),
            ("did not find ',' or '}' at line 2", "did not find ',' or '}' at line 2"),
        ];
        for (error, label) in table {
            assert_eq!(without_values(error), label);
        }
    }
}
