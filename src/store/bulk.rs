//! Statements over many rows at once.
//!
//! In: rows. Out: the parts of them that one statement takes, and the placeholders for such a part.
//! A part has a power of two of rows, so that a connection prepares seven forms of each statement and
//! no more.

use std::fmt::Write;

/// Rows of one statement at most: twenty values each stay far below SQLite's 32,766 and PostgreSQL's 65,535
/// placeholders, and more at once gain nothing.
const MOST_ROWS: usize = 64;

/// Prepared statements that a connection keeps: every form of every bulk statement, and all the others.
pub(super) const PREPARED: usize = 256;

/// Cuts rows into parts for one statement each, the largest first.
pub(super) fn parts<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let most = rest.len().min(MOST_ROWS);
        let (part, after) = rest.split_at_checked(1_usize.checked_shl(most.checked_ilog2()?)?)?;
        rest = after;
        Some(part)
    })
}

/// `$1, $2, $3` for the values of an `IN`.
pub(super) fn list(values: usize) -> String {
    let mut places = String::with_capacity(values * 5);
    write_list(&mut places, 1, values);
    places
}

/// `($1, $2), ($3, $4)` for the rows of a `VALUES`.
pub(super) fn rows(rows: usize, columns: usize) -> String {
    let mut places = String::with_capacity(rows * (columns * 7 + 4));
    for row in 0..rows {
        places.push_str(if row == 0 { "(" } else { ", (" });
        write_list(&mut places, row * columns + 1, columns);
        places.push(')');
    }
    places
}

fn write_list(places: &mut String, first: usize, count: usize) {
    for place in first..first + count {
        let comma = if place == first { "" } else { ", " };
        // Writing to a text cannot fail.
        let _ = write!(places, "{comma}${place}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_into_few_forms_and_none_is_left_out() {
        for count in 0..300_usize {
            let all: Vec<usize> = (0..count).collect();
            let cut: Vec<&[usize]> = parts(&all).collect();
            assert!(cut.iter().all(|part| part.len().is_power_of_two() && part.len() <= MOST_ROWS));
            assert!(cut.len() <= count / MOST_ROWS + 6, "{count} rows in {} statements", cut.len());
            assert_eq!(cut.concat(), all);
        }
    }

    #[test]
    fn placeholders_are_numbered_from_one() {
        assert_eq!(list(3), "$1, $2, $3");
        assert_eq!(rows(2, 2), "($1, $2), ($3, $4)");
    }
}
