//! What the server does with a request.

use std::io;

use serde_json::json;

use super::answer::Answer;
use super::gate;
use super::handlers::oidc;
use super::inner::Inner;
use crate::wire::{Call, Service, Traffic};

impl Service for Inner {
    const READS_AHEAD: bool = true;

    fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    async fn perform(&self, call: &mut Call) -> io::Result<Answer> {
        Ok(match oidc::answer(self, &call.request).await {
            Some(answer) => answer,
            None => gate::perform(&mut self.state(), &call.request),
        })
    }

    fn failure(&self, status: u16, _: Option<&str>) -> Answer {
        Answer::json(status, &json!({"message": "Server Error"}))
    }

    fn finish(&self, answer: Answer, number: u64) -> Answer {
        // They look as GitHub's do: `0400:1F2E:..`.
        let id = format!("{:04X}:{:04X}:{number:06X}", number % 0xFFFF, (number * 7) % 0xFFFF);
        answer
            .header("server", "github.com")
            .header("x-github-media-type", "github.v3; format=json")
            .header("x-github-request-id", id)
    }
}
