//! What a registry asks for before it answers: the field `WWW-Authenticate` of a 401.
//!
//! <https://distribution.github.io/distribution/spec/auth/token/>,
//! <https://www.rfc-editor.org/rfc/rfc9110#name-www-authenticate>

use std::collections::BTreeMap;

/// The way of logging in that a registry offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User name and password with every request.
    Basic,
    /// A token with every request, to be had from the realm.
    Bearer {
        /// The URL that gives tokens.
        realm: String,
        /// What the realm calls this registry.
        service: Option<String>,
    },
}

impl Challenge {
    /// The best of those offered: a token before a password. `None` when none of them is known.
    pub(super) fn read(field: &str) -> Option<Self> {
        let offered = offered(field);
        let bearer = offered.iter().find_map(|(scheme, parameters)| {
            let realm = parameters.get("realm").filter(|_| scheme == "bearer")?.clone();
            Some(Self::Bearer { realm, service: parameters.get("service").cloned() })
        });
        bearer.or_else(|| offered.iter().any(|(scheme, _)| scheme == "basic").then_some(Self::Basic))
    }
}

/// Schemes with their parameters, names in lower case.
fn offered(field: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let mut all: Vec<(String, BTreeMap<String, String>)> = Vec::new();
    let mut rest = field;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let end = rest.find([' ', '\t', ',', '=']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty() {
            // An `=` without a name: nothing that could be read follows.
            return all;
        }
        if let Some(after) = after.trim_start_matches([' ', '\t']).strip_prefix('=') {
            // A name and its value belong to the scheme before them.
            let (value, after) = value(after.trim_start_matches([' ', '\t']));
            if let Some((_, parameters)) = all.last_mut() {
                parameters.insert(word.to_ascii_lowercase(), value);
            }
            rest = after;
        } else {
            all.push((word.to_ascii_lowercase(), BTreeMap::new()));
            rest = after;
        }
    }
}

/// A word, or text in quotes with `\` before any character; and what follows it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([' ', '\t', ',']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[place + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(character),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like};

    fn bearer(realm: &str, service: Option<&str>) -> Challenge {
        Challenge::Bearer { realm: realm.to_owned(), service: service.map(str::to_owned) }
    }

    #[test]
    fn a_challenge_is_read_as_registries_write_it() {
        let table = [
            (
                r#"Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:org/app:pull""#,
                Some(bearer("https://ghcr.io/token", Some("ghcr.io"))),
            ),
            (
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push",error="invalid_token""#,
                Some(bearer("https://auth.docker.io/token", Some("registry.docker.io"))),
            ),
            (r#"Basic realm="https://ecr.amazonaws.com/",service="ecr.amazonaws.com""#, Some(Challenge::Basic)),
            ("BASIC", Some(Challenge::Basic)),
            (r#"Basic realm="x", Bearer realm="https://a/t""#, Some(bearer("https://a/t", None))),
            (r#"bearer  Realm = "https://a/\"t\\,", Service=b"#, Some(bearer("https://a/\"t\\,", Some("b")))),
            ("Bearer realm=https://a/t,service=b", Some(bearer("https://a/t", Some("b")))),
            (r#"Negotiate abc==, Basic realm="x""#, Some(Challenge::Basic)),
            ("Negotiate", None),
            ("Bearer", None),
            (r#"Bearer realm="unended"#, Some(bearer("unended", None))),
            ("realm=\"x\"", None),
            ("=,=", None),
            ("", None),
        ];
        for (field, challenge) in table {
            assert_eq!(Challenge::read(field), challenge, "{field}");
        }
    }

    const FIELDS: [&str; 4] =
        ["Bearer realm=\"https://a.b/token\",service=\"a\\\"b\"", "Basic realm=x", ", ,=", "Bearer realm=\"\\"];

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_field_is_read_to_its_end(field in like(&FIELDS)) {
            if let Some(Challenge::Bearer { realm, .. }) = Challenge::read(&field) {
                prop_assert!(realm.len() <= field.len());
            }
        }
    }
}
