use super::*;

fn fact(at: i64, alias: &str, key: Option<&str>) -> LearntAlias {
    LearntAlias { at, alias: alias.to_owned(), key: key.map(str::to_owned) }
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
    let first = Traces { uids: uids(0..70_000), aliases: vec![fact(1, "a", Some("k")), fact(2, "a", None)] };
    let second = Traces { uids: uids(70_000..70_010), aliases: Vec::new() };
    let paths = [written(folder.path(), "1", &first), written(folder.path(), "2", &second)];
    let read = Traces::read_files(&paths, usize::MAX).unwrap();
    assert_eq!(read, Traces { uids: uids(0..70_010), aliases: first.aliases.clone() });
    let newest = Traces::read_files(&paths, 15).unwrap();
    assert_eq!(newest, Traces { uids: uids(69_995..70_010), aliases: first.aliases });
}

#[test]
fn of_repeated_facts_the_first_and_the_last_are_kept() {
    let points = [(5, "k"), (1, "k"), (3, "k"), (7, "other"), (9, "k"), (3, "k")];
    let facts: Vec<_> = points.iter().map(|(at, key)| fact(*at, "a", Some(key))).collect();
    let kept: Vec<_> = essential(&facts).into_iter().map(|fact| (fact.at, fact.key.unwrap())).collect();
    let expected = [(1, "k"), (5, "k"), (7, "other"), (9, "k")];
    assert_eq!(kept, expected.map(|(at, key)| (at, key.to_owned())));
}
