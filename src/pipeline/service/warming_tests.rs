//! Rules that come while the service runs: what their windows know of before.

use serde_json::json;

use super::*;
use crate::detect::table::{findings_schema, from_batch};

/// Minutes since the epoch: a multiple of every pane here.
const START: i64 = 1_790_000_400_000_000;

/// The `number`-th decryption with one key, two seconds after the one before.
fn decrypt(number: i64) -> Vec<u8> {
    let key = "arn:aws:kms:eu-west-1:111122223333:key/88acedf4-6299-4d1c-83e4-474181999ca8";
    let time = crate::domain::time::format_rfc3339(START + number * 2_000_000);
    let arn = "arn:aws:sts::111122223333:assumed-role/orders-api/worker-1";
    let record = json!({
        "eventVersion": "1.11", "eventTime": time, "eventSource": "kms.amazonaws.com", "eventName": "Decrypt",
        "userIdentity": { "type": "AssumedRole", "arn": arn, "accountId": "111122223333" },
        "awsRegion": "eu-west-1", "recipientAccountId": "111122223333",
        "requestParameters": { "keyId": key },
        "resources": [{ "accountId": "111122223333", "type": "AWS::KMS::Key", "ARN": key }],
        "eventID": format!("8c894557-f75c-4ee5-94cd-{number:012}"), "eventType": "AwsApiCall",
    });
    record.to_string().into_bytes()
}

fn window(id: &str, count: usize) -> (String, String) {
    let text = format!(
        "id: {id}\ntitle: A title\nlevel: medium\nstatus: test\nmatch: category = 'use'\n\
         window: {{ kind: threshold, over: 10m, count: {count} }}\n"
    );
    (format!("{id}.yaml"), text)
}

fn rules_of(windows: &[(String, String)]) -> Arc<Rules> {
    let texts = windows.iter().map(|(name, text)| (name.into(), text.as_str()));
    let detectors = Detectors::of_texts(texts).unwrap_or_else(|problems| panic!("{problems:?}"));
    Arc::new(Rules::new(Catalog::empty(), Engine::new(&detectors).unwrap()))
}

/// The detectors of what was found, in history as it is sealed.
fn sealed_findings(data: &Path) -> Vec<String> {
    let store = BlockingStore::open_read_only(data).unwrap();
    let files = store.wait(store.store().files(Kind::Findings)).unwrap();
    let found = batches(store.store().folder(), files, findings_schema());
    let findings = found.flat_map(|batch| from_batch(&batch.unwrap()).unwrap());
    findings.map(|finding| finding.detector).collect()
}

/// A service that takes `before` uses by rules with a window of 3, gets others with one of `count` beside it, and
/// takes `after` more. What was found, by detector, and what was told of warming.
fn reloaded(before: usize, count: usize, after: usize) -> (Vec<String>, Vec<Vec<String>>) {
    let folder = tempfile::tempdir().unwrap();
    let log = Log { partitions: vec![(0..(before + after) as i64).map(decrypt).collect()], batch: before };
    let store = Arc::new(BlockingStore::open(folder.path(), 1).unwrap());
    let feed = Arc::new(LogFeed {
        rewound: AtomicU64::new(0),
        stopped: AtomicBool::new(false),
        sealed: Mutex::default(),
    });
    let (to, signals) = crossbeam_channel::bounded(4);
    let (ear, raised) = (Arc::<Ear>::default(), Raised::default());
    let old = rules_of(&[window("OLD", 3)]);
    let parts = Parts {
        store: Arc::clone(&store),
        feeds: vec![Arc::clone(&feed) as Arc<dyn Feed>],
        signals,
        versions: Versions::new(Version { effective_from: i64::MIN, rules: Arc::clone(&old) }),
        raise: Box::new(raised.clone()),
        watch: Arc::clone(&ear) as Arc<dyn Watch>,
        clock: Arc::new(|| START),
        limits: Limits::default(),
        seal_every: Duration::from_secs(3_600),
        sample: Sample::Masked,
        publishes_rejects: false,
        memory: store.wait(Memory::restore(store.store())).unwrap(),
        live: store.wait(recall(store.store(), &old.engine, &Lateness::default())).unwrap(),
    };
    let (service, handle) = Service::new(parts).unwrap();
    let looped = std::thread::spawn(move || service.run());
    let send = |from: Option<usize>| {
        let chunk = log.chunk(0, from.unwrap_or_default());
        let to_offset = chunk.next.offset as i64;
        let arrival = Arrival {
            partition: Log::identity(0),
            from: from.map(|offset| Position { offset: offset as i64, index: 0 }),
            to: Position { offset: to_offset, index: 0 },
            chunk,
            generation: 0,
            received_at: START,
            written_at: None,
        };
        to.send(Signal::Records(Box::new(arrival))).unwrap();
    };
    send(None);
    let deadline = Instant::now() + Duration::from_secs(120);
    while ear.taken.load(Ordering::Relaxed) == 0 {
        assert!(Instant::now() < deadline, "the first records are not taken");
        std::thread::sleep(Duration::from_millis(5));
    }
    let (answer, installed) = crossbeam_channel::bounded(1);
    handle.install(Install {
        rules: rules_of(&[window("NEW", count), window("OLD", 3)]),
        record: Box::new(|judged_up_to| Ok(judged_up_to.unwrap() + 1)),
        installed: answer,
    });
    installed.recv().unwrap().unwrap();
    send(Some(before));
    to.send(Signal::Ended { source: "log".into() }).unwrap();
    looped.join().unwrap().unwrap();
    let warming = ear.warming.lock().unwrap().clone();
    drop(store);
    let mut found = sealed_findings(folder.path());
    assert_eq!(raised.ids.lock().unwrap().len(), found.len(), "what is sealed was stored");
    found.sort();
    (found, warming)
}

#[test]
fn a_detector_that_comes_by_a_reload_counts_what_history_holds() {
    let (found, warming) = reloaded(4, 5, 1);
    assert_eq!(found, ["NEW", "OLD"]);
    assert_eq!(warming, [vec!["NEW".to_owned()], Vec::new()], "the other one is as it was");
}

#[test]
fn a_detector_that_comes_by_a_reload_tells_nothing_of_the_past_alone_and_counts_nothing_twice() {
    assert_eq!(reloaded(4, 4, 1).0, ["OLD"], "it was complete before the reload");
    assert_eq!(reloaded(4, 6, 1).0, ["OLD"], "five are not six");
    assert_eq!(reloaded(2, 4, 2).0, ["NEW", "OLD"]);
}
