//! The hours of the made-up weeks: where in the day and the week each lies, and which days are holidays.

/// An hour, in microseconds.
pub const HOUR: i64 = 3_600_000_000;

/// Hours of a day.
pub const HOURS_A_DAY: u32 = 24;

/// Days of a week.
const DAYS_A_WEEK: i64 = 7;

/// Monday is 0; 1970-01-01 was a Thursday.
const WEEKDAY_OF_EPOCH: i64 = 3;

/// One hour of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hour {
    /// Its begin, microseconds since the epoch.
    pub begin: i64,
    /// Days since the log began.
    pub day: u32,
    pub hour_of_day: u32,
    /// 0 is Monday.
    pub weekday: u32,
    /// Nobody is at work.
    pub is_holiday: bool,
}

impl Hour {
    /// The hour that lies `number` hours after `start`, where these days are holidays.
    pub fn new(start: i64, number: u32, holidays: &[u32]) -> Self {
        let begin = start + i64::from(number) * HOUR;
        let hours = begin.div_euclid(HOUR);
        let weekday = (hours.div_euclid(i64::from(HOURS_A_DAY)) + WEEKDAY_OF_EPOCH).rem_euclid(DAYS_A_WEEK);
        let day = number / HOURS_A_DAY;
        Self {
            begin,
            day,
            hour_of_day: hours.rem_euclid(i64::from(HOURS_A_DAY)) as u32,
            weekday: weekday as u32,
            is_holiday: holidays.contains(&day),
        }
    }

    /// As it were the middle of a workday.
    pub const fn at_work(self) -> Self {
        Self { hour_of_day: 11, weekday: 1, is_holiday: false, ..self }
    }

    /// Whether people work: a weekday that is no holiday.
    pub const fn is_workday(self) -> bool {
        self.weekday < 5 && !self.is_holiday
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_knows_its_weekday_and_whether_people_work() {
        // 2026-09-07T00:00:00Z, a Monday.
        let start = 1_788_739_200_000_000;
        let at = |number| Hour::new(start, number, &[1]);
        assert_eq!((at(9).weekday, at(9).hour_of_day, at(9).is_workday()), (0, 9, true));
        assert_eq!((at(33).weekday, at(33).day, at(33).is_workday()), (1, 1, false));
        assert_eq!((at(24 * 5).weekday, at(24 * 5).is_workday()), (5, false));
    }
}
