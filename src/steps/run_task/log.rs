//! Reads the log of a task while it runs and after it: each line once, and in order.

use std::time::Duration;

use anyhow::Result;

use super::inputs::ShownLog;
use super::said::Said;
use super::seen::LogPlace;
use crate::aws::{Kind, console, refusal};
use crate::calls::{Ended, error_line};
use crate::context::Context;
use crate::text::{Foreign, LONGEST};

/// So many looks after the end that find nothing new: it is whole.
const QUIET: u32 = 3;
/// A stream that is not there may appear so long after the end.
const LATE: Duration = Duration::from_secs(30);
/// Between two looks after the end.
const PAUSE: Duration = Duration::from_millis(700);

/// Says where the log is, once.
pub(super) async fn note_log(cx: &Context, place: Option<&LogPlace>) -> Result<()> {
    let Some(LogPlace::Stream { group, stream }) = place else { return Ok(()) };
    let url = console::log_stream(cx.aws().await?.region(), group, stream);
    if cx.report.snapshot().outputs.get("log-url") != Some(&url) {
        tracing::info!("its log: {url}");
        cx.report.output("log-url", url);
    }
    Ok(())
}

/// How far a log has been read.
#[derive(Debug)]
pub(super) struct Reader {
    shown: ShownLog,
    next: Option<String>,
    /// Whether the stream is there.
    is_found: bool,
    /// Why nothing of it is read any more.
    pub(super) given_up: Option<String>,
    /// What was read.
    pub(super) said: Said,
}

impl Reader {
    pub(super) fn new(shown: ShownLog) -> Self {
        let given_up = (shown == ShownLog::Off).then(|| "`logs: off`".to_owned());
        Self { shown, next: None, is_found: false, given_up, said: Said::default() }
    }

    /// Reads what is new, and answers whether anything was. Where the log cannot be read, it is given up with a warning: how the task ended
    /// is told by its exit code.
    ///
    /// # Errors
    /// The deadline passed, or the step was cancelled.
    pub(super) async fn read(&mut self, cx: &Context, place: Option<&LogPlace>) -> Result<bool> {
        if self.given_up.is_some() {
            return Ok(false);
        }
        let (group, stream) = match place {
            None => return Ok(false),
            Some(LogPlace::Stream { group, stream }) => (group, stream),
            Some(LogPlace::Elsewhere(why)) => {
                cx.report
                    .warn(format!("the log of the task is not shown here: it has {why}; what it says is not read"));
                self.given_up = Some(why.clone());
                return Ok(false);
            }
        };
        let mut is_new = false;
        loop {
            let page = match cx.logs().await?.stream(group, stream, self.next.as_deref()).await {
                Ok(Some(page)) => page,
                Ok(None) => return Ok(is_new),
                Err(error) if error.chain().any(|cause| cause.downcast_ref::<Ended>().is_some()) => return Err(error),
                Err(error) => {
                    let why = error_line(&error);
                    let fix = match refusal(&error).map(|refused| refused.kind) {
                        Some(Kind::Denied) => "; allow logs:GetLogEvents to see it here",
                        _ => "",
                    };
                    cx.report.warn(format!("the log of the task could not be read: {why}{fix}"));
                    self.given_up = Some(why);
                    return Ok(is_new);
                }
            };
            self.is_found = true;
            for event in &page.events {
                is_new = true;
                event.message.raw().lines().for_each(|line| self.take(&Foreign::new(line)));
            }
            // The token of a page that was the last for now is the one that was sent.
            if page.next.is_none() || page.next == self.next {
                return Ok(is_new);
            }
            self.next = page.next;
        }
    }

    /// Takes a line.
    pub(super) fn take(&mut self, line: &Foreign) {
        if self.shown == ShownLog::Stream && !line.is_empty() {
            tracing::info!("  | {}", line.for_message(LONGEST));
        }
        self.said.line(line);
    }

    /// Reads the rest after the end. `has_run`: whether there must be a log.
    ///
    /// # Errors
    /// The step was cancelled.
    pub(super) async fn read_rest(&mut self, cx: &Context, place: Option<&LogPlace>, has_run: bool) -> Result<()> {
        let deadline = cx.calls.deadline.renew(LATE);
        let cx = &cx.with_deadline(deadline.clone());
        let mut quiet = 0;
        loop {
            let is_new = match self.read(cx, place).await {
                // In the middle of a look as between two: what was read so far is all there is.
                Err(error) if Ended::by_deadline(&error) => return Ok(()),
                read => read?,
            };
            quiet = if is_new { 0 } else { quiet + 1 };
            let is_whole = if self.is_found { quiet >= QUIET } else { !has_run };
            if self.given_up.is_some() || place.is_none() || is_whole {
                return Ok(());
            }
            match deadline.sleep(PAUSE).await {
                Ok(()) => {}
                Err(Ended::Deadline) => return Ok(()),
                Err(cancelled) => return Err(cancelled.into()),
            }
        }
    }
}
