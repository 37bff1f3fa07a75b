use super::*;

fn fact(at: i64, alias: &str, key: Option<&str>) -> LearntAlias {
    LearntAlias { at, alias: alias.to_owned(), key: key.map(str::to_owned) }
}

fn tag(at: i64, value: Option<&str>) -> LearntTag {
    LearntTag { at, key: "k".to_owned(), name: "data".to_owned(), value: value.map(str::to_owned) }
}

fn uids(numbers: std::ops::Range<u64>) -> Vec<Uid> {
    let uid = |number: u64| Uid {
        uid: (u128::from(u64::MAX - number) << 64) | u128::from(number),
        content: (!number.is_multiple_of(7)).then_some(u64::MAX - number),
    };
    numbers.map(uid).collect()
}

fn written(folder: &Path, name: &str, traces: &Traces) -> PathBuf {
    let path = folder.join(name);
    traces.write(File::create(&path).unwrap()).unwrap();
    path
}

#[test]
fn what_was_written_is_known_again_in_its_order_up_to_the_horizon() {
    let folder = tempfile::tempdir().unwrap();
    let aliases = vec![fact(1, "a", Some("k")), fact(2, "a", None)];
    let tags = vec![tag(1, Some("customer")), tag(2, None)];
    let first = Traces { uids: uids(0..70_000), aliases, tags };
    let second = Traces { uids: uids(70_000..70_010), ..Traces::default() };
    let paths = [written(folder.path(), "1", &first), written(folder.path(), "2", &second)];
    let read = Traces::read_files(&paths, usize::MAX).unwrap();
    assert_eq!(read, Traces { uids: uids(0..70_010), ..first.clone() });
    let newest = Traces::read_files(&paths, 15).unwrap();
    assert_eq!(newest, Traces { uids: uids(69_995..70_010), ..first });
}

#[test]
fn of_repeated_facts_the_first_and_the_last_are_kept() {
    let points = [(5, "k"), (1, "k"), (3, "k"), (7, "other"), (9, "k"), (3, "k")];
    let facts = points.iter().map(|(at, key)| (("a", None), *at, Some(*key)));
    let kept: Vec<_> = essential(facts).into_iter().map(|(_, at, key)| (at, key.unwrap())).collect();
    assert_eq!(kept, [(1, "k"), (5, "k"), (7, "other"), (9, "k")]);
}
