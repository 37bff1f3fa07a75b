//! The table `coverage`, and the alert about what was lost before it was read: the whole service, and a scan.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use keyward::app::clock::now_micros;
use keyward::metrics::Account;
use keyward::pipeline::generate::Company;
use keyward::store::{BlockingStore, Position, PositionMove, SealRecord};
use rdkafka::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};
use serde_json::Value;

use crate::serving::{PATIENCE, Serving};
use crate::support::Keyward;

/// The made-up company's day begins here, in microseconds since the epoch.
const MORNING: i64 = 1_795_420_800_000_000;

const LOST: &str = "SELECT alert_id, level, findings FROM alerts WHERE title LIKE 'Records were lost%'";
const GAPS: &str = "SELECT source, partition, kind, from_time, to_time, from_position, to_position, events, \
    reason FROM coverage WHERE kind IN ('gap', 'dropped')";
const FOUND: &str = "SELECT count(*) AS n FROM findings WHERE detector = 'KP-132'";
const READ: &str = "SELECT sum(events) AS events, min(from_time) AS first, max(to_time) AS last \
    FROM coverage WHERE kind = 'read'";
const SEEN: &str = "SELECT count(*) AS events, min(event_time) AS first, max(event_time) AS last FROM events";

/// Lines of CloudTrail, of a company's morning.
fn lines(count: usize) -> Vec<String> {
    let all = Company::new(7, MORNING).map(|line| String::from_utf8(line.bytes).unwrap());
    all.filter(|line| !line.starts_with("{\"time\"")).take(count).collect()
}

fn serving(sources: &str, more: &str) -> Serving {
    let config = format!(
        "data: data\ncatalog: [catalog.yaml]\nhttp: {{ listen: '127.0.0.1:0' }}\n\
         seal: {{ every: 200ms }}\nsources: [{sources}]\n{more}"
    );
    Serving::new(Keyward::new().file("catalog.yaml", Company::catalog_yaml()).file("keyward.yaml", config))
}

fn text<'v>(row: &'v Value, name: &str) -> &'v str {
    row[name].as_str().unwrap_or_default()
}

/// Moves the stored position of the only partition, as if so much had been read.
fn move_position(data: &Path, to: i64) {
    let store = BlockingStore::open(data, now_micros()).unwrap();
    let stored = store.wait(store.store().positions()).unwrap().pop().unwrap();
    let step = PositionMove {
        source: stored.source,
        label: stored.label,
        from: Some(stored.next),
        to: Position { offset: to, index: 0 },
        watermark: stored.watermark,
    };
    let seal = SealRecord {
        id: store.store().next_seal().unwrap(),
        files: Vec::new(),
        moves: vec![step],
        account: Account::default(),
        open_requests: None,
        replayed: Vec::new(),
        publishes_rejects: false,
        coverage: Vec::new(),
        sealed_at: now_micros(),
    };
    store.wait(store.store().commit_seal(&seal)).unwrap();
}

#[test]
fn a_scan_says_what_it_read_of_each_input_by_day() {
    let keyward = Keyward::new()
        .file("catalog.yaml", Company::catalog_yaml())
        .file("one.ndjson", lines(300).join("\n"))
        .file("nothing.ndjson", "{\"eventSource\":\"ec2.amazonaws.com\"}\n");
    let scan = ["scan", "--data", "data", "--catalog", "catalog.yaml", "one.ndjson", "nothing.ndjson"];
    for _ in 0..2 {
        let ran = keyward.args(scan).run();
        assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.stderr);
        let ask = |sql: &str| keyward.args(["query", "--data", "data", "--format", "json", sql]).run().json();
        assert_eq!(ask(READ), ask(SEEN), "again nothing is counted twice");
        let rows = ask("SELECT source, kind, from_position, events FROM coverage ORDER BY source");
        assert_eq!(rows.len(), 2, "{rows:?}");
        assert_eq!((text(&rows[0], "source"), &rows[0]["events"]), ("nothing.ndjson", &0.into()));
        assert_eq!((text(&rows[1], "source"), &rows[1]["from_position"]), ("one.ndjson", &0.into()));
    }
}

#[test]
fn a_stored_position_outside_of_the_topic_is_one_alert_and_one_gap_however_often_it_is_noticed() {
    let mock: MockCluster<'static, DefaultProducerContext> = MockCluster::new(1).unwrap();
    mock.create_topic("trail", 1, 1).unwrap();
    mock.create_topic("alerts", 1, 1).unwrap();
    let brokers = mock.bootstrap_servers();
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", &brokers).create().unwrap();
    let produce = |lines: &[String]| {
        lines.iter().for_each(|line| {
            producer.send(BaseRecord::<(), str>::to("trail").partition(0).payload(line)).unwrap();
        });
        producer.flush(PATIENCE).unwrap();
    };
    let lines = lines(120);
    produce(&lines[..100]);
    let source = format!("{{ name: trail, kafka: {{ brokers: ['{brokers}'], topics: [trail], group: g }} }}");
    let more = format!("alerts: {{ kafka: {{ brokers: ['{brokers}'], topic: alerts }} }}\n");
    let mut serving = serving(&source, &more);
    serving.start();
    let position = "SELECT max(to_position) AS p FROM coverage WHERE kind = 'read'";
    serving.until(position, |rows| rows.first().is_some_and(|row| row["p"] == 100));
    serving.stop();
    assert_eq!(serving.ask(READ), serving.ask(SEEN));
    assert!(serving.ask(LOST).is_empty() && serving.ask(GAPS).is_empty());

    move_position(&serving.keyward.path("data"), 5_000);
    for _ in 0..2 {
        serving.start();
        serving.until(LOST, |rows| !rows.is_empty());
        serving.kill();
        // Both are sealed, or neither is.
        assert_eq!(serving.ask(FOUND)[0]["n"], serving.ask(GAPS).len());
    }
    let before = serving.ask(SEEN)[0]["events"].as_i64();
    serving.start();
    produce(&lines[100..]);
    serving.until(SEEN, |rows| rows.first().is_some_and(|row| row["events"].as_i64() > before));
    serving.until(GAPS, |rows| !rows.is_empty());
    serving.until("SELECT state FROM deliveries", |rows| {
        !rows.is_empty() && rows.iter().all(|row| row["state"] == "delivered")
    });
    serving.stop();
    let (alerts, gaps) = (serving.ask(LOST), serving.ask(GAPS));
    assert_eq!((alerts.len(), text(&alerts[0], "level"), &alerts[0]["findings"]), (1, "high", &1.into()));
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    let gap = &gaps[0];
    assert_eq!((text(gap, "source"), text(gap, "partition"), text(gap, "kind")), ("trail", "trail/0", "gap"));
    assert_eq!((&gap["from_position"], &gap["to_position"]), (&5_000.into(), &0.into()));
    assert!(text(gap, "from_time") < text(gap, "to_time") && !text(gap, "reason").is_empty(), "{gap}");
    assert_eq!(serving.ask(FOUND)[0]["n"], 1);
    let nobody = serving.ask("SELECT reason FROM coverage WHERE kind = 'stand-by'");
    assert!(!nobody.is_empty() && text(&nobody[0], "reason").contains("no instance ran"), "{nobody:?}");
}

#[test]
fn a_followed_file_that_is_cut_off_is_an_alert_and_a_gap() {
    let mut serving = serving("{ name: logs, follow: { paths: [logs] } }", "");
    let log = serving.keyward.path("logs/audit.log");
    std::fs::create_dir(serving.keyward.path("logs")).unwrap();
    let lines = lines(80);
    std::fs::write(&log, lines[..60].join("\n") + "\n").unwrap();
    serving.start();
    let seen = serving.until(SEEN, |rows| rows.first().is_some_and(|row| row["events"].as_i64() > Some(20)));
    let before = seen[0]["events"].as_i64();
    let mut file = OpenOptions::new().write(true).truncate(true).open(&log).unwrap();
    file.write_all((lines[60..].join("\n") + "\n").as_bytes()).unwrap();
    serving.until(SEEN, |rows| rows.first().is_some_and(|row| row["events"].as_i64() > before));
    let alerts = serving.until(LOST, |rows| !rows.is_empty());
    serving.stop();
    assert!(["medium", "high"].contains(&text(&alerts[0], "level")), "{alerts:?}");
    let gaps = serving.ask(GAPS);
    assert_eq!((gaps.len(), text(&gaps[0], "kind")), (1, "gap"), "{gaps:?}");
    assert!(
        text(&gaps[0], "partition").ends_with("audit.log") && text(&gaps[0], "reason").contains("truncated")
    );
    assert_eq!(serving.ask(READ), serving.ask(SEEN));
}

/// Posts a body and gives the answer.
fn post(address: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST /api/v1/ingest/bao HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    // A server that closes early has said enough.
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn entries_that_a_full_spool_drops_are_an_alert_and_counted() {
    let more = "spool: { most: 128KiB, segment: 16KiB, when_full: drop }\n";
    let mut serving = serving("{ name: bao, http: { token: token } }", more);
    std::fs::write(serving.keyward.path("token"), "t").unwrap();
    // Nothing is sealed, so no segment goes.
    let config = std::fs::read_to_string(serving.keyward.path("keyward.yaml")).unwrap();
    let config = config.replace("every: 200ms", "every: 1h");
    std::fs::write(serving.keyward.path("keyward.yaml"), config).unwrap();
    serving.start();
    let until = std::time::Instant::now() + PATIENCE;
    let address = loop {
        let log = serving.log();
        let address = log.split("\"address\":\"").nth(1).and_then(|rest| rest.split('"').next());
        if let Some(address) = address {
            break address.to_owned();
        }
        assert!(std::time::Instant::now() < until, "{log}");
        std::thread::sleep(Duration::from_millis(50));
    };
    let line = &lines(1)[0];
    let mut dropped = 0;
    while dropped < 20 {
        assert!(std::time::Instant::now() < until, "{}", serving.log());
        dropped += i64::from(post(&address, line).contains("\"dropped\":true"));
    }
    serving.until(LOST, |rows| !rows.is_empty());
    serving.stop();
    let gaps = serving.ask(GAPS);
    assert!(
        gaps.iter().all(|gap| text(gap, "kind") == "dropped" && text(gap, "source") == "bao"),
        "{gaps:?}"
    );
    assert_eq!(gaps.iter().filter_map(|gap| gap["events"].as_i64()).sum::<i64>(), dropped);
}
