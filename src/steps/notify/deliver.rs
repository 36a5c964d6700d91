//! The channels: each is told by itself.

use anyhow::{Context as _, Result};
use http::HeaderMap;
use serde_json::Value;
use time::OffsetDateTime;

use super::channels::{Channel, Service};
use super::inputs::Notify;
use super::notification::Notification;
use super::{discord, payload, slack, teams};
use crate::aws::sns;
use crate::context::Context;
use crate::net::webhook::{self, Address, Failure, HookError};
use crate::text::message_str;

/// A channel with everything it takes.
#[derive(Debug)]
pub(super) struct Recipient {
    /// `slack`, and `slack-2` for the second.
    pub(super) name: String,
    pub(super) channel: Channel,
}

impl Notify {
    /// All channels; those that name no address, key or topic have the inputs'.
    pub(super) fn recipients(&self) -> Vec<Recipient> {
        let url = || self.webhook_url.as_ref().and_then(|url| Address::new(url.expose()).ok());
        let alone = || {
            let topic = self.topic_arn.as_ref().map(|_| Service::Sns);
            url().map(|url| Service::of(&url)).into_iter().chain(topic).map(Channel::plain).collect()
        };
        let mut channels = self.channels.as_ref().map_or_else(alone, |channels| channels.0.clone());
        for channel in &mut channels {
            let takes_url = !matches!(channel.to, Service::Sns | Service::PullRequest);
            channel.url = channel.url.take().or_else(url).filter(|_| takes_url);
            channel.secret = channel.secret.take().or_else(|| self.webhook_secret.clone());
            channel.topic =
                channel.topic.take().or_else(|| self.topic_arn.clone()).filter(|_| channel.to == Service::Sns);
        }
        let name = |place: usize, channel: &Channel| match channels[..place]
            .iter()
            .filter(|before| before.to == channel.to)
            .count()
        {
            0 => channel.to.name().to_owned(),
            before => format!("{}-{}", channel.to.name(), before + 1),
        };
        let named: Vec<String> = channels.iter().enumerate().map(|(place, channel)| name(place, channel)).collect();
        named.into_iter().zip(channels).map(|(name, channel)| Recipient { name, channel }).collect()
    }
}

impl Recipient {
    /// Sends its message.
    pub(super) async fn send(&self, cx: &Context, news: &Notification) -> Result<()> {
        let what = format!("notify {}", self.name);
        if self.channel.to == Service::Sns {
            let topic = self.channel.topic.as_ref().context("there is no topic: give `topic-arn`")?;
            return sns::publish(&cx.aws().await?, topic, &payload::mail(news)).await;
        }
        let address = self.channel.url.as_ref().context(message_str!(
            "channel-without-address",
            "there is no address: give `url` in the channel, or `webhook-url`; a secret that is not set here is empty"
        ))?;
        let (body, key) = match self.channel.to {
            Service::Slack if self.channel.is_slack_workflow() => (slack::flat(news), None),
            Service::Slack => (slack::message(news, &self.channel.mention), None),
            Service::Discord => (discord::message(news, &self.channel.mention), None),
            Service::Teams => (teams::message(news), None),
            _ => (payload::body(news), self.channel.secret.as_ref()),
        };
        let body = body.to_string();
        let headers = || match self.channel.to {
            Service::Webhook => {
                let now = OffsetDateTime::now_utc().unix_timestamp();
                payload::headers(&body, &payload::delivery(news), key, now)
            }
            _ => HeaderMap::new(),
        };
        let delivered = |status: u16, answer: &Value, text: &str| says_delivered(self.channel.to, status, answer, text);
        webhook::post(&cx.calls, &what, address, &body, headers, delivered).await.map_err(with_fix)
    }
}

/// Whether a good answer of a service is the one that it gives when a message was delivered. A proxy or a login page in between
/// answers 200 as well.
/// <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>,
/// <https://docs.discord.com/developers/resources/webhook#execute-webhook>
fn says_delivered(to: Service, status: u16, answer: &Value, text: &str) -> bool {
    match to {
        Service::Slack => text == "ok" || answer["ok"] == true || answer["success"] == true,
        Service::Discord => status == 204 || answer["id"].is_string(),
        // Power Automate accepts, and the older webhooks say 1.
        Service::Teams => status == 202 || text == "1",
        _ => true,
    }
}

/// Discord's number for a forum, in which a message needs a thread.
/// <https://docs.discord.com/developers/topics/opcodes-and-status-codes#json>
const FORUM: i64 = 220_001;

/// Adds what to do about it, where that is known.
fn with_fix(error: anyhow::Error) -> anyhow::Error {
    let hook = error.chain().find_map(|cause| cause.downcast_ref::<HookError>());
    let (kind, code) = (hook.map(|error| error.kind), hook.and_then(|error| error.code));
    match kind {
        Some(Failure::Refused(_)) if code == Some(FORUM) => error.context(message_str!(
            "channel-is-forum",
            "the channel is a forum: add `?thread_id=<the id of a thread>` to the address"
        )),
        Some(Failure::Refused(401 | 403 | 404 | 410)) => error.context(message_str!(
            "address-gone",
            "the address is not good any more: make a new webhook and store its address in the secret"
        )),
        Some(Failure::Limited(_)) => error.context(message_str!(
            "pause-too-long",
            "the service asks for a longer pause than is left of this step's time"
        )),
        _ => error,
    }
}
