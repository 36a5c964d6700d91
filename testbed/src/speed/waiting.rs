//! How a play waited for Lambda's update, read from the request log of the local AWS: no clock but the server's.

use anyhow::{Context as _, Result};

use crate::aws::Request;

/// One wait.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Waited {
    /// Seconds from the update's end to the answer that told it: what the server said last before anything else was asked. The
    /// end is counted from the arrival of the update, so this is some milliseconds too long, for everybody.
    pub(super) late: f64,
    /// How often was asked whether it had ended.
    pub(super) polls: u32,
}

/// The wait after the update of the code, which took this many seconds.
pub(super) fn of(requests: &[Request], update_seconds: f64) -> Result<Waited> {
    let sent = requests.iter().position(|request| request.operation == "UpdateFunctionCode");
    let sent = sent.context("no code was updated")?;
    let looks = |request: &&Request| matches!(&*request.operation, "GetFunction" | "GetFunctionConfiguration");
    let polls: Vec<&Request> = requests[sent + 1..].iter().take_while(looks).collect();
    let last = polls.last().context("nobody asked whether the update had ended")?;
    let told = last.time + last.seconds.unwrap_or_default();
    Ok(Waited { late: told - (requests[sent].time + update_seconds), polls: u32::try_from(polls.len())? })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(time: f64, operation: &str) -> Request {
        let text = |name: &str| (name.to_owned(), json!(""));
        let mut request: serde_json::Map<_, _> =
            ["access_key", "algorithm", "service", "method", "host", "path", "query", "user_agent", "body"]
                .map(text)
                .into_iter()
                .collect();
        request.extend([
            ("number".to_owned(), json!(1)),
            ("time".to_owned(), json!(time)),
            ("params".to_owned(), json!({})),
        ]);
        request.extend([("operation".to_owned(), json!(operation)), ("by_rule".to_owned(), json!(false))]);
        request.extend([
            ("seconds".to_owned(), json!(0.25)),
            ("status".to_owned(), json!(200)),
            ("fault".to_owned(), json!(null)),
        ]);
        serde_json::from_value(request.into()).unwrap()
    }

    #[test]
    fn a_wait_ends_with_the_last_look_before_anything_else() {
        let requests = [
            request(10.0, "GetFunction"),
            request(10.5, "UpdateFunctionCode"),
            request(11.0, "GetFunctionConfiguration"),
            request(14.0, "GetFunctionConfiguration"),
            request(15.0, "PublishVersion"),
            request(16.0, "GetFunction"),
        ];
        assert_eq!(of(&requests, 3.0).unwrap(), Waited { late: 0.75, polls: 2 });
        assert!(of(&requests[..1], 3.0).is_err());
    }
}
