use super::*;

fn file(name: &str, day: i64, rows: i64) -> FileRow {
    FileRow {
        file: name.to_owned(),
        kind: Kind::Events,
        day,
        rows,
        bytes: rows * 80,
        sha256: String::new(),
        min_time: 0,
        max_time: 0,
        key_filter: Vec::new(),
        created_at: 0,
    }
}

fn files(rows: impl IntoIterator<Item = i64>) -> Vec<FileRow> {
    rows.into_iter().enumerate().map(|(number, rows)| file(&format!("{number:04}"), 1, rows)).collect()
}

fn rows_of(groups: &[Vec<FileRow>]) -> Vec<Vec<i64>> {
    groups.iter().map(|files| files.iter().map(|file| file.rows).collect()).collect()
}

#[test]
fn a_few_small_files_and_any_number_of_full_ones_are_let_be() {
    assert!(due(files([10; 8])).is_empty());
    assert!(due(files([FULL_ROWS; 30])).is_empty());
    let mixed = (0..8).map(|day| file("a", day, 10)).chain((0..8).map(|day| file("b", day, 10)));
    assert!(due(mixed.collect()).is_empty(), "each day is counted alone");
}

#[test]
fn the_small_files_of_a_day_become_one() {
    assert_eq!(rows_of(&due(files([10; 9]))), [vec![10; 9]]);
    assert_eq!(rows_of(&due(files([10; 100]))), [vec![10; MOST_FILES_A_MERGE]]);
    assert_eq!(
        rows_of(&due(files([FULL_ROWS / 4; 9]))),
        [vec![FULL_ROWS / 4; 4]],
        "no file grows without end"
    );
}

#[test]
fn a_large_file_is_not_written_again_for_every_small_one() {
    let mut sizes = vec![100_000];
    sizes.extend([10; 9]);
    assert_eq!(rows_of(&due(files(sizes))), [vec![10; 9]]);
}

/// A row is written again a few times, however many small files come.
#[test]
fn the_work_grows_with_the_logarithm_of_the_files() {
    let (mut present, mut written) = (Vec::new(), 0);
    for number in 0..2_000 {
        present.push(file(&format!("{number:06}"), 1, 1_000));
        for group in due(present.clone()) {
            let rows = group.iter().map(|file| file.rows).sum();
            present.retain(|file| !group.contains(file));
            present.push(file(&format!("m{number:06}"), 1, rows));
            written += rows;
        }
    }
    assert!(present.len() <= MOST_SMALL_FILES + 1, "{}", present.len());
    assert!(written < 2_000_000 * 8, "each row was written {} times", written / 2_000_000);
}
