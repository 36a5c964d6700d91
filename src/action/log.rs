//! The log: one plain line per event, for the runner on standard output. Whatever a line holds, it cannot issue a command and shows no
//! secret, because every line passes through [`Lines`].

use std::io::{self, Write};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use super::screen;

/// Starts the log. With `debug` (the runner's "step debug logging") libraries are heard too.
pub fn init(debug: bool) {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(if debug { Level::DEBUG } else { Level::INFO })
        .event_format(Plain { debug })
        .with_writer(Lines)
        .finish();
    // Only tests that call this twice in a process get an error here, and the first subscriber serves them as well.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Our own lines as they are; those of libraries only when debugging, with level and origin.
#[derive(Debug)]
struct Plain {
    debug: bool,
}

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        let metadata = event.metadata();
        if !metadata.target().starts_with("deploy_action") {
            if !self.debug {
                return Ok(());
            }
            write!(writer, "{} {}: ", metadata.level(), metadata.target())?;
        }
        context.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// The writer that makes lines harmless.
#[derive(Clone, Copy, Debug)]
struct Lines;

impl Write for Lines {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        screen::write(&screen::harmless(&String::from_utf8_lossy(buffer)));
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        screen::flush();
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self::Writer {
        *self
    }
}
