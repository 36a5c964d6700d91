//! The inputs of notify.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::channels::Channels;
use super::status::{RollbackResult, Status};
use crate::action::inputs::{Flag, Inputs, Lines, Problems, Text, input_value};
use crate::aws::sns::TopicArn;
use crate::context::Context;
use crate::github::{Github, RepositoryName};
use crate::net::webhook::Address;
use crate::text::leads_inside;
use crate::text::secrets::Secret;

/// What a message that cannot be delivered does to the step.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum OnError {
    /// A warning; the step passes.
    #[default]
    Warn,
    /// The step ends with `error`, after all others were notified.
    Fail,
}

/// A user or team on GitHub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handle(String);

impl FromStr for Handle {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.strip_prefix('@').unwrap_or(text);
        let word =
            |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        let (first, rest) = name.split_once('/').map_or((name, None), |(first, rest)| (first, Some(rest)));
        if name.len() <= 140 && word(first) && rest.is_none_or(word) {
            Ok(Self(format!("@{name}")))
        } else {
            Err("must be a user or a team on GitHub, `@octocat` or `@org/team`".to_owned())
        }
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

input_value!(Handle, "a user or a team on GitHub", "@org/on-call");

/// A file of the workspace, by its path in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidencePath(pub String);

impl FromStr for EvidencePath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
        if plain && text.len() <= 1024 && leads_inside(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be a path in the workspace, of letters, digits and `._-/`: the output `evidence` of a step"
                .to_owned())
        }
    }
}

impl fmt::Display for EvidencePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

input_value!(EvidencePath, "a path in the workspace", "deploy-evidence/swap-alias-1.json");

/// The inputs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Notify {
    /// How the deployment ended: `${{ job.status }}`, or `${{ needs.<job>.result }}` in a job of its own. Before that, `started` or
    /// `waiting` for an approval.
    pub(super) status: Status,
    /// What was deployed: a version, `function=version` lines, a tag. Without it, what the record of this run says.
    pub(super) version: Option<Text>,
    /// What became of going back. Without it, what the records of this run say.
    pub(super) rollback: Option<RollbackResult>,
    /// One line of your own in every message.
    pub(super) text: Option<Text>,
    /// Outputs `evidence` of steps, one a line: what they found is added.
    pub(super) details: Option<Lines<EvidencePath>>,
    /// Who is notified besides, as a list in YAML: `to` (`slack`, `discord`, `teams`, `webhook`, `sns` or `pull-request`), `on`, `url`,
    /// `secret`, `topic-arn`, `mention`.
    pub(super) channels: Option<Channels>,
    /// The address of the channels that name none. Without `channels` it is a channel itself, of the service it belongs to.
    #[schemars(example = &"https://hooks.slack.com/services/T00000000/B00000000/abcdefghijklmnop")]
    pub(super) webhook_url: Option<Secret>,
    /// The key by which messages to a `webhook` are signed, at least 16 characters.
    #[schemars(example = &"0123456789abcdef0123456789abcdef")]
    pub(super) webhook_secret: Option<Secret>,
    /// The topic of the channels `sns` that name none. Without `channels` it is a channel itself.
    pub(super) topic_arn: Option<TopicArn>,
    /// Who is mentioned in the issue about a failure, one a line.
    pub(super) mention: Option<Lines<Handle>>,
    /// Whether a failure opens an issue.
    #[serde(default = "yes")]
    pub(super) issue: Flag,
    /// Where the issue is. Without it, the repository of the workflow. Another one takes a `token` that may write issues there.
    pub(super) issue_repository: Option<RepositoryName>,
    /// What a message that cannot be delivered does to this step.
    #[serde(default)]
    pub(super) on_error: OnError,
}

fn yes() -> Flag {
    Flag(true)
}

impl Notify {
    /// The repository that has the issue.
    pub(super) async fn tracker(&self, cx: &Context) -> anyhow::Result<Github> {
        let github = cx.github().await?;
        Ok(self.issue_repository.as_ref().map_or_else(|| github.clone(), |repository| github.of(repository)))
    }
}

impl Inputs for Notify {
    fn check(&self, problems: &mut Problems) {
        if let Some(Err(error)) = self.webhook_url.as_ref().map(|url| Address::new(url.expose())) {
            problems.add(format!("input `webhook-url` {error}"));
        }
        problems.add_if(
            self.webhook_secret.as_ref().is_some_and(|secret| secret.expose().len() < super::channels::SHORTEST_KEY),
            "input `webhook-secret` must have at least 16 characters",
        );
        for one in self.recipients() {
            if let Err(why) = one.channel.fits() {
                problems.add(format!("inputs `channels` and `webhook-url`: {}: {why}", one.name));
            }
        }
        problems.add_if(
            !self.issue.0 && (self.mention.is_some() || self.issue_repository.is_some()),
            "inputs `mention` and `issue-repository` are about the issue, and `issue` is `false`",
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

    #[test]
    fn evidence_lies_in_the_workspace() {
        for good in ["deploy-evidence/swap-alias-1.json", "a..b/c.json"] {
            assert!(good.parse::<EvidencePath>().is_ok(), "{good}");
        }
        for wrong in ["/etc/passwd", "../x.json", "a/../../x", "", "a/.."] {
            assert!(wrong.parse::<EvidencePath>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(
            text in like(&["@org/on-call", "octocat", "deploy-evidence/swap-alias-1.json", "@a/../b"]),
        ) {
            reads_plainly::<Handle>(&text);
            reads_plainly::<EvidencePath>(&text);
        }
    }
}
