//! How loud a finding is.

use super::vocabulary::vocabulary;

vocabulary! {
    /// Severity, in Sigma's words.
    pub enum Level as "level" {
        Informational = "informational",
        Low = "low",
        Medium = "medium",
        High = "high",
        Critical = "critical",
    }
}

impl Level {
    /// This level moved by `steps`, kept between low and critical; informational stays as it is.
    #[must_use]
    pub fn shifted(self, steps: i8) -> Self {
        if self == Self::Informational {
            return self;
        }
        let lowest = Self::Low.code() as i8;
        let highest = Self::Critical.code() as i8;
        let code = (self.code() as i8 + steps).clamp(lowest, highest) as usize;
        Self::ALL.get(code).copied().unwrap_or(self)
    }
}
