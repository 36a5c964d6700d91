//! Topics, and what was published to them: each has a queue that everything arrives in.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::Account;

/// A message as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub message: String,
}

impl Account {
    /// Makes a topic, and a queue of its name that gets its messages; the topic's ARN. A name that ends with `.fifo` makes a FIFO
    /// topic.
    ///
    /// # Errors
    ///
    /// AWS refuses.
    pub async fn create_topic(&self, name: &str) -> Result<String> {
        let arn = format!("arn:aws:sns:{}:{}:{name}", self.region(), self.id);
        let fifo = [("Attributes.entry.1.key", "FifoTopic"), ("Attributes.entry.1.value", "true")];
        let is_fifo = name.strip_suffix(".fifo").is_some();
        let attributes = if is_fifo { &fifo[..] } else { &[] };
        let named: Vec<(&str, &str)> = [("Name", name)].iter().chain(attributes).copied().collect();
        self.query("sns", "CreateTopic", &named).await?.ok()?;
        let attributes = if is_fifo { json!({"FifoQueue": "true"}) } else { json!({}) };
        self.sqs("CreateQueue", &json!({"QueueName": name, "Attributes": attributes})).await?;
        let queue = format!("arn:aws:sqs:{}:{}:{name}", self.region(), self.id);
        let subscribed = [("TopicArn", arn.as_str()), ("Protocol", "sqs"), ("Endpoint", &queue)];
        self.query("sns", "Subscribe", &subscribed).await?.ok()?;
        Ok(arn)
    }

    /// What was published to a topic and not asked for before.
    ///
    /// # Errors
    ///
    /// AWS refuses.
    pub async fn published(&self, topic: &str) -> Result<Vec<Published>> {
        let url = self.sqs("GetQueueUrl", &json!({"QueueName": topic})).await?["QueueUrl"].clone();
        let taken = self.sqs("ReceiveMessage", &json!({"QueueUrl": url, "MaxNumberOfMessages": 10})).await?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let messages = taken["Messages"].as_array().into_iter().flatten();
        messages
            .map(|one| {
                let envelope: Value = serde_json::from_str(&text(&one["Body"])).context("read a message of SNS")?;
                Ok(Published { subject: text(&envelope["Subject"]), message: text(&envelope["Message"]) })
            })
            .collect()
    }

    async fn sqs(&self, action: &str, body: &Value) -> Result<Value> {
        Ok(self.json_service("sqs", &format!("AmazonSQS.{action}"), body).await?.ok()?.json())
    }
}
