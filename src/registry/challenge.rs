//! What a registry asks for before it answers: the fields `WWW-Authenticate` of a 401. There may be several, each with several
//! challenges.
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
        /// What the token must be good for, as the registry names it: a mirror has other names than we do.
        scope: Option<String>,
    },
    /// None that we know: the schemes by their names.
    Unknown(String),
}

impl Challenge {
    /// The best of those offered in all fields: a token before a password. `None` when none is offered.
    pub(super) fn read<'f>(fields: impl IntoIterator<Item = &'f str>) -> Option<Self> {
        let offered: Vec<_> = fields.into_iter().flat_map(schemes).collect();
        let bearer = offered.iter().find_map(|(scheme, parameters)| {
            let realm = parameters.get("realm").filter(|_| scheme == "bearer")?.clone();
            let named = |name: &str| parameters.get(name).filter(|value| !value.is_empty()).cloned();
            Some(Self::Bearer { realm, service: named("service"), scope: named("scope") })
        });
        let known = bearer.or_else(|| offered.iter().any(|(scheme, _)| scheme == "basic").then_some(Self::Basic));
        known.or_else(|| {
            let names: Vec<&str> = offered.iter().map(|(scheme, _)| scheme.as_str()).collect();
            (!names.is_empty()).then(|| Self::Unknown(names.join(", ")))
        })
    }
}

/// Schemes with their parameters, names in lower case.
fn schemes(field: &str) -> Vec<(String, BTreeMap<String, String>)> {
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

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Challenge::Bearer { realm: realm.to_owned(), service: owned(service), scope: owned(scope) }
    }

    fn unknown(names: &str) -> Challenge {
        Challenge::Unknown(names.to_owned())
    }

    #[test]
    fn a_challenge_is_read_as_registries_write_it() {
        let table = [
            (
                r#"Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:org/app:pull""#,
                Some(bearer("https://ghcr.io/token", Some("ghcr.io"), Some("repository:org/app:pull"))),
            ),
            (
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push",error="invalid_token""#,
                Some(bearer(
                    "https://auth.docker.io/token",
                    Some("registry.docker.io"),
                    Some("repository:a/b:pull,push"),
                )),
            ),
            (r#"Basic realm="https://ecr.amazonaws.com/",service="ecr.amazonaws.com""#, Some(Challenge::Basic)),
            ("BASIC", Some(Challenge::Basic)),
            (r#"Basic realm="x", Bearer realm="https://a/t""#, Some(bearer("https://a/t", None, None))),
            (r#"bearer  Realm = "https://a/\"t\\,", Service=b"#, Some(bearer("https://a/\"t\\,", Some("b"), None))),
            ("Bearer realm=https://a/t,service=b,scope=\"\"", Some(bearer("https://a/t", Some("b"), None))),
            (r#"Negotiate abc==, Basic realm="x""#, Some(Challenge::Basic)),
            ("Negotiate", Some(unknown("negotiate"))),
            ("Bearer", Some(unknown("bearer"))),
            (r#"Bearer realm="unended"#, Some(bearer("unended", None, None))),
            ("realm=\"x\"", None),
            ("=,=", None),
            ("", None),
        ];
        for (field, challenge) in table {
            assert_eq!(Challenge::read([field]), challenge, "{field}");
        }
    }

    #[test]
    fn several_challenges_may_stand_in_one_field_or_in_several() {
        let fields = ["Negotiate", "Bearer realm=\"https://a/t\"", "Basic realm=\"x\""];
        let expected = Some(bearer("https://a/t", None, None));
        assert_eq!(Challenge::read(fields), expected);
        assert_eq!(Challenge::read([fields.join(", ").as_str()]), expected);
        assert_eq!(Challenge::read(["Negotiate", "NTLM"]), Some(unknown("negotiate, ntlm")));
        assert_eq!(Challenge::read([]), None);
    }

    const FIELDS: [&str; 4] =
        ["Bearer realm=\"https://a.b/token\",service=\"a\\\"b\"", "Basic realm=x", ", ,=", "Bearer realm=\"\\"];

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_field_is_read_to_its_end(field in like(&FIELDS)) {
            if let Some(Challenge::Bearer { realm, .. }) = Challenge::read([field.as_str()]) {
                prop_assert!(realm.len() <= field.len());
            }
        }
    }
}
