//! A progress bar for people who watch; nothing for programs.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::source::Progress;

/// How far a scan is.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    progress: Progress,
}

impl Bar {
    /// A bar over the stored bytes of the input; hidden unless `shown`.
    pub fn over(progress: Progress, shown: bool) -> Self {
        let bar = match (shown, progress.total()) {
            (false, _) => ProgressBar::hidden(),
            (true, Some(total)) => ProgressBar::new(total)
                .with_style(style("{bar:30} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left")),
            (true, None) => ProgressBar::new_spinner().with_style(style("{spinner} {bytes} {bytes_per_sec}")),
        };
        if shown {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self { bar, progress }
    }

    /// Looks how far reading is.
    pub fn moved(&self) {
        self.bar.set_position(self.progress.read());
    }

    /// Takes the bar off the screen.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// How many of something are done, where it is not known how many there are.
#[derive(Debug)]
pub struct Counter(ProgressBar);

impl Counter {
    /// A counter of `what`; hidden unless `shown`.
    pub fn new(what: &'static str, shown: bool) -> Self {
        if !shown {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner()
            .with_style(style("{spinner} {human_pos} {msg}, {per_sec}"))
            .with_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// So many are done.
    pub fn at(&self, count: u64) {
        self.0.set_position(count);
    }

    /// Takes it off the screen.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
