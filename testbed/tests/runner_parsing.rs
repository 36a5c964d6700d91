//! Tables of what the runner reads from log lines and from the files of a step.

use testbed::runner::{Command, FileCommands};

#[test]
fn commands_are_found_where_the_runner_finds_them() {
    for (line, name, data) in [
        ("::error::it broke", "error", "it broke"),
        (" \t ::error::after white space", "error", "after white space"),
        ("\u{a0}::error::after a no-break space", "error", "after a no-break space"),
        ("::ERROR::names have no case", "error", "names have no case"),
        ("##[error]legacy", "error", "legacy"),
        ("remote said: ##[set-output name=x]y", "set-output", "y"),
        ("::unknown::##[warning]the legacy form is tried next", "warning", "the legacy form is tried next"),
        ("::debug::a::b", "debug", "a::b"),
        ("::error::", "error", ""),
        ("::error::100%25 %0D%0A%250A", "error", "100% \r\n%0A"),
        ("##[error]%5D%3B%250A", "error", "];%0A"),
        ("::error ::no properties", "error", "no properties"),
    ] {
        let found = Command::parse(line, None).unwrap_or_else(|| panic!("nothing in {line:?}"));
        assert_eq!((found.name.as_str(), found.data.as_str()), (name, data), "{line:?}");
    }
    for line in [
        "",
        "text ::error::not at the start",
        "::error",
        "::nonsense::x",
        "##[error",
        "##[nonsense]x ##[error]only the first counts",
        "## [error]x",
        "#\\#[error]x",
        "#\u{200b}#[error]x",
        "\u{1b}[31m::error::x",
        "::internal-set-repo-path::x",
        "::error\u{a0}::x",
    ] {
        assert_eq!(Command::parse(line, None), None, "{line:?}");
    }
}

#[test]
fn properties_are_split_and_decoded_as_the_runner_does() {
    for (line, properties) in [
        ("::error file=a.rs,line=3,title=A%3A%2C%25::x", vec![("file", "a.rs"), ("line", "3"), ("title", "A:,%")]),
        ("::error FILE=a,,=,title=,col::x", vec![("file", "a")]),
        ("::error title=a=b::x", vec![("title", "a=b")]),
        ("::error title==b::x", vec![("title", "b")]),
        ("##[error title=a,b;line=3%3B]x", vec![("line", "3;"), ("title", "a,b")]),
    ] {
        let found = Command::parse(line, None).unwrap().properties;
        let found: Vec<(&str, &str)> = found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(found, properties, "{line:?}");
    }
}

#[test]
fn files_of_entries_are_read_by_the_runners_algorithm() {
    for (text, pairs, error) in [
        ("", vec![], None),
        ("a=1\nb=2", vec![("a", "1"), ("b", "2")], None),
        ("\n\na=1\n\n", vec![("a", "1")], None),
        ("a=b<<c\n", vec![("a", "b<<c")], None),
        ("a=", vec![("a", "")], None),
        ("=x", vec![("", "x")], None),
        (" a = 1 ", vec![(" a ", " 1 ")], None),
        ("a=1\r\n", vec![("a", "1\r")], None),
        ("\u{feff}a=1", vec![("a", "1")], None),
        ("a<<E\nE\n", vec![("a", "")], None),
        ("a<<E\nE", vec![("a", "")], None),
        ("a<<E\n\nE\n", vec![("a", "")], None),
        ("a<<E\n\n\nE\n", vec![("a", "\n")], None),
        ("a<<E\none\ntwo\nE\nb=2", vec![("a", "one\ntwo"), ("b", "2")], None),
        ("a<<E=F\nx\nE=F\n", vec![("a", "x")], None),
        ("a<<E\n E\nE \nE\n", vec![("a", " E\nE ")], None),
        ("a=1\na=2", vec![("a", "1"), ("a", "2")], None),
        ("a=1\nnonsense\nb=2", vec![("a", "1")], Some("Invalid format 'nonsense'")),
        ("<<E\nx\nE\n", vec![], Some("Name must not be empty")),
        ("a<<\nx\n", vec![], Some("delimiter must not be empty")),
        ("a<<E\nx\n", vec![], Some("Matching delimiter not found 'E'")),
        ("a<<E\nx", vec![], Some("EOF marker missing new line")),
        ("a<<E\nx\nE\r\n", vec![], Some("Matching delimiter not found")),
        ("a<<E", vec![], Some("Matching delimiter not found")),
    ] {
        let read = FileCommands::parse(text);
        let found: Vec<(&str, &str)> = read.pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(found, pairs, "{text:?}");
        match error {
            None => assert_eq!(read.error, None, "{text:?}"),
            Some(part) => assert!(read.error.as_ref().is_some_and(|found| found.contains(part)), "{text:?}: {read:?}"),
        }
    }
    assert_eq!(FileCommands::parse("\na=1\n\nb<<E\n\nE\n").blank_lines, 2);
}
