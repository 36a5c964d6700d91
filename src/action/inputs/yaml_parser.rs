//! Reads YAML: what scalars mean, and how they are written, from where they stand.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{MessageFormatter as _, Options, Spanned, UserMessageFormatter};

use super::reading::without_values;
use super::yaml::Yaml;

impl Yaml {
    /// Reads YAML.
    ///
    /// # Errors
    /// What is wrong, without values; a key that stands twice is wrong.
    pub fn read(text: &str) -> Result<Self, String> {
        let node = serde_saphyr::from_str_with_options(text, options()).map_err(|error| words(&error))?;
        Ok(Node::yaml(node, text))
    }
}

/// A value as the parser gives it. Where it stands tells how it is written.
enum Node {
    Leaf(Value),
    /// A number that JSON does not have: `9e12345`, `.inf`.
    Beyond,
    List(Vec<Spanned<Self>>),
    Mapping(Vec<(String, Spanned<Self>)>),
}

impl Node {
    fn yaml(node: Spanned<Self>, source: &str) -> Yaml {
        let written = || {
            let span = node.defined.span();
            let place = |at: Option<u64>| at.and_then(|at| usize::try_from(at).ok()).unwrap_or_default();
            let (begin, length) = (place(span.byte_offset()), place(span.byte_len()));
            source.get(begin..begin + length).unwrap_or_default().to_owned()
        };
        match node.value {
            Self::Leaf(Value::Null) => Yaml::Null,
            Self::Leaf(Value::String(text)) => Yaml::Text(text),
            Self::Leaf(value) => Yaml::Scalar { value, written: written() },
            // `9e12345` may be a commit.
            Self::Beyond if written().bytes().any(|byte| byte.is_ascii_digit()) => Yaml::Text(written()),
            Self::Beyond => Yaml::Scalar { value: written().into(), written: written() },
            Self::List(items) => Yaml::List(items.into_iter().map(|item| Self::yaml(item, source)).collect()),
            Self::Mapping(members) => {
                Yaml::Mapping(members.into_iter().map(|(key, value)| (key, Self::yaml(value, source))).collect())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value without a tag")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "JSON has no integers of this size; what was written is kept beside"
    )]
    fn visit_u128<E: Error>(self, value: u128) -> Result<Node, E> {
        self.visit_f64(value as f64)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "JSON has no integers of this size; what was written is kept beside"
    )]
    fn visit_i128<E: Error>(self, value: i128) -> Result<Node, E> {
        self.visit_f64(value as f64)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        Ok(Number::from_f64(value).map_or(Node::Beyond, |number| Node::Leaf(number.into())))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Leaf(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut mapping: A) -> Result<Node, A::Error> {
        let (mut members, mut seen) = (Vec::new(), HashSet::new());
        while let Some((key, value)) = mapping.next_entry::<String, _>()? {
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom(format_args!("duplicate key `{key}`")));
            }
            members.push((key, value));
        }
        Ok(Node::Mapping(members))
    }
}

/// YAML 1.2 as most programs read it: `yes` and `012` are text, `<<` is a key like any other, a tag is refused.
fn options() -> Options {
    serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        null_as_string: true,
        merge_keys: MergeKeyPolicy::AsOrdinary,
        // Keys that are the same text are refused here, be one of them in quotes.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        reject_unsupported_tags: true,
        ignore_binary_tag_for_string: true,
        bom_inside_document_as_content: true,
        with_snippet: false,
        budget: serde_saphyr::budget! { max_depth: 128, max_nodes: 100_000, enforce_alias_anchor_ratio: false },
    }
}

/// What is wrong and where, without values: a tag may be the beginning of a text that has no quotation marks.
fn words(error: &serde_saphyr::Error) -> String {
    let problem = UserMessageFormatter.format_message(error);
    let problem = if problem.starts_with("unsupported tag") {
        "a tag is not possible here: text that begins with `!` needs quotation marks".to_owned()
    } else {
        without_values(&problem)
    };
    let place = error.location().map(|at| format!(" at line {} column {}", at.line(), at.column()));
    problem + &place.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::hostile::{config, like};

    /// What scalars mean, alone, in a list and as the value of a key: how they are shown, and as JSON where that differs. The table was
    /// written for the reader before this one, `serde_yaml`; where this one reads otherwise, the row stands in [`OTHERWISE`].
    const MEANT: &[(&str, &str, &str)] = &[
        // YAML 1.2 core has no other booleans than these.
        ("yes", r#""yes""#, r#""yes""#),
        ("No", r#""No""#, r#""No""#),
        ("on", r#""on""#, r#""on""#),
        ("off", r#""off""#, r#""off""#),
        ("y", r#""y""#, r#""y""#),
        ("true", "true", "true"),
        ("True", "True", "true"),
        ("FALSE", "FALSE", "false"),
        ("tRUE", r#""tRUE""#, r#""tRUE""#),
        ("~", "null", "null"),
        ("null", "null", "null"),
        ("NULL", "null", "null"),
        ("nULL", r#""nULL""#, r#""nULL""#),
        ("!!null ~", "null", "null"),
        // Digits that no number is written with are text.
        ("012", r#""012""#, r#""012""#),
        ("-007", r#""-007""#, r#""-007""#),
        ("0123456", r#""0123456""#, r#""0123456""#),
        ("1_000", r#""1_000""#, r#""1_000""#),
        ("0x1_F", r#""0x1_F""#, r#""0x1_F""#),
        ("0x", r#""0x""#, r#""0x""#),
        ("1.2.3", r#""1.2.3""#, r#""1.2.3""#),
        ("12:30:45", r#""12:30:45""#, r#""12:30:45""#),
        ("2026-11-28", r#""2026-11-28""#, r#""2026-11-28""#),
        ("2026-11-28T10:00:00Z", r#""2026-11-28T10:00:00Z""#, r#""2026-11-28T10:00:00Z""#),
        ("inf", r#""inf""#, r#""inf""#),
        // Numbers are kept as they are written.
        ("8202758", "8202758", "8202758"),
        ("+1", "+1", "1"),
        ("-1", "-1", "-1"),
        ("0", "0", "0"),
        ("0o12", "0o12", "10"),
        ("0x1F", "0x1F", "31"),
        ("-0x1F", "-0x1F", "-31"),
        ("0b101", "0b101", "5"),
        ("6063e25", "6063e25", "6.063e+28"),
        ("1.10", "1.10", "1.1"),
        ("1.", "1.", "1.0"),
        (".5", ".5", "0.5"),
        ("-0.0", "-0.0", "-0.0"),
        ("1e3", "1e3", "1000.0"),
        ("01e2", "01e2", "100.0"),
        ("18446744073709551615", "18446744073709551615", "18446744073709551615"),
        ("18446744073709551616", "18446744073709551616", "1.8446744073709552e+19"),
        ("-9223372036854775809", "-9223372036854775809", "-9.223372036854776e+18"),
        ("99999999999999999999999999999999999999999999", "99999999999999999999999999999999999999999999", "1e+44"),
        ("!!int 12", "12", "12"),
        ("!!float 1", "1", "1.0"),
        ("!!bool true", "true", "true"),
        // A number beyond all numbers may be a commit.
        ("9e12345", r#""9e12345""#, r#""9e12345""#),
        ("-9e12345", r#""-9e12345""#, r#""-9e12345""#),
        // Text is text.
        ("'1'", r#""1""#, r#""1""#),
        ("\"true\"", r#""true""#, r#""true""#),
        ("!!str 1.10", r#""1.10""#, r#""1.10""#),
        ("!!binary aGk=", r#""aGk=""#, r#""aGk=""#),
        ("<<", r#""<<""#, r#""<<""#),
        ("=", r#""=""#, r#""=""#),
        ("a#b", r#""a#b""#, r#""a#b""#),
        ("a b # c", r#""a b""#, r#""a b""#),
    ];

    /// How it is shown, or a part of its error.
    type Shown = Result<&'static str, &'static str>;

    /// Whole texts: how they are shown, or a part of their error.
    const WHOLE: &[(&str, Shown)] = &[
        ("a: 1.10\nb: [x, ~]", Ok(r#"{"a":1.10,"b":["x",null]}"#)),
        // `<<` merges nothing, and an alias is what its anchor is.
        ("a: &x {b: 1}\nc:\n  <<: *x\n  d: 2", Ok(r#"{"a":{"b":1},"c":{"<<":{"b":1},"d":2}}"#)),
        ("a: &x 1.10\nb: [*x, *x]", Ok(r#"{"a":1.10,"b":[1.10,1.10]}"#)),
        ("a: !!str &a 1\nb: *a", Ok(r#"{"a":"1","b":"1"}"#)),
        ("a: *x", Err("at line 1 column 4")),
        ("a: &x [1, *x]", Err("at line 1 column")),
        ("{<<: a, <<: b}", Err("duplicate key")),
        ("a: 1\na: 2", Err("duplicate key `a`")),
        ("'1': a\n1: b", Err("duplicate key `1`")),
        ("1: a\n0x1: b", Ok(r#"{"1":"a","0x1":"b"}"#)),
        ("~: a\n1.10: b\non: c", Ok(r#"{"~":"a","1.10":"b","on":"c"}"#)),
        ("[a]: b", Err("at line 1 column 1")),
        // One document, with or without a byte order mark.
        ("--- a", Ok(r#""a""#)),
        ("a: 1\n---\nb: 2", Err("document")),
        ("\u{feff}a: 1.10", Ok(r#"{"a":1.10}"#)),
        ("a: \u{feff}1", Ok("{\"a\":\"\u{feff}1\"}")),
        // Tabs do not indent.
        ("a:\n\tb: 1", Err("at line 2 column")),
        ("a:\t1", Ok(r#"{"a":1}"#)),
        ("a: |\n\tx", Err("at line 1 column 4")),
        ("a: |\n  1.10\n", Ok(r#"{"a":"1.10\n"}"#)),
        ("!tag {a: 1}", Err("needs quotation marks at line 1 column")),
        ("a: [!s3cr3t b]", Err("needs quotation marks at line 1 column")),
        ("a: @s3cr3t", Err("at line 1 column 4")),
        ("a: [", Err("at line 1 column 4")),
        ("a: b: c", Err("at line 1 column 5")),
        (r#"{"a": 1.50, "b": [1e3, null, true]}"#, Ok(r#"{"a":1.50,"b":[1e3,null,true]}"#)),
        (r#"{"a": 1, "a": 2}"#, Err("duplicate key `a`")),
    ];

    /// What is read otherwise than before, on purpose: what it meant, and what it means.
    const OTHERWISE: &[(&str, Shown, Shown)] = &[
        // The core schema does not know these tags for text, or at all.
        ("!!timestamp 2026-01-01", Ok(r#""2026-01-01""#), Err("tag")),
        ("!!set {a}", Ok(r#"{"a":null}"#), Err("needs quotation marks")),
        ("a: !!foo x", Ok(r#"{"a":"x"}"#), Err("needs quotation marks")),
        ("!x a: 1", Ok(r#"{"a":1}"#), Err("needs quotation marks")),
        ("!!int 1: a", Ok(r#"{"1":"a"}"#), Err("tag")),
        // `!` alone says that it is text.
        ("a: ! 1", Err(""), Ok(r#"{"a":"1"}"#)),
        // A number of 17 hexadecimal digits or more is no number.
        ("0x1FFFFFFFFFFFFFFFFFF", Ok("0x1FFFFFFFFFFFFFFFFFF"), Ok(r#""0x1FFFFFFFFFFFFFFFFFF""#)),
        // Nothing is null, not an error of its own.
        ("", Err(""), Ok("null")),
        ("# a comment", Err(""), Ok("null")),
        // As YAML 1.2 has it.
        ("[-]", Ok(r#"["-"]"#), Err("at line 1 column 2")),
        (": a", Err(""), Ok(r#"{"":"a"}"#)),
        ("\ta: 1", Err(""), Ok(r#"{"a":1}"#)),
        ("- \t1", Err(""), Ok("[1]")),
        ("a: x\u{2028}y", Err(""), Ok("{\"a\":\"x\u{2028}y\"}")),
        (r#""\ud83d\ude00""#, Err(""), Ok("\"\u{1f600}\"")),
    ];

    #[test]
    fn everything_means_what_it_meant_before() {
        for (text, shown, json) in MEANT {
            for (around, place) in [(("", ""), ""), (("- ", ""), "/0"), (("a: ", ""), "/a"), (("[", "\n]"), "/0")] {
                let text = format!("{}{text}{}", around.0, around.1);
                let read = Yaml::read(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
                assert_eq!(read.clone().json().pointer(place).unwrap().to_string(), *json, "{text}");
                let all = read.to_string();
                let all = all.strip_prefix("{\"a\":").or(all.strip_prefix('[')).unwrap_or(&all);
                assert_eq!(all.trim_end_matches(['}', ']']), *shown, "{text}");
            }
        }
        let after = OTHERWISE.iter().map(|(text, _, after)| (text, after));
        for (text, expected) in WHOLE.iter().map(|(text, expected)| (text, expected)).chain(after) {
            match (Yaml::read(text), expected) {
                (Ok(read), Ok(shown)) => assert_eq!(read.to_string(), *shown, "{text}"),
                (Err(error), Err(part)) => assert!(error.contains(part), "{text}: {error}"),
                (read, _) => panic!("{text}: {read:?}"),
            }
        }
    }

    #[test]
    fn infinity_is_no_number_of_json() {
        for text in [".inf", "-.Inf", "+.INF", ".NaN"] {
            let read = Yaml::read(text).unwrap();
            assert_eq!(read, Yaml::Scalar { value: json!(text), written: text.to_owned() });
        }
    }

    #[test]
    fn numbers_are_kept_as_they_are_written() {
        let read = Yaml::read(
            "a: 8202758\nb: [6063e25, 1.10, '1.10', 0x1F, 9e12345, 0123456]\nc: {d: True, e: ~, f: &n 1.50, g: *n}\n\
             h: 340282366920938463463374607431768211455\ni: \"x\"\n7: -0.0",
        );
        let read = read.unwrap();
        assert_eq!(
            read.clone().texts(),
            json!({
                "a": "8202758",
                "b": ["6063e25", "1.10", "1.10", "0x1F", "9e12345", "0123456"],
                "c": {"d": "True", "e": null, "f": "1.50", "g": "1.50"},
                "h": "340282366920938463463374607431768211455",
                "i": "x",
                "7": "-0.0",
            })
        );
        let json = read.json();
        assert_eq!((&json["a"], &json["b"][1], &json["b"][2]), (&json!(8_202_758), &json!(1.1), &json!("1.10")));
        assert_eq!((&json["b"][3], &json["b"][5], &json["c"]["d"]), (&json!(31), &json!("0123456"), &json!(true)));
    }

    #[test]
    fn what_is_not_read_is_told_without_its_values() {
        let wrong =
            ["a: [s3cr3t", "!tag s3cr3t", "!s3cr3t a", "a: *s3cr3t", "a: @s3cr3t", "a: 's3cr3t", "- s3cr3t\n---\nb: 2"];
        for wrong in wrong {
            let error = Yaml::read(wrong).unwrap_err();
            assert!(!error.contains("s3cr3t"), "{wrong}: {error}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_text_is_read_as_yaml_reads_it(
            text in like(&["a: 1.10", "- [x, 6063e25, {y: ~}]", "&a [1, *a]", "a: |\n  1.10\n", "'1': 0x1f"]),
        ) {
            if let Ok(read) = Yaml::read(&text) {
                let _ = (read.to_string(), read.clone().texts());
                prop_assert_eq!(Yaml::from(read.clone().json()).json(), read.json());
            }
        }
    }
}
