//! Event time, in microseconds since the epoch, UTC.

use chrono::{DateTime, SecondsFormat, Utc};

/// Reads an RFC 3339 time. Digits below the microsecond are cut off.
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    parse_utc_seconds(text)
        .or_else(|| DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_micros()))
}

/// The common shape `2026-11-24T03:20:39[.fraction]Z`, without going through a general parser.
fn parse_utc_seconds(text: &str) -> Option<i64> {
    let (whole, rest) = text.as_bytes().split_first_chunk::<19>()?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', i1, i2, b':', s1, s2] = *whole
    else {
        return None;
    };
    let year = number(&[y1, y2, y3, y4])?;
    let (month, day) = (number(&[m1, m2])?, number(&[d1, d2])?);
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[i1, i2])?, number(&[s1, s2])?);
    if !(1..=12).contains(&month) || !(1..=28).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None; // rare or wrong: the general parser decides
    }
    let micros = fraction_of_second(rest)?;
    let days = days_from_civil(year, month, day);
    Some(((days * 86_400) + hour * 3_600 + minute * 60 + second) * 1_000_000 + micros)
}

fn fraction_of_second(rest: &[u8]) -> Option<i64> {
    let digits = match rest {
        [b'Z'] => return Some(0),
        [b'.', digits @ .., b'Z'] if (1..=9).contains(&digits.len()) => digits,
        _ => return None,
    };
    let value = number(digits)?;
    let scale = digits.len() as u32;
    Some(if scale <= 6 { value * 10_i64.pow(6 - scale) } else { value / 10_i64.pow(scale - 6) })
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0_i64, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0')))
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible
/// low-level date algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Writes a time as RFC 3339 in UTC, with as many digits as it needs.
pub fn format_rfc3339(micros: i64) -> String {
    DateTime::<Utc>::from_timestamp_micros(micros)
        .map_or_else(|| micros.to_string(), |time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_path_agrees_with_chrono() {
        for text in [
            "2026-11-10T08:00:02Z",
            "2026-11-24T03:20:39.394374697Z",
            "2024-02-29T23:59:59.5Z",
            "1970-01-01T00:00:00Z",
            "1999-12-31T23:59:59Z",
            "2026-03-01T00:00:00.000001Z",
        ] {
            let expected = DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros();
            assert_eq!(parse_rfc3339(text), Some(expected), "{text}");
        }
        assert_eq!(parse_rfc3339("2026-11-10T08:00:02+02:00"), Some(1_794_290_402_000_000));
        assert_eq!(parse_rfc3339("2026-13-10T08:00:02Z"), None);
        assert_eq!(parse_rfc3339("yesterday"), None);
    }
}
