//! Lines over TCP, unix sockets and standard input.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keyward::config::{self, WhenFull};
use keyward::source::feed::{Feed, Signal};
use keyward::source::socket::{Counts, LONGEST_LINE, Listener};
use keyward::source::stdin;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use super::harness::{PATIENCE, Source, entry, size};

struct Listening {
    source: Source,
    address: std::net::SocketAddr,
    counts: Arc<Counts>,
    done: tokio::task::JoinHandle<()>,
}

async fn listen(config: config::Spool, most: usize) -> Listening {
    let source = Source::new(config);
    let listener = Listener::tcp("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let (address, counts) = (listener.address().unwrap(), listener.counts());
    let done = tokio::spawn(listener.run(Arc::clone(&source.spool), most));
    Listening { source, address, counts, done }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_come_whole_however_they_are_sent_and_from_many_connections() {
    let listening = listen(config::Spool::default(), 100).await;
    let mut tasks = tokio::task::JoinSet::new();
    for client in 0..50 {
        let address = listening.address;
        tasks.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            for number in 0..5 {
                let line = entry(client * 100 + number) + "\n";
                let (first, second) = line.split_at(17 * (number + 1));
                stream.write_all(first.as_bytes()).await.unwrap();
                tokio::time::sleep(Duration::from_millis(2)).await;
                stream.write_all(second.as_bytes()).await.unwrap();
            }
            // The last line has no end, and is one all the same.
            stream.write_all(entry(client * 100 + 5).as_bytes()).await.unwrap();
        });
    }
    tasks.join_all().await;
    let mut ids: Vec<usize> = listening.source.ids(300).iter().map(|id| id.parse().unwrap()).collect();
    ids.sort_unstable();
    let expected: Vec<_> =
        (0..50).flat_map(|client| (0..6).map(move |number| client * 100 + number)).collect();
    assert_eq!(ids, expected);
    assert_eq!(listening.counts.accepted(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_clients_leave_for_others_and_who_sends_is_never_sent_away() {
    let listening = listen(config::Spool::default(), 3).await;
    let mut good = TcpStream::connect(listening.address).await.unwrap();
    good.write_all((entry(1) + "\n").as_bytes()).await.unwrap();
    assert_eq!(listening.source.ids(1), ["1"]);
    let mut silent = TcpStream::connect(listening.address).await.unwrap();
    silent.write_all(b"{\"time\":").await.unwrap();
    let mut idle = Vec::new();
    for _ in 0..100 {
        idle.push(TcpStream::connect(listening.address).await.unwrap());
    }
    let closed = tokio::time::timeout(PATIENCE, silent.read(&mut [0; 1])).await.unwrap();
    assert!(matches!(closed, Ok(0) | Err(_)));
    let mut newcomer = TcpStream::connect(listening.address).await.unwrap();
    newcomer.write_all((entry(2) + "\n").as_bytes()).await.unwrap();
    good.write_all((entry(3) + "\n").as_bytes()).await.unwrap();
    let mut ids = listening.source.ids(2);
    ids.sort();
    assert_eq!(ids, ["2", "3"]);
    assert_eq!(listening.counts.refused(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_send_one_too_many_is_closed_and_counted() {
    let listening = listen(config::Spool::default(), 2).await;
    let mut both = Vec::new();
    for number in 0..2 {
        let mut stream = TcpStream::connect(listening.address).await.unwrap();
        stream.write_all((entry(number) + "\n").as_bytes()).await.unwrap();
        assert_eq!(listening.source.ids(1), [number.to_string()]);
        both.push(stream);
    }
    let mut third = TcpStream::connect(listening.address).await.unwrap();
    let read = tokio::time::timeout(PATIENCE, third.read(&mut [0; 1])).await.unwrap();
    assert!(matches!(read, Ok(0) | Err(_)));
    assert_eq!(listening.counts.refused(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_too_long_is_one_refused_record_and_the_next_is_whole() {
    let listening = listen(config::Spool::default(), 3).await;
    let mut stream = TcpStream::connect(listening.address).await.unwrap();
    let long = format!("{}\n", entry("y".repeat(LONGEST_LINE + 1)));
    stream.write_all(long.as_bytes()).await.unwrap();
    stream.write_all((entry(2) + "\n").as_bytes()).await.unwrap();
    let mut ids = listening.source.ids(2);
    ids.sort();
    assert_eq!(ids, ["2", "refused"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_takes_what_was_sent_and_ends() {
    let listening = listen(config::Spool::default(), 3).await;
    let mut stream = TcpStream::connect(listening.address).await.unwrap();
    stream.write_all((entry(0) + "\n").as_bytes()).await.unwrap();
    assert_eq!(listening.source.ids(1), ["0"]);
    let text: String = (1..100).map(|number| entry(number) + "\n").collect();
    stream.write_all(text.as_bytes()).await.unwrap();
    listening.source.feed.stop();
    let (ids, _) = listening.source.rest();
    assert_eq!(ids.len(), 99);
    tokio::time::timeout(PATIENCE, listening.done).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_spool_stops_reading_and_loses_nothing() {
    let spool = config::Spool { most: size("64KiB"), segment: size("8KiB"), when_full: WhenFull::Refuse };
    let listening = listen(spool, 3).await;
    let address = listening.address;
    let writer = tokio::spawn(async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        for number in 0..2_000 {
            stream.write_all((entry(number) + "\n").as_bytes()).await.unwrap();
        }
    });
    let mut ids = Vec::new();
    let patience = Instant::now();
    while ids.len() < 2_000 {
        assert!(patience.elapsed() < 3 * PATIENCE, "{}", ids.len());
        match listening.source.signal() {
            Signal::Records(arrival) => {
                let count = arrival.chunk.records.len();
                ids.extend(0..count);
                listening.source.seal(&arrival);
            }
            other => panic!("{other:?}"),
        }
    }
    writer.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unix_socket_takes_lines_and_the_place_of_a_stale_one() {
    let source = Source::new(config::Spool::default());
    let path = source.folder.path().join("audit.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let listener = Listener::unix(&path).await.unwrap();
    assert!(Listener::unix(&path).await.is_err(), "one that is in use stays");
    let done = tokio::spawn(listener.run(Arc::clone(&source.spool), 3));
    let mut stream = UnixStream::connect(&path).await.unwrap();
    stream.write_all((entry(7) + "\n").as_bytes()).await.unwrap();
    assert_eq!(source.ids(1), ["7"]);
    source.feed.stop();
    assert_eq!(source.rest(), (vec![], 0));
    tokio::time::timeout(PATIENCE, done).await.unwrap().unwrap();
    assert!(!path.exists());
}

#[test]
fn standard_input_ends_when_everything_is_handed_over() {
    let source = Source::new(config::Spool::default());
    let text: String = (0..5_000).map(|number| entry(number) + "\n").collect();
    let thread = stdin::read(std::io::Cursor::new(text.into_bytes()), Arc::clone(&source.spool)).unwrap();
    let (ids, dropped) = source.rest();
    assert_eq!((ids.len(), dropped), (5_000, 0));
    assert_eq!(ids.last().map(String::as_str), Some("4999"));
    thread.join().unwrap();
}
