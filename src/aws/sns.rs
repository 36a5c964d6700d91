//! SNS: one message to a topic. SDK types do not leave this module.

use std::fmt;
use std::str::FromStr;

use anyhow::Result;
use aws_sdk_sns::Client;
use aws_sdk_sns::config::Region;

use crate::action::inputs::{AccountId, input_value};
use crate::aws::{Aws, AwsError};
use crate::calls::retry::Kind;

/// SNS takes subjects of fewer characters than this (<https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>).
pub const SUBJECT: usize = 100;

/// A topic, by its ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicArn {
    arn: String,
    region: String,
    account: AccountId,
}

impl TopicArn {
    /// Whose topic it is.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.account
    }

    /// Whether messages of a group arrive in order, and once.
    #[must_use]
    pub fn is_fifo(&self) -> bool {
        self.arn.strip_suffix(".fifo").is_some()
    }
}

impl FromStr for TopicArn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "must be the ARN of an SNS topic, `arn:aws:sns:<region>:<account>:<name>`".to_owned();
        let word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        match text.split(':').collect::<Vec<_>>().as_slice() {
            ["arn", partition, "sns", region, account, name]
                if partition.starts_with("aws")
                    && word(partition)
                    && word(region)
                    && word(name.strip_suffix(".fifo").unwrap_or(name)) =>
            {
                let account = account.parse().map_err(|_no_account| wrong())?;
                Ok(Self { arn: text.to_owned(), region: (*region).to_owned(), account })
            }
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for TopicArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arn)
    }
}

input_value!(TopicArn, "the ARN of an SNS topic", "arn:aws:sns:eu-west-1:111122223333:deployments");

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// One line of printable ASCII, shorter than [`SUBJECT`].
    pub subject: String,
    /// The text, at most 256 KiB.
    pub text: String,
    /// Of a FIFO topic: messages of a group keep their order.
    pub group: String,
    /// Of a FIFO topic: the same message within five minutes is taken once.
    pub deduplication: String,
}

/// Publishes a message, in the topic's own region. Sent again only to a FIFO topic, which takes it once.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
pub async fn publish(aws: &Aws, topic: &TopicArn, message: &Message) -> Result<()> {
    let region = Region::new(topic.region.clone());
    let client = Client::from_conf(aws_sdk_sns::config::Builder::from(aws.config()).region(region).build());
    let fifo = |value: &String| topic.is_fifo().then(|| value.clone());
    let kind = if topic.is_fifo() { Kind::Repeatable } else { Kind::Once };
    aws.calls()
        .record("publish to the SNS topic", kind, async || {
            let call = client
                .publish()
                .topic_arn(&topic.arn)
                .subject(&message.subject)
                .message(&message.text)
                .set_message_group_id(fifo(&message.group))
                .set_message_deduplication_id(fifo(&message.deduplication));
            call.send().await.map(|_id| ()).map_err(|error| AwsError::new("sns:Publish", &error))
        })
        .await
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

    #[test]
    fn only_topics_are_topics() {
        let topic: TopicArn = "arn:aws:sns:eu-west-1:111122223333:deploys.fifo".parse().unwrap();
        assert!(topic.is_fifo());
        for wrong in [
            "deploys",
            "arn:aws:sqs:eu-west-1:111122223333:deploys",
            "arn:aws:sns:eu-west-1:111122223333:",
            "arn:aws:sns:eu-west-1:1111:deploys",
            "arn:aws:sns:eu-west-1:111122223333:a:subscription",
        ] {
            assert!(wrong.parse::<TopicArn>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(
            text in like(&["arn:aws:sns:eu-west-1:111122223333:deployments", "arn:aws-cn:sns:x:111122223333:a.fifo"]),
        ) {
            reads_plainly::<TopicArn>(&text);
        }
    }
}
