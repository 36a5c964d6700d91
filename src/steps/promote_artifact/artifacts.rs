//! The input `artifacts`: the images of one release.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use super::values::{Destination, ImageSource, Source, To};
use crate::action::inputs::{Yaml, input_value, mapping, texts};
use crate::oci::{Digest, is_tag};

/// Several images that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Artifacts {
    /// One at least.
    pub(super) all: Vec<Artifact>,
    /// As they are written in the workflow.
    written: String,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Artifact {
    /// What it is called.
    pub(super) name: String,
    /// The image, or the repository it is looked for in.
    pub(super) source: Option<ImageSource>,
    /// Where it is to be: repositories only, one at least.
    pub(super) destination: Vec<Destination>,
}

/// As it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    source: Option<String>,
    #[serde(deserialize_with = "texts")]
    destination: Vec<String>,
}

impl Artifact {
    fn read(value: &Yaml) -> Result<Self, String> {
        if !matches!(value, Yaml::Mapping(_)) {
            return Err("must be a mapping of YAML".to_owned());
        }
        let written: Written = mapping(value.clone().texts())?;
        // What a tag may hold is plain everywhere: in a list of images, in a record, in a message.
        if !is_tag(&written.name) {
            return Err("its name must be letters, digits, `_`, `.` and `-`, at most 128".to_owned());
        }
        let source = match written.source.map(|source| source.trim().parse::<Source>()).transpose() {
            Ok(Some(Source::Image(image))) => Some(image),
            Ok(None) => None,
            Ok(Some(Source::Zip(_) | Source::Stored(_))) => {
                return Err("`source` must be an image: a zip archive has a step of its own".to_owned());
            }
            Err(why) => return Err(format!("`source` {why}")),
        };
        let to =
            written.destination.iter().flat_map(|lines| lines.lines()).map(str::trim).filter(|line| !line.is_empty());
        let to: Result<Vec<To>, String> = to.map(str::parse).collect();
        let destination: Vec<_> =
            to.map_err(|why| format!("`destination` {why}"))?.into_iter().map(Destination::Repository).collect();
        if destination.is_empty() {
            return Err("`destination` must be given".to_owned());
        }
        Ok(Self { name: written.name, source, destination })
    }
}

impl FromStr for Artifacts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let list = Yaml::read(text).map_err(|error| format!("must be a list of artifacts in YAML ({error})"))?;
        let Yaml::List(list) = list else {
            return Err(
                "must be a list of artifacts in YAML: `- { name: api, source: .., destination: .. }`".to_owned()
            );
        };
        if list.is_empty() {
            return Err("must hold at least one artifact".to_owned());
        }
        let read = |(place, value)| Artifact::read(value).map_err(|error| format!("artifact {place}: {error}"));
        let all: Vec<Artifact> = (1..).zip(&list).map(read).collect::<Result<_, String>>()?;
        for (place, one) in all.iter().enumerate() {
            if all[..place].iter().any(|other| other.name == one.name) {
                return Err(format!("two artifacts have the name {}", one.name));
            }
            if all[..place].iter().any(|other| other.destination.iter().any(|to| one.destination.contains(to))) {
                return Err(format!(
                    "{} goes to the repository of another artifact, and would get the same tag there: give it one of its own",
                    one.name
                ));
            }
        }
        Ok(Self { all, written: text.to_owned() })
    }
}

impl fmt::Display for Artifacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

input_value!(
    Artifacts,
    "YAML: a list of `{name, source, destination}`",
    "- { name: api, source: ghcr.io/org/api:v1.4.0, destination: shop-api }"
);

/// The name of a set of artifacts: the first 16 hexadecimal digits of SHA-256 over its sorted lines `name=digest`.
pub(super) fn release<'a>(all: impl Iterator<Item = (&'a str, &'a Digest)>) -> String {
    let mut lines: Vec<String> = all.map(|(name, digest)| format!("{name}={digest}")).collect();
    lines.sort();
    Digest::of(lines.join("\n").as_bytes()).hex()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads};

    #[test]
    fn artifacts_are_read_as_documented() {
        let text = "- name: api\n  source: ghcr.io/org/api:v1\n  destination: shop-api\n\
                    - { name: mcp, source: ghcr.io/org/mcp, destination: [shop-mcp, shop-mcp region=eu-west-1] }\n";
        let all: Artifacts = text.parse().unwrap();
        let found: Vec<_> = all.all.iter().map(|one| (one.name.as_str(), one.destination.len())).collect();
        assert_eq!((found, all.to_string()), (vec![("api", 1), ("mcp", 2)], text.to_owned()));
        for (wrong, says) in [
            ("", "at least one"),
            ("[]", "at least one"),
            ("name: api", "must be a list"),
            ("- {name: api}", "destination"),
            ("- {name: api, destination: a, tag: b}", "`tag` is not known"),
            ("- {name: a b, destination: a}", "its name must be letters"),
            ("- {name: a, source: app.zip, destination: a}", "must be an image"),
            ("- {name: a, destination: 's3://a/b'}", "`destination` must be a repository"),
            ("- {name: a, destination: a}\n- {name: a, destination: b}", "two artifacts"),
            ("- {name: a, destination: a}\n- {name: b, destination: [b, a]}", "one of its own"),
        ] {
            let error = wrong.parse::<Artifacts>().unwrap_err();
            assert!(error.contains(says) || wrong.is_empty(), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_release_is_named_by_what_is_in_it_in_whatever_order() {
        let (one, two) = (Digest::of(b"one"), Digest::of(b"two"));
        let name = release([("api", &one), ("mcp", &two)].into_iter());
        assert_eq!(name, release([("mcp", &two), ("api", &one)].into_iter()));
        assert!(name.len() == 16 && name != release([("api", &two), ("mcp", &one)].into_iter()));
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_text_is_read_or_refused(text in like(&["- {name: api, source: 'ghcr.io/a:v1', destination: [shop-api]}"])) {
            reads::<Artifacts>(&text);
        }
    }
}
