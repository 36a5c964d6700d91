//! What the properties of parsers and writers are tried with: text that somebody else chose, to break what shows it.
//!
//! Every run tries the same cases. `PROPTEST_RNG_SEED` and `PROPTEST_CASES` try others; what they find becomes a test with a
//! name, in the module it is about. No file of failures is kept.

use std::fmt::Display;
use std::str::FromStr;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngSeed};
use pulldown_cmark::{Event, Options, Parser};
use serde_json::Value;
use testbed::runner::Command;

use crate::text;

/// What a line of the runner, a page of Markdown, a terminal or a file of outputs may take for more than text.
const FRAGMENTS: [&str; 84] = [
    "::error::",
    "::error title=a,file=b::",
    "::add-mask::",
    "::set-output name=verdict::pass",
    "::stop-commands::t",
    "::",
    ":",
    "##[",
    "##[error]",
    "##[add-mask]",
    "#",
    "[",
    "]",
    "%0A",
    "%0D%0A",
    "%25",
    "%",
    "\n",
    "\r",
    "\r\n",
    "\u{85}",
    "\u{2028}",
    "\u{2029}",
    "\u{b}",
    "\u{c}",
    "\t",
    " ",
    "    ",
    "\u{a0}",
    "\u{1b}[31m",
    "\u{1b}]0;title\u{7}",
    "\u{1b}",
    "\u{9b}2J",
    "\u{7}",
    "\0",
    "\u{8}",
    "\u{7f}",
    "\u{202e}",
    "\u{2066}",
    "\u{2069}",
    "\u{200b}",
    "\u{200d}",
    "\u{feff}",
    "\u{ad}",
    "\u{e0041}",
    "\u{3164}",
    "\u{fffd}",
    "`",
    "```",
    "|",
    "\n|---|---|\n",
    "<b>",
    "<img src=x>",
    "<!--",
    "-->",
    "&lt;",
    "&#124;",
    "](",
    "[x](http://a.b)",
    "![x](y)",
    "http://a.b",
    "www.a.b",
    "a@b.example",
    "@everyone",
    "#12",
    "# ",
    "### ",
    "- ",
    "+ ",
    "* ",
    "1. ",
    "7) ",
    "> ",
    "---",
    "===",
    "***",
    "__",
    "~~",
    "[x]: y",
    "[^1]",
    "$",
    "\\",
    "EOF",
    "verdict<<EOF",
];

/// Text that somebody else chose: a few pieces in a row, now and then very many.
pub(crate) fn foreign() -> impl Strategy<Value = String> {
    let fragment = || select(&FRAGMENTS[..]).prop_map(str::to_owned);
    let word = "[a-z0-9=<]{0,6}";
    let piece =
        prop_oneof![8 => fragment(), 3 => word, 2 => any::<String>(), 1 => any::<char>().prop_map(String::from)];
    prop_oneof![
        20 => vec(piece, 0..16).prop_map(|pieces| pieces.concat()),
        1 => (fragment(), 2_000..12_000_usize).prop_map(|(piece, times)| piece.repeat(times)),
    ]
}

/// Values like these, and what a slip or somebody's intent makes of them.
pub(crate) fn like(examples: &'static [&'static str]) -> impl Strategy<Value = String> {
    let slips = vec((any::<prop::sample::Index>(), 0..3_usize, select(&FRAGMENTS[..])), 0..3);
    let near = (select(examples), slips).prop_map(|(example, slips)| {
        slips.iter().fold(example.to_owned(), |text, (place, left_out, put_in)| {
            let characters: Vec<char> = text.chars().collect();
            let at = place.index(characters.len() + 1);
            let before = characters[..at].iter();
            let after = characters[(at + left_out).min(characters.len())..].iter();
            before.chain(put_in.chars().collect::<Vec<_>>().iter()).chain(after).collect()
        })
    });
    let joined = (select(examples), select(&["", ",", "\n", "=", "/", ":", "@", "-"][..]), select(examples));
    prop_oneof![4 => near, 1 => joined.prop_map(|(one, between, other)| format!("{one}{between}{other}")), 2 => foreign()]
}

/// The same cases in every run, unless others are asked for.
pub(crate) fn config() -> Config {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 40;
    }
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(20_261_121);
    }
    config
}

/// Asserts what every value of an input promises: it is read or refused in words, and what is shown of it is read as the same.
#[track_caller]
pub(crate) fn reads<T: FromStr<Err = String> + Display>(given: &str) -> Option<T> {
    match given.parse::<T>() {
        Ok(value) => {
            let label = value.to_string();
            match label.parse::<T>() {
                Ok(again) => assert_eq!(again.to_string(), label, "{given:?}"),
                Err(error) => panic!("{given:?} is read and shown as {label:?}, which {error}"),
            }
            Some(value)
        }
        Err(error) => {
            assert!(!error.is_empty(), "{given:?} is refused without a word");
            None
        }
    }
}

/// [`reads`], of a value that hides nothing from who reads it.
#[track_caller]
pub(crate) fn reads_plainly<T: FromStr<Err = String> + Display>(given: &str) {
    if let Some(value) = reads::<T>(given) {
        assert!(text::is_plain(&value.to_string()), "{given:?} is read, and something of it is hidden");
    }
}

/// The members of an answer, at any depth, as JSON pointers.
pub(crate) fn members_of(whole: &Value) -> Vec<String> {
    let below = |name: &str, value: &Value, is_member: bool| {
        let name = name.replace('~', "~0").replace('/', "~1");
        let deeper = members_of(value).into_iter().map(|member| format!("/{name}{member}")).collect::<Vec<_>>();
        is_member.then(|| format!("/{name}")).into_iter().chain(deeper).collect::<Vec<_>>()
    };
    match whole {
        Value::Object(members) => members.iter().flat_map(|(name, value)| below(name, value, true)).collect(),
        Value::Array(all) => {
            all.iter().enumerate().flat_map(|(n, value)| below(&n.to_string(), value, false)).collect()
        }
        _ => Vec::new(),
    }
}

/// An answer whose member is null, and one without it.
pub(crate) fn null_and_absent(whole: &Value, member: &str) -> [Value; 2] {
    let (mut null, mut absent) = (whole.clone(), whole.clone());
    *null.pointer_mut(member).unwrap() = Value::Null;
    let (parent, name) = member.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/").replace("~0", "~");
    absent.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(&name).unwrap();
    [null, absent]
}

/// Asserts that a runner finds no command in what was written, and a terminal no control code.
#[track_caller]
pub(crate) fn assert_harmless(written: &str) {
    for line in written.split(['\n', '\r']) {
        assert_eq!(Command::parse(line, None), None, "{line:?}");
    }
    let odd = written.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    assert_eq!(odd, None, "{written:?}");
}

/// The structure of a page as GitHub's Markdown has it, without its text; and its text.
pub(crate) fn structure(page: &str) -> (Vec<String>, String) {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_MATH
        | Options::ENABLE_GFM;
    let (mut tags, mut label) = (Vec::new(), String::new());
    for event in Parser::new_ext(page, options) {
        match event {
            Event::Text(words) | Event::Code(words) => label.push_str(&words),
            other => tags.push(format!("{other:?}")),
        }
    }
    (tags, label)
}

mod tests {
    use super::*;
    use crate::action::inputs::common::CommonInputs;
    use crate::action::inputs::{Field, Problems, RawInputs, fields};
    use crate::steps;

    proptest! {
        #![proptest_config(config())]

        /// All inputs of all steps, those of later ones included.
        #[test]
        fn any_value_of_any_input_is_read_or_refused_in_harmless_words(
            value in foreign(),
            choice in any::<[prop::sample::Index; 3]>(),
        ) {
            let all = steps::all();
            let step = &all[choice[0].index(all.len())];
            let inputs: Vec<_> = (step.inputs)().into_iter().chain(fields::<CommonInputs>()).collect();
            let field = &inputs[choice[1].index(inputs.len())];
            let at = field.example.floor_char_boundary(choice[2].index(field.example.len() + 1));
            let (before, after) = field.example.split_at(at);
            for given in [value.clone(), format!("{before}{value}{after}")] {
                let mut problems = Problems::default();
                let given = RawInputs::from_pairs([(field.name.as_str(), given.as_str()), ("step", step.name)]);
                let common = given.read::<CommonInputs>(&mut problems);
                let _ = (step.read)(&given, common.as_ref(), &mut problems);
                assert_harmless(&problems.message());
            }
        }
    }

    /// Somebody puts a password into a wrong place, or one that is right and misspelt: nobody knows yet that it is one.
    #[test]
    fn no_refusal_shows_what_may_be_a_secret() {
        const SECRET: &str = "Sw0rdfish+9f8e7d6c5b4a/3210==";
        let forms = [
            "{}",
            "{}: 1",
            "a: {}",
            "a: \"{}",
            "a: [{}",
            "{a: {}, a: {}}",
            "- {}",
            "- {}: 1",
            "- {a: {}}",
            "- {}: !x 1",
            "{}: {b: 1, b: 1}",
            "a: {{}: {b: 1, b: 1}}",
            "a: {{}: {b: [c]}}",
            "a: {'x`{}': 1}",
            "- {path: {}, headers: {}}",
            "- {to: {}, url: {}, topic-arn: {}, on: {}}",
            "- {}\n- {}",
            "a={}",
            "{}=a",
            "a: b\nc: {}: d",
            "all: {paths: [\"{}\"], depends-on: [{}]}",
            "all: {{}: [a]}",
            "branch {} -> {}",
            "branch main -> {}",
            "json:{}",
            "https://user:{}@shop.example.com/",
            "https://shop.example.com:{}/",
            "ghcr.io=https://user:{}@proxy.example.com",
            "arn:aws:iam::111122223333:role/{} x",
            "{\"a\": \"{}\"",
            "Authorization: {}\n{}",
            "(?{}",
            "/x: \"< {}\"",
            "s3://{}",
        ];
        let assert_silent = |field: &Field, read: &dyn Fn(&RawInputs, &mut Problems)| {
            let around = [format!("{}{{}}", field.example), format!("{{}}{}", field.example)];
            let beside = [format!("{}\n{{}}", field.example)];
            for form in forms.iter().map(|form| (*form).to_owned()).chain(around).chain(beside) {
                let mut problems = Problems::default();
                let value = form.replace("{}", SECRET);
                read(
                    &RawInputs::from_pairs([(field.name.as_str(), value.as_str()), ("step", "swap-alias")]),
                    &mut problems,
                );
                let message = problems.message();
                assert!(!message.contains("9f8e7d"), "`{}` of {value:?}: {message}", field.name);
            }
        };
        for field in fields::<CommonInputs>() {
            assert_silent(&field, &|given, problems| drop(given.read::<CommonInputs>(problems)));
        }
        for step in steps::all() {
            for field in (step.inputs)() {
                assert_silent(&field, &|given, problems| drop((step.read)(given, None, problems)));
            }
        }
    }
}
