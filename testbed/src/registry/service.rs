//! What the servers do with a request.

use std::io;

use super::answer::refusal;
use super::inner::Inner;
use super::routes;
use crate::wire::{Answer, Call, Service, Traffic};

impl Service for Inner {
    /// Blobs may be large.
    const READS_AHEAD: bool = false;

    fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    async fn perform(&self, call: &mut Call) -> io::Result<Answer> {
        match routes::perform(self, call).await {
            // What a request becomes whose body broke off.
            answer if answer.status == 499 => Err(io::ErrorKind::ConnectionReset.into()),
            answer => Ok(answer),
        }
    }

    fn failure(&self, status: u16, code: Option<&str>) -> Answer {
        refusal(status, code.unwrap_or("UNKNOWN"), "a fault of the testbed")
    }

    fn finish(&self, answer: Answer, _: u64) -> Answer {
        answer.header("docker-distribution-api-version", "registry/2.0")
    }
}
