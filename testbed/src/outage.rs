//! A counterpart that fails from here on, for the whole run: not at one request, as a fault does.

use anyhow::Result;
use serde_json::json;

use crate::{aws, github};

/// How it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// It accepts the connection and never answers.
    Hangs,
    /// It closes every connection.
    Refuses,
    /// It limits the rate, and names an end that is far away.
    Limits,
}

impl Outage {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Hangs, Self::Refuses, Self::Limits];
}

impl github::LocalGithub {
    /// The API fails so from here on; the token service of OIDC does not.
    ///
    /// # Errors
    ///
    /// Never: the rule is a good one.
    pub fn fails(&self, outage: Outage) -> Result<()> {
        let all = github::Fault::on("*", "/repos/")?.always();
        self.fault(match outage {
            Outage::Hangs => all.hold(),
            Outage::Refuses => all.cut(github::Cut::Reset),
            Outage::Limits => all
                .status(403)
                .header("x-ratelimit-remaining", "0")
                .header("x-ratelimit-reset", "4102444800")
                .body(json!({"message": "API rate limit exceeded"})),
        });
        Ok(())
    }
}

impl aws::Account {
    /// A service (`ecr`, `s3`, `registry`, ..) fails so from here on.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn fails(&self, service: &str, outage: Outage) -> Result<()> {
        let all = aws::Fault { service: Some(service.to_owned()), times: u32::MAX, ..aws::Fault::default() };
        let rule = match outage {
            Outage::Hangs => aws::Fault { hold: true, ..all },
            Outage::Refuses => aws::Fault { drop: true, ..all },
            Outage::Limits => {
                let code = Some("ThrottlingException".to_owned());
                aws::Fault { status: Some(400), code, retry_after: Some(100), ..all }
            }
        };
        self.faults(&[rule]).await
    }
}
