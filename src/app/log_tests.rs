use std::sync::{Arc, Mutex};

use super::*;

/// What is written, kept.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const HOSTILE: &str = "a\nb\u{1b}[2Jc\u{9b}d\u{202e}e\u{7f}\r\"";

/// The log of one event and its span, with hostile text in every place that takes text.
fn logged(format: LogFormat, person: bool) -> String {
    let kept = Kept::default();
    let output = kept.clone();
    let subscriber = tracing_subscriber::registry().with(layer(format, person, move || output.clone()));
    tracing::subscriber::with_default(subscriber, || {
        let _span = tracing::info_span!("reading", file = HOSTILE).entered();
        tracing::warn!(principal = %HOSTILE, quoted = HOSTILE, debugged = ?HOSTILE, "could not read {HOSTILE}");
    });
    String::from_utf8(kept.0.lock().unwrap().clone()).unwrap()
}

#[test]
fn no_event_breaks_its_line_or_steers_a_terminal() {
    for format in [LogFormat::Json, LogFormat::Pretty, LogFormat::Auto] {
        let text = logged(format, false);
        let line = text.strip_suffix('\n').unwrap();
        assert!(!line.is_empty() && !line.chars().any(steers), "{format:?} {line:?}");
    }
}

#[test]
fn the_only_escape_codes_on_a_terminal_are_our_colours() {
    let coloured = logged(LogFormat::Auto, true);
    let mut parts = coloured.trim_end().split("\u{1b}[");
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        let (code, rest) = part.split_once('m').unwrap();
        assert!(code.chars().all(|digit| digit.is_ascii_digit() || digit == ';'), "{coloured:?}");
        plain.push_str(rest);
    }
    assert!(coloured.contains("\u{1b}[") && !plain.chars().any(steers), "{plain:?}");
}

#[test]
fn a_line_of_json_is_json_and_holds_the_text_as_it_was() {
    let text = logged(LogFormat::Json, true);
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["principal"], HOSTILE);
    assert_eq!(line["level"], "WARN");
}

#[test]
fn the_filter_of_the_configuration_goes_before_that_of_the_environment() {
    let log = |filter: Option<&str>| Log { filter: filter.map(str::to_owned), ..Log::default() };
    let chosen = |log: &Log, environment: Option<&str>| {
        filter(log, environment.map(str::to_owned)).unwrap().to_string()
    };
    assert_eq!(chosen(&log(Some("warn")), Some("trace")), "warn");
    assert_eq!(chosen(&log(None), Some("trace")), "trace");
    assert!(chosen(&log(None), Some("")).contains("info"));
    let told = filter(&log(Some("keyward=loud")), None).unwrap_err().to_string();
    assert!(told.contains("keyward=loud"), "{told}");
}
