//! The program's own log, on standard error.
//!
//! In: what the configuration says of format and filter. Out: one line an event, for people where a terminal
//! listens, as JSON otherwise. Event content is hostile: whatever could break a line or steer a terminal is
//! written as an escape. Secrets never get here: their types do not show them.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::debug_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{Log, LogFormat};
use crate::domain::harmless::{harmless, steers};

/// What is logged when neither the configuration nor `RUST_LOG` says. The libraries below tell every retry.
const DEFAULT_FILTER: &str = "info,sqlx=warn,hyper=warn,rdkafka=warn,librdkafka=warn,datafusion=warn";

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("`{filter}` is no filter for the log: {cause}; write `info` or `keyward=debug,warn`")]
    Filter { filter: String, cause: String },
    #[error("the log is set up already")]
    Twice,
}

/// Sets the log up for the whole process. `environment` is the value of `RUST_LOG`, which holds where the
/// configuration names no filter.
///
/// # Errors
/// Where the filter is wrong, or it was set up before.
pub fn start(log: &Log, environment: Option<String>) -> Result<(), LogError> {
    let filter = filter(log, environment)?;
    let person = io::stderr().is_terminal();
    let subscriber = tracing_subscriber::registry().with(layer(log.format, person, io::stderr)).with(filter);
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LogError::Twice)
}

fn filter(log: &Log, environment: Option<String>) -> Result<EnvFilter, LogError> {
    let environment = environment.filter(|text| !text.is_empty());
    let text = log.filter.clone().or(environment).unwrap_or_else(|| DEFAULT_FILTER.to_owned());
    EnvFilter::try_new(&text).map_err(|error| LogError::Filter { filter: text, cause: error.to_string() })
}

/// Writes each event as one line to what `output` makes; `person` says whether one watches.
pub fn layer<S, O, W>(format: LogFormat, person: bool, output: O) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    O: Fn() -> W + Send + Sync + 'static,
    W: Write + 'static,
{
    let pretty = match format {
        LogFormat::Auto => person,
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    if !pretty {
        let json = tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false);
        return json.with_writer(JsonLines(output)).boxed();
    }
    let fields = debug_fn(|writer, field, value| {
        let text = format!("{value:?}");
        match field.name() {
            "message" => write!(writer, "{}", harmless(&text)),
            name => write!(writer, "{name}={}", harmless(&text)),
        }
    });
    let fields = tracing_subscriber::field::MakeExt::delimited(fields, " ");
    tracing_subscriber::fmt::layer().fmt_fields(fields).with_ansi(person).with_writer(output).boxed()
}

/// Makes writers that escape what JSON leaves as it is: DEL, the upper control characters, and the marks
/// that turn the reading direction.
struct JsonLines<O>(O);

/// Takes one whole line at a time, which is how events are written.
struct JsonLine<W>(W);

impl<'w, O, W> MakeWriter<'w> for JsonLines<O>
where
    O: Fn() -> W,
    W: Write,
{
    type Writer = JsonLine<W>;

    fn make_writer(&'w self) -> Self::Writer {
        JsonLine((self.0)())
    }
}

impl<W: Write> Write for JsonLine<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let (line, end) = text.strip_suffix('\n').map_or((text.as_ref(), ""), |line| (line, "\n"));
        self.0.write_all(format!("{}{end}", escaped(line)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// JSON whose strings hold nothing that steers. Outside of strings JSON has no such character.
fn escaped(line: &str) -> String {
    let mut safe = String::with_capacity(line.len());
    for character in line.chars() {
        if steers(character) {
            // Writing into a string cannot fail; all of these are in the basic plane.
            let _ = write!(safe, "\\u{:04x}", u32::from(character));
        } else {
            safe.push(character);
        }
    }
    safe
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
