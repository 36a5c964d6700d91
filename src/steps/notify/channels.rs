//! Who is told besides GitHub: a list in YAML.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::notification::Notification;
use super::status::Status;
use crate::action::inputs::{Yaml, input_value, mapping, parse, texts};
use crate::aws::sns::TopicArn;
use crate::net::webhook::Address;
use crate::text::secrets::Secret;

/// The most channels.
const MOST: usize = 20;
/// The fewest characters of a key that signs: fewer are guessed.
pub(super) const SHORTEST_KEY: usize = 16;

/// A kind of channel.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Service {
    Slack,
    Discord,
    Teams,
    Webhook,
    Sns,
    PullRequest,
}

/// Hosts of Teams: its own webhooks, and those of Power Automate, to which they moved.
/// <https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook>
const TEAMS: [&str; 5] =
    [".webhook.office.com", ".logic.azure.com", ".powerplatform.com", ".logic.azure.us", ".powerplatform.us"];

impl Service {
    /// Whose service an address belongs to.
    pub(super) fn of(address: &Address) -> Self {
        match address.host() {
            "hooks.slack.com" | "hooks.slack-gov.com" => Self::Slack,
            // Discord takes what is meant for Slack at addresses that end so.
            "discord.com" | "discordapp.com" | "ptb.discord.com" | "canary.discord.com" => {
                if address.path().ends_with("/slack") { Self::Slack } else { Self::Discord }
            }
            "outlook.office.com" => Self::Teams,
            host if TEAMS.iter().any(|end| host.ends_with(end)) => Self::Teams,
            _ => Self::Webhook,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Teams => "teams",
            Self::Webhook => "webhook",
            Self::Sns => "sns",
            Self::PullRequest => "pull-request",
        }
    }
}

/// What a channel is told.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum On {
    /// What did not succeed.
    Failure,
    /// What succeeded.
    Success,
    /// What ended otherwise than the time before.
    Change,
    /// Everything, also what has not ended yet.
    #[default]
    Always,
}

impl On {
    /// Whether this is told.
    pub(super) fn wants(self, news: &Notification) -> bool {
        match self {
            Self::Failure => news.status.is_bad(),
            Self::Success => news.status == Status::Success,
            Self::Change => news.changed && news.status.is_end(),
            Self::Always => true,
        }
    }
}

/// Who is mentioned when a deployment fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mention {
    /// Everybody in the channel: `@here` or `@channel`, `@everyone`.
    All(&'static str),
    /// A user, by id.
    User(String),
    /// A group of users of Slack, a role of Discord, by id.
    Group(String),
}

/// One channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Channel {
    pub(super) to: Service,
    pub(super) on: On,
    pub(super) url: Option<Address>,
    pub(super) secret: Option<Secret>,
    pub(super) topic: Option<TopicArn>,
    pub(super) mention: Vec<Mention>,
}

/// A channel as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Written {
    to: Service,
    on: Option<On>,
    url: Option<String>,
    secret: Option<String>,
    #[serde(default, deserialize_with = "parse")]
    topic_arn: Option<TopicArn>,
    #[serde(default, deserialize_with = "texts")]
    mention: Vec<String>,
}

impl Channel {
    /// A channel that takes everything else from the inputs.
    pub(super) const fn plain(to: Service) -> Self {
        Self { to, on: On::Always, url: None, secret: None, topic: None, mention: Vec::new() }
    }

    fn read(value: Value) -> Result<Self, String> {
        let mut keys = match value {
            Value::String(word) => Map::from_iter([("to".to_owned(), Value::String(word))]),
            Value::Object(keys) => keys,
            _ => {
                return Err(
                    "must be a mapping of YAML, or `slack`, `discord`, `teams`, `webhook`, `sns` or `pull-request`"
                        .to_owned(),
                );
            }
        };
        // YAML 1.1 takes `on` for true; who writes it so means the same.
        if let Some(on) = keys.remove("true") {
            keys.insert("on".to_owned(), on);
        }
        // Blank is not given, as a secret that is not set.
        keys.retain(|_, value| value.as_str().is_none_or(|text| !text.trim().is_empty()));
        let written: Written = mapping(Value::Object(keys))?;
        let secret = written.secret.map(|secret| secret.trim().to_owned());
        if secret.as_ref().is_some_and(|secret| secret.len() < SHORTEST_KEY) {
            return Err("`secret` must have at least 16 characters".to_owned());
        }
        let url = written.url.map(|url| Address::new(url.trim())).transpose();
        let channel = Self {
            to: written.to,
            on: written.on.unwrap_or_default(),
            url: url.map_err(|error| format!("`url` {error}"))?,
            secret: secret.map(Secret::new),
            topic: written.topic_arn,
            mention: mentions(&written.mention, written.to)?,
        };
        channel.fits().map(|()| channel)
    }

    /// Whether it is the address of a workflow of Slack, which takes one flat text.
    /// <https://docs.slack.dev/workflows/>
    pub(super) fn is_slack_workflow(&self) -> bool {
        let begins = |url: &Address| ["/workflows/", "/triggers/"].iter().any(|path| url.path().starts_with(path));
        self.to == Service::Slack && self.url.as_ref().is_some_and(begins)
    }

    /// Nothing is given that would be passed over, and nothing goes to a service that would not understand it.
    pub(super) fn fits(&self) -> Result<(), String> {
        let sns = self.to == Service::Sns;
        let takes_url = !sns && self.to != Service::PullRequest;
        let of_address = self.url.as_ref().map(Service::of).filter(|service| *service != Service::Webhook);
        match () {
            () if takes_url && self.to != Service::Webhook && of_address.is_some_and(|service| service != self.to) => {
                let service = of_address.map_or("", Service::name);
                Err(format!("`url` is an address of `{service}`, and `to` is `{}`", self.to.name()))
            }
            () if self.is_slack_workflow() && !self.mention.is_empty() => {
                Err("`mention` is not possible at the address of a workflow of Slack, which takes plain text"
                    .to_owned())
            }
            () if self.topic.is_some() && !sns => Err("`topic-arn` belongs to `sns`".to_owned()),
            () if self.url.is_some() && sns => Err("`sns` has a `topic-arn` and no `url`".to_owned()),
            () if self.url.is_some() && !takes_url => {
                Err("`pull-request` has no `url`: it is that of the event".to_owned())
            }
            () if self.secret.is_some() && self.to != Service::Webhook => {
                Err("`secret` belongs to `webhook`".to_owned())
            }
            () => Ok(()),
        }
    }
}

fn mentions(words: &[String], to: Service) -> Result<Vec<Mention>, String> {
    let wrong = || match to {
        Service::Slack => {
            "`mention` must be `here`, `channel`, a user id (`U..`) or a user group id (`S..`)".to_owned()
        }
        Service::Discord => "`mention` must be `here`, `everyone`, `user:<id>` or `role:<id>`".to_owned(),
        _ => "`mention` belongs to `slack` and `discord`".to_owned(),
    };
    words.iter().map(|word| mention(word.trim(), to).ok_or_else(wrong)).collect()
}

fn mention(word: &str, to: Service) -> Option<Mention> {
    let upper =
        |id: &str| (8..=20).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let digits = |id: &str| (8..=24).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit());
    match (to, word) {
        (Service::Slack | Service::Discord, "here") => Some(Mention::All("here")),
        (Service::Slack, "channel") => Some(Mention::All("channel")),
        (Service::Discord, "everyone") => Some(Mention::All("everyone")),
        (Service::Slack, id) if upper(id) && id.starts_with(['U', 'W']) => Some(Mention::User(id.to_owned())),
        (Service::Slack, id) if upper(id) && id.starts_with('S') => Some(Mention::Group(id.to_owned())),
        (Service::Discord, id) => {
            let user = id.strip_prefix("user:").filter(|id| digits(id)).map(|id| Mention::User(id.to_owned()));
            let role = id.strip_prefix("role:").filter(|id| digits(id)).map(|id| Mention::Group(id.to_owned()));
            user.or(role)
        }
        _ => None,
    }
}

/// The list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channels(pub(super) Vec<Channel>);

/// The shortest word of a list that could not be read that is taken for a secret.
const SUSPECT: usize = 20;

impl FromStr for Channels {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        remember_suspects(text);
        let list = Yaml::read(text).map_err(|error| format!("must be a list in YAML ({error})"))?;
        let Value::Array(items) = list.texts() else {
            return Err("must be a list in YAML, one channel an item".to_owned());
        };
        if items.is_empty() || items.len() > MOST {
            return Err(format!("must hold 1 to {MOST} channels"));
        }
        let channel = |(place, item)| Channel::read(item).map_err(|error| format!("channel {place}: {error}"));
        let channels = (1..).zip(items).map(channel);
        Ok(Self(channels.collect::<Result<_, _>>()?))
    }
}

/// Addresses and keys are secrets also where a list is written so that they cannot be found in it.
fn remember_suspects(text: &str) {
    for word in text.split(|c: char| c.is_whitespace() || "\"'{}[],".contains(c)) {
        let address = word.find("http").map(|at| &word[at..]).filter(|address| address.contains("://"));
        let word = address.unwrap_or(word);
        if word.len() >= SUSPECT && !word.starts_with("arn:") {
            Secret::new(word).remember();
        }
    }
}

impl fmt::Display for Channels {
    /// Without addresses and keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|channel| channel.to.name()).collect();
        write!(f, "[{}]", names.join(", "))
    }
}

input_value!(Channels, "a list in YAML", "- {to: slack, on: failure}");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};
    use crate::text::Foreign;

    #[test]
    fn a_list_is_read_as_it_is_written() {
        let list: Channels = "
- slack
- to: slack
  on: failure
  url: https://hooks.slack.com/services/T1/B1/x
  mention: [here, U12345678, S12345678]
- {to: discord, on: change, mention: 'role:123456789012345678'}
- {to: webhook, url: 'https://example.com/x', secret: 0123456789abcdef0}
- {to: sns, topic-arn: 'arn:aws:sns:eu-west-1:111122223333:deploys', on: success}
"
        .parse()
        .unwrap();
        let told: Vec<(Service, On)> = list.0.iter().map(|one| (one.to, one.on)).collect();
        assert_eq!(
            told,
            [
                (Service::Slack, On::Always),
                (Service::Slack, On::Failure),
                (Service::Discord, On::Change),
                (Service::Webhook, On::Always),
                (Service::Sns, On::Success)
            ]
        );
        assert_eq!(list.0[1].mention.len(), 3);
        assert_eq!(list.0[2].mention, [Mention::Group("123456789012345678".to_owned())]);
        let blank: Channels = "[{to: slack, url: ''}]".parse().unwrap();
        assert_eq!(blank.0, [Channel::plain(Service::Slack)]);
    }

    #[test]
    fn a_service_is_known_by_its_address() {
        let table = [
            ("https://hooks.slack.com/services/T1/B1/x", Service::Slack, false),
            ("https://hooks.slack.com/workflows/T1/A1/1/x", Service::Slack, true),
            ("https://hooks.slack.com/triggers/T1/1/x", Service::Slack, true),
            ("https://discord.com/api/webhooks/1/x?thread_id=2", Service::Discord, false),
            ("https://discord.com/api/webhooks/1/x/slack", Service::Slack, false),
            ("https://acme.webhook.office.com/webhookb2/x", Service::Teams, false),
            (
                "https://prod-01.westeurope.logic.azure.com:443/workflows/x/triggers/manual/paths/invoke",
                Service::Teams,
                false,
            ),
            ("https://default1.e4.environment.api.powerplatform.com:443/powerautomate/x", Service::Teams, false),
            ("https://webhook.office.com.example.com/x", Service::Webhook, false),
            ("https://example.com/workflows/x", Service::Webhook, false),
        ];
        for (url, service, is_workflow) in table {
            let address = Address::new(url).unwrap();
            assert_eq!(Service::of(&address), service, "{url}");
            let channel = Channel { url: Some(address), ..Channel::plain(service) };
            assert_eq!(channel.is_slack_workflow(), is_workflow, "{url}");
            assert_eq!(channel.fits(), Ok(()), "{url}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_and_no_secret_is() {
        let table = [
            ("slack", "must be a list"),
            ("[]", "must hold 1 to 20"),
            ("- slak", "channel 1: `to` must be"),
            ("- {to: slack, when: failure}", "channel 1: `when` is not known (known are `to`, `on`"),
            ("- {to: slack, urls: x}", "channel 1: `urls` is not known (did you mean `url`?)"),
            ("- {on: failure}", "channel 1: `to` must be given"),
            ("- {to: slack, url: [a]}", "channel 1: `url` must be text"),
            ("- {to: slack, on: sometimes}", "channel 1: `on` must be"),
            (
                "- slack\n- {to: sns, url: 'https://x.example.com/0123456789abcdef'}",
                "channel 2: `sns` has a `topic-arn`",
            ),
            ("- {to: slack, secret: 0123456789abcdef0}", "`secret` belongs to `webhook`"),
            ("- {to: webhook, secret: short-one}", "at least 16"),
            ("- {to: slack, topic-arn: 'arn:aws:sns:eu-west-1:111122223333:deploys'}", "belongs to `sns`"),
            ("- {to: slack, url: 'ftp://wrong.example.com/0123456789'}", "`url` must be an http"),
            ("- {to: slack, mention: everybody}", "`mention` must be `here`"),
            ("- {to: sns, mention: here}", "`mention` belongs"),
            ("- {to: pull-request, mention: here}", "`mention` belongs"),
            ("- {to: pull-request, url: 'https://hooks.slack.com/services/0123456789'}", "`pull-request` has no `url`"),
            ("- {to: teams, mention: here}", "`mention` belongs"),
            ("- {to: slack, url: 'https://x.webhook.office.com/webhookb2/0123456789'}", "is an address of `teams`"),
            ("- {to: teams, url: 'https://discord.com/api/webhooks/0123456789'}", "is an address of `discord`"),
            (
                "- {to: slack, mention: here, url: 'https://hooks.slack.com/triggers/0123456789'}",
                "`mention` is not possible",
            ),
            ("- [slack]", "must be a mapping"),
        ];
        for (text, said) in table {
            let error = text.parse::<Channels>().unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
            assert!(!error.contains("://"), "{error}");
        }
        let broken = "- {to: slack, url: https://hooks.slack.com/services/T1/B1/in-a-broken-list";
        let error = broken.parse::<Channels>().unwrap_err();
        assert!(error.starts_with("must be a list in YAML (unclosed bracket '{' at line 1 column 3"), "{error}");
        assert!(!Foreign::new(broken).for_message(1000).contains("in-a-broken-list"));
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_list_is_read_or_refused(
            text in like(&["- slack", "- {to: slack, on: failure, url: 'https://hooks.slack.com/services/a'}", "[sns]"]),
        ) {
            if let Ok(list) = text.parse::<Channels>() {
                reads_plainly::<Channels>(&list.to_string());
            }
        }
    }
}
