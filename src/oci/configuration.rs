//! The configuration of an image: where it runs, and the commit it was built from.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::Value;

/// What an image's configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// Where it runs; `None` if it does not say it.
    pub platform: Option<Platform>,
    revision: Option<String>,
    /// Its labels `org.opencontainers.image.*`, by what follows that.
    pub labels: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawConfiguration {
    os: Option<String>,
    architecture: Option<String>,
    config: Option<RunConfiguration>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RunConfiguration {
    #[serde(rename = "Labels")]
    labels: Option<BTreeMap<String, Value>>,
}

/// What labels of images begin with that others than their maker read
/// (<https://github.com/opencontainers/image-spec/blob/main/annotations.md#pre-defined-annotation-keys>).
const KNOWN: &str = "org.opencontainers.image.";

impl Configuration {
    /// Reads it (<https://github.com/opencontainers/image-spec/blob/main/config.md>).
    pub fn parse(config: &[u8]) -> Result<Self> {
        let raw: RawConfiguration = serde_json::from_slice(config).context("read the image's configuration")?;
        let labels = raw.config.and_then(|config| config.labels).unwrap_or_default();
        let known = labels.into_iter().filter_map(|(name, value)| {
            let (name, value) = (name.strip_prefix(KNOWN)?, value.as_str()?.trim());
            (!value.is_empty()).then(|| (name.to_owned(), value.to_owned()))
        });
        let labels: BTreeMap<_, _> = known.collect();
        Ok(Self { platform: Platform::of(raw.os, raw.architecture), revision: labels.get("revision").cloned(), labels })
    }

    /// The commit it was built from, as its label says
    /// (<https://github.com/opencontainers/image-spec/blob/main/annotations.md>).
    #[must_use]
    pub fn revision(&self) -> Option<&str> {
        self.revision.as_deref()
    }
}

/// Where an image runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// `linux`.
    pub os: String,
    /// As OCI names it, e.g. `amd64`.
    pub architecture: String,
}

impl Platform {
    /// Half a platform is none.
    pub(super) fn of(os: Option<String>, architecture: Option<String>) -> Option<Self> {
        let given = |part: Option<String>| part.filter(|part| !part.is_empty());
        Some(Self { os: given(os)?, architecture: given(architecture)? })
    }
}

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::hostile::{config, like, members_of, null_and_absent};

    #[test]
    fn a_member_that_is_null_reads_as_one_that_is_absent() {
        let whole = json!({
            "created": "2026-01-01T00:00:00Z", "author": "a", "os": "linux", "architecture": "amd64", "variant": "v8",
            "config": {"User": "a", "ExposedPorts": {"80/tcp": {}}, "Env": ["A=b"], "Entrypoint": ["a"], "Cmd": ["b"],
                       "Volumes": {"/a": {}}, "WorkingDir": "/", "StopSignal": "SIGTERM",
                       "Labels": {"org.opencontainers.image.revision": "c0ffee", "a": "b"}},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:1"]}, "history": [{"created_by": "a", "empty_layer": true}],
        });
        let members = members_of(&whole);
        assert!(members.len() > 10);
        for member in members {
            let read = |text: String| Configuration::parse(text.as_bytes()).ok();
            let [null, absent] = null_and_absent(&whole, &member);
            assert_eq!(read(null.to_string()), read(absent.to_string()), "{member}");
        }
    }

    #[test]
    fn members_that_are_not_used_may_be_anything() {
        let odd =
            json!({"os": "linux", "architecture": "arm64", "rootfs": 1, "config": {"Labels": {"a": 1}, "Env": {}}});
        assert!(Configuration::parse(odd.to_string().as_bytes()).unwrap().platform.is_some());
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_bytes_are_a_configuration_or_refused(
            text in like(&[r#"{"os":"linux","config":{"Labels":{"org.opencontainers.image.revision":"x"}}}"#]),
        ) {
            let _ = Configuration::parse(text.as_bytes()).map(|read| read.revision().map(str::to_owned));
        }
    }
}
