//! Files are known again, and continued from where they were left.

use std::fs;
use std::io::Write;

use keyward::source::{FileIdentity, Input, Limits, Mark, Reader, SourceError};

use super::{Seen, cloudtrail, gzip, plain, read_all, vault, zstd};

fn small() -> Limits {
    Limits { chunk_bytes: 600, chunk_records: 3, ..Limits::default() }
}

/// A stream with everything that has a position in it.
fn everything() -> String {
    let list = |from: usize| (from..from + 7).map(cloudtrail).collect::<Vec<_>>().join(",");
    format!(
        "{}\n{}\n{{\"a\":1,\"Records\":[{},17,{}],\"z\":[]}}\n{}{}\nnoise\n@cee: {}\n[{},{{\"cut\" 1}},{}]\n{}\n",
        plain(1),
        plain(2),
        list(10),
        list(20),
        vault(3),
        plain(4),
        vault(5),
        list(30),
        list(40),
        plain(6)
    )
}

#[test]
fn reading_can_be_continued_after_every_chunk() {
    let folder = tempfile::tempdir().unwrap();
    let text = everything();
    for (name, bytes) in [("plain", text.clone().into_bytes()), ("gzip", gzip(&text)), ("zstd", zstd(&text))]
    {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let input = || Input::file(path.clone(), Some(fs::metadata(&path).unwrap().len()));
        let whole = read_all(Reader::new(vec![input()], small()));
        assert!(whole.chunks > 8 && whole.refused.len() == 3, "{:?}", whole.refused);

        let mut reader = Reader::new(vec![input()], small());
        let mut before = Seen::default();
        while let Some(chunk) = reader.next_chunk(Vec::new()).unwrap() {
            before.add(&chunk);
            let mut rest = input();
            rest.start = chunk.next;
            let after = read_all(Reader::new(vec![rest], Limits::default()));
            assert_eq!([&before.records[..], &after.records].concat(), whole.records, "{:?}", chunk.next);
            assert_eq!([&before.refused[..], &after.refused].concat(), whole.refused, "{:?}", chunk.next);
        }
    }
}

#[test]
fn a_file_that_grew_is_continued_at_its_old_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    fs::write(&path, vault(1) + "\n").unwrap();
    let input = |start| {
        let mut input = Input::file(path.clone(), Some(fs::metadata(&path).unwrap().len()));
        input.start = start;
        input
    };
    let mut reader = Reader::new(vec![input(Mark::default())], Limits::default());
    let chunk = reader.next_chunk(Vec::new()).unwrap().unwrap();
    assert!(chunk.last);
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(vault(2).as_bytes()).unwrap();
    let seen = read_all(Reader::new(vec![input(chunk.next)], Limits::default()));
    assert_eq!(seen.texts(), [vault(2)]);
    assert_eq!(seen.records[0].1, vault(1).len() as u64 + 1);
}

#[test]
fn a_file_that_shrank_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [("plain", plain(1).into_bytes()), ("gzip", gzip(plain(1)))] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let mut input = Input::file(path.clone(), Some(100));
        input.start = Mark { offset: 10_000, index: 0 };
        let error = Reader::new(vec![input], Limits::default()).next_chunk(Vec::new()).unwrap_err();
        assert!(matches!(error, SourceError::Shrunk { offset: 10_000, .. }), "{error}");
    }
}

#[test]
fn a_renamed_file_is_known_again_and_a_new_one_in_its_place_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (path, rotated) = (folder.path().join("audit.log"), folder.path().join("audit.log.1"));
    fs::write(&path, vault(1)).unwrap();
    let identity = FileIdentity::read(&path).unwrap();
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(&[b'x'; 5000]).unwrap();
    assert!(identity.is_at(&path).unwrap());
    fs::rename(&path, &rotated).unwrap();
    fs::write(&path, vault(2)).unwrap();
    assert!(identity.is_at(&rotated).unwrap());
    assert!(!identity.is_at(&path).unwrap());
}

#[test]
fn a_file_that_cannot_be_opened_does_not_stop_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("b"), plain(1)).unwrap();
    let inputs = vec![Input::file(path("a"), None), Input::file(path("b"), None)];
    let mut reader = Reader::new(inputs, Limits::default());
    assert!(matches!(reader.next_chunk(Vec::new()), Err(SourceError::Open { .. })));
    let chunk = reader.next_chunk(Vec::new()).unwrap().unwrap();
    assert_eq!((chunk.records.len(), chunk.input), (1, 1));
    assert!(reader.next_chunk(Vec::new()).unwrap().is_none());
}

#[test]
fn files_are_read_in_order_with_their_names_and_progress() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..3 {
        fs::write(folder.path().join(format!("{n}.json")), plain(n) + "\n").unwrap();
    }
    let paths = [folder.path().to_string_lossy().into_owned()];
    let mut reader = Reader::open(&paths, Limits::default()).unwrap();
    let progress = reader.progress();
    let total = 3 * (plain(0).len() as u64 + 1);
    assert_eq!((progress.read(), progress.total()), (0, Some(total)));
    for n in 0..3 {
        let chunk = reader.next_chunk(Vec::new()).unwrap().unwrap();
        assert!(chunk.source.ends_with(&format!("{n}.json")));
        assert_eq!(chunk.record(&chunk.records[0]), plain(n).as_bytes());
    }
    assert_eq!(progress.read(), total);
}

#[test]
fn an_input_that_fails_half_way_is_an_error_with_its_place() {
    struct Failing;
    impl std::io::Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    use std::io::Read;
    for begin in
        [(plain(1) + "\n").into_bytes(), gzip(plain(1))[..40].to_vec(), zstd(plain(1))[..30].to_vec()]
    {
        let input = Input::stream("half", std::io::Cursor::new(begin).chain(Failing));
        let error = Reader::new(vec![input], Limits::default()).next_chunk(Vec::new()).unwrap_err();
        assert!(matches!(&error, SourceError::Read { input, .. } if input == "half"), "{error}");
    }
}

#[test]
fn a_reader_and_its_chunks_can_go_to_another_thread() {
    fn goes<T: Send>() {}
    goes::<Reader>();
    goes::<keyward::source::Chunk>();
    goes::<keyward::source::Progress>();
}
