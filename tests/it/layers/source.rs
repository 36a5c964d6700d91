//! What one file imports, names and defines: read from its words and signs, without a parser.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The Rust files below a folder of the workspace, by their paths from there.
pub(crate) fn files(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let (mut open, mut found) = (vec![root.clone()], Vec::new());
    while let Some(folder) = open.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    found
}

/// The texts of a file, as they are written between their quotes. What is under `#[cfg(test)]` is left out.
pub(crate) fn texts(file: &str) -> Vec<&str> {
    let all = Source::default().without_tests(&tokens(file)).into_iter();
    let quoted = all.filter_map(|token| token.strip_prefix(QUOTE)?.trim_end_matches('#').strip_suffix(QUOTE));
    quoted.collect()
}

const QUOTE: char = '"';

/// A path of a `use`, without braces.
#[derive(Debug)]
pub(super) struct Import {
    /// How the file calls it from then on; `*` for all that is there.
    pub(super) name: String,
    pub(super) path: Vec<String>,
    /// Whether the file itself needs it, and not only those it passes it on to.
    pub(super) needed: bool,
}

/// One file. What is under `#[cfg(test)]` is left out.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) imports: Vec<Import>,
    /// Paths outside of `use`, of two names and more.
    pub(super) paths: Vec<Vec<String>>,
    /// The names of its items, and of what their blocks hold.
    pub(super) items: BTreeSet<String>,
    /// Modules in files of their own that are there for tests only.
    pub(super) for_tests: Vec<String>,
}

impl Source {
    pub(super) fn of(text: &str) -> Self {
        let mut source = Self::default();
        let tokens = source.without_tests(&tokens(text));
        let mut named = BTreeSet::new();
        let mut public = Vec::new();
        // The modules that are written in this file and open here, by the depth of their braces.
        let (mut depth, mut inner) = (0, Vec::new());
        let mut at = 0;
        while let Some(&token) = tokens.get(at) {
            let before = if at == 0 { "" } else { tokens[at - 1] };
            let after = tokens.get(at + 1).copied().unwrap_or_default();
            match token {
                "{" => depth += 1,
                "}" => {
                    depth -= 1;
                    inner.pop_if(|opened| *opened == depth);
                }
                "mod" if tokens.get(at + 2) == Some(&"{") => inner.push(depth),
                "use" => {
                    let begun = source.imports.len();
                    at = source.tree(&tokens, at + 1, &[]);
                    for import in &mut source.imports[begun..] {
                        leave(&mut import.path, inner.len());
                    }
                    public.resize(source.imports.len(), matches!(before, "pub" | ")"));
                    continue;
                }
                "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" => {
                    source.items.insert(after.to_owned());
                }
                _ if is_name(token) && !matches!(before, "::" | "." | "mod") => {
                    named.insert(token.to_owned());
                    let mut path = vec![token.to_owned()];
                    while tokens.get(at + 1) == Some(&"::") && tokens.get(at + 2).is_some_and(|next| is_name(next)) {
                        path.push(tokens[at + 2].to_owned());
                        at += 2;
                    }
                    // `pub(in crate::x)` tells who may use it.
                    if path.len() > 1 && before != "in" {
                        leave(&mut path, inner.len());
                        source.paths.push(path);
                    }
                }
                _ => {}
            }
            at += 1;
        }
        for (import, public) in source.imports.iter_mut().zip(public) {
            import.needed = !public || named.contains(&import.name);
        }
        source
    }

    /// The tokens without the items under `#[cfg(test)]`.
    fn without_tests<'a>(&mut self, tokens: &[&'a str]) -> Vec<&'a str> {
        const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
        let mut kept = Vec::with_capacity(tokens.len());
        let mut rest = tokens;
        while let Some(first) = rest.first() {
            let Some(item) = rest.strip_prefix(&MARK) else {
                kept.push(*first);
                rest = &rest[1..];
                continue;
            };
            if let Some(at) = item.iter().take(6).position(|token| *token == "mod").filter(|at| item[at + 2] == ";") {
                self.for_tests.push(item[at + 1].to_owned());
            }
            let mut depth = 0;
            let end = item.iter().position(|token| {
                depth += i32::from(matches!(*token, "(" | "[" | "{")) - i32::from(matches!(*token, ")" | "]" | "}"));
                depth == 0 && matches!(*token, ";" | "}")
            });
            rest = &item[end.map_or(item.len(), |end| end + 1)..];
        }
        kept
    }

    /// Reads a tree of paths below `prefix`; where it ends.
    fn tree(&mut self, tokens: &[&str], mut at: usize, prefix: &[String]) -> usize {
        let mut path = prefix.to_vec();
        let mut name = None;
        loop {
            match tokens.get(at).copied() {
                Some("::") => {}
                Some("as") => {
                    name = tokens.get(at + 1).copied();
                    at += 1;
                }
                Some("self") if !path.is_empty() => {}
                Some("{") => {
                    at += 1;
                    while !matches!(tokens.get(at), None | Some(&"}")) {
                        at = self.tree(tokens, at, &path);
                        at += usize::from(tokens.get(at) == Some(&","));
                    }
                    return at + 1;
                }
                Some(token) if is_name(token) || token == "*" => path.push(token.to_owned()),
                _ => break,
            }
            at += 1;
        }
        if let Some(name) = name.or(path.last().map(String::as_str)) {
            self.imports.push(Import { name: name.to_owned(), path: path.clone(), needed: false });
        }
        at
    }
}

/// A path as it is from the file's own module, not from the `depth` modules inside of it.
fn leave(path: &mut Vec<String>, depth: usize) {
    let up = path.iter().take(depth).take_while(|name| *name == "super").count();
    if up > 0 {
        path.splice(..up, (path.get(up).is_none_or(|next| next != "super")).then(|| "self".to_owned()));
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Names, signs, and texts from their first quote on; comments and other literals are passed over.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let past = |end: Option<usize>, closing: usize| end.map_or(rest.len(), |end| end + closing);
        let passed_over = match first {
            _ if first.is_whitespace() => Some(first.len_utf8()),
            '/' if rest.starts_with("//") => Some(past(rest.find('\n'), 0)),
            '/' if rest.starts_with("/*") => Some(past(rest.find("*/"), 2)),
            'b' | 'r' => raw_string(rest),
            QUOTE => {
                let mut is_escaped = false;
                let end = rest[1..].find(|sign| {
                    let ends = sign == QUOTE && !is_escaped;
                    is_escaped = sign == '\\' && !is_escaped;
                    ends
                });
                Some(past(end, 2))
            }
            '\'' if rest[1..].starts_with('\\') => Some(past(rest[3..].find('\''), 4)),
            // A character, or the sign before the name of a lifetime.
            '\'' => {
                let sign = rest[1..].chars().next().map_or(0, char::len_utf8);
                Some(if rest[1 + sign..].starts_with('\'') { sign + 2 } else { 1 })
            }
            _ => None,
        };
        let length = passed_over.unwrap_or_else(|| match first {
            ':' if rest.starts_with("::") => 2,
            _ if is_of_name(first) => past(rest.find(|sign| !is_of_name(sign)), 0),
            _ => first.len_utf8(),
        });
        if passed_over.is_none() {
            tokens.push(&rest[..length]);
        } else if matches!(first, 'b' | 'r' | QUOTE) {
            tokens.extend(rest[..length].find(QUOTE).map(|quote| &rest[quote..length]));
        }
        rest = &rest[length..];
    }
    tokens
}

/// The length of the raw string that `text` begins with.
fn raw_string(text: &str) -> Option<usize> {
    let body = text.strip_prefix('b').unwrap_or(text).strip_prefix('r')?;
    let opening = body.find(QUOTE).filter(|at| body[..*at].chars().all(|sign| sign == '#'))? + 1;
    let closing = format!("\"{}", "#".repeat(opening - 1));
    let end = body[opening..].find(&closing)?;
    Some(text.len() - body.len() + opening + end + closing.len())
}

fn is_of_name(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_'
}
