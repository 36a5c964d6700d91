//! What a test says about CloudWatch and Logs of its account: datapoints, log events, alarms, and the clock by which they are seen.
//! `testbed/fidelity/control_watch.py` lists the fields.

use std::time::SystemTime;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::{Account, Settings};

impl Account {
    /// Lets so many seconds pass for what is published and ingested, and for what happens in ECS, CodeBuild, ECR and CloudFront, and for
    /// nothing else.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn advance(&self, seconds: f64) -> Result<()> {
        self.watch("POST", "clock", &json!({"advance": seconds})).await?;
        Ok(())
    }

    /// Sets the clock of this AWS forward, by less than a minute, to where a minute ends in so many seconds: metrics are told by the minute, and
    /// whole ones only. `ahead` is how many seconds it is ahead already; the answer, how many it is then. Other settings stay.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn end_minute_in(&self, seconds: u64, ahead: u64) -> Result<u64> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs() + ahead;
        let ahead = ahead + (120 - seconds - now % 60) % 60;
        #[expect(clippy::cast_precision_loss, reason = "some minutes")]
        let shift = ahead as f64;
        self.settings(&Settings { clock_shift: Some(shift), ..Settings::default() }).await?;
        Ok(ahead)
    }

    /// Puts series of datapoints, such as `{"function": "app", "alias": "live", "version": "3", "metric": "Errors", "at": -240,
    /// "values": [1, 0], "late": 150}`.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn put_metrics(&self, series: &Value) -> Result<()> {
        self.watch("POST", "metrics", series).await?;
        Ok(())
    }

    /// Forgets all datapoints.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn clear_metrics(&self) -> Result<()> {
        self.watch("DELETE", "metrics", &Value::Null).await?;
        Ok(())
    }

    /// What `GetMetricData` answers for some queries, such as `[{"status": "Forbidden", "times": null, "match": "Errors"}]`.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn metric_status(&self, rules: &Value) -> Result<()> {
        self.watch("POST", "metric-status", rules).await?;
        Ok(())
    }

    /// Puts log events, such as `{"function": "app", "version": "3", "lines": ["one"]}` or `{.., "init-error": "nodejs"}`, and answers
    /// the stream they are in; an empty text if there are none, and only the group was made.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn put_logs(&self, data: &Value) -> Result<String> {
        let put = self.watch("POST", "logs", data).await?;
        Ok(put["stream"].as_str().unwrap_or_default().to_owned())
    }

    /// Removes a log group.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn delete_log_group(&self, group: &str) -> Result<()> {
        self.watch("DELETE", &format!("logs?group={}", crate::wire::encode(group)), &Value::Null).await?;
        Ok(())
    }

    /// Adds alarms or changes those of these names, such as `[{"name": "errors", "type": "metric", "state": "OK"}]`.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn put_alarms(&self, alarms: &Value) -> Result<()> {
        self.watch("POST", "alarms", alarms).await?;
        Ok(())
    }

    /// Puts rules that mute alarms, such as `[{"name": "night", "alarms": ["errors"]}]`.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn put_mutes(&self, rules: &Value) -> Result<()> {
        self.watch("POST", "mutes", rules).await?;
        Ok(())
    }

    async fn watch(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        self.control(method, &format!("accounts/{}/{path}", self.id), body).await.context("steer CloudWatch")
    }
}
