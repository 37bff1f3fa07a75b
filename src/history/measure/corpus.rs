//! Generates judged key events in the shape of a busy AWS account's KMS traffic, always the same for
//! a seed: random ids and session names, few keys and roles, one context a call.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, ListBuilder, RecordBatch, StringBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;

use super::super::order::DAY;
use crate::domain::event::{CallerKind, Category, CredentialKind, KeyEvent, Outcome, Provider};
use crate::domain::function::Function;
use crate::table::build::{Origin, TableBuilder};
use crate::table::columns::{COLUMNS, Column, Kind, Stage, events_schema};
use crate::table::dictionary::WordBuilder;

/// The first generated event, 2026-11-01T00:00:00Z.
const START: i64 = 1_793_491_200_000_000;

/// Bytes of the record that an event stands for.
const RECORD: i64 = 1_430;

/// Calls, how often each occurs out of 97, and what they do.
const CALLS: &[(&str, u64, Function)] = &[
    ("Decrypt", 46, Function::Decrypt),
    ("GenerateDataKey", 30, Function::Wrap),
    ("Encrypt", 8, Function::Encrypt),
    ("DescribeKey", 5, Function::Read),
    ("Sign", 3, Function::Sign),
    ("Verify", 2, Function::Verify),
    ("CreateGrant", 2, Function::Manage),
    ("GenerateMac", 1, Function::MacGenerate),
];

const ROLES: &[&str] =
    &["orders-api", "payments-api", "ml-train", "ci-release", "backup", "gateway", "etl", "admin"];

const REGIONS: &[&str] = &["us-east-1", "eu-west-1", "us-west-2"];

/// How many accounts there are.
const ACCOUNTS: u64 = 8;

/// An endless stream of events.
#[derive(Debug)]
pub struct Corpus {
    random: Random,
    keys: Vec<Key>,
    /// Microseconds since the epoch.
    now: i64,
    /// Microseconds from one event to the next, on average.
    pace: i64,
    position: i64,
}

#[derive(Debug)]
struct Key {
    arn: String,
    account: String,
    region: &'static str,
    entry: String,
}

impl Corpus {
    /// Events of this many keys, `per_day` of them a day.
    pub fn new(seed: u64, keys: u64, per_day: u64) -> Self {
        let mut random = Random(seed);
        let keys = (0..keys.max(1)).map(|number| key(number, &mut random)).collect();
        let pace = (DAY / per_day.max(1) as i64).max(1);
        Self { random, keys, now: START, pace, position: 0 }
    }

    /// The same events, so many days later.
    #[must_use]
    pub const fn days_later(mut self, days: i64) -> Self {
        self.now += days * DAY;
        self
    }

    /// The names of the keys.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.arn.as_str())
    }

    /// The next events, judged.
    ///
    /// # Errors
    /// Never in practice: the columns are those of the schema.
    pub fn batch(&mut self, rows: usize) -> Result<RecordBatch, ArrowError> {
        let mut events = TableBuilder::default();
        let mut entries = Vec::with_capacity(rows);
        let ingested_at = self.now + 300_000_000;
        for _ in 0..rows {
            self.now += self.random.below(2 * self.pace as u64) as i64;
            self.position += RECORD + self.random.below(2 * RECORD as u64) as i64;
            let key = self.random.below(self.keys.len() as u64) as usize;
            let Some(key) = self.keys.get(key) else { continue };
            let origin =
                Origin { source: "/logs/trail.json.gz", device: None, position: self.position, ingested_at };
            push(&mut events, key, &mut self.random, self.now, origin);
            entries.push((key.entry.as_str(), self.random.below(30) == 0));
        }
        let built = events.finish()?;
        let mut columns = built.batch.columns().to_vec();
        for spec in COLUMNS.iter().filter(|spec| spec.stage == Stage::Judge) {
            columns.push(judged(spec.column, spec.kind, &entries)?);
        }
        RecordBatch::try_new(events_schema(), columns)
    }
}

fn key(number: u64, random: &mut Random) -> Key {
    let account = format!("{:012}", 100_000_000_000 + random.below(ACCOUNTS) * 11_111_111_111);
    let region = pick(REGIONS, random);
    Key {
        arn: format!("arn:aws:kms:{region}:{account}:key/{}", random.guid()),
        account,
        region,
        entry: format!("key-{number}"),
    }
}

fn push(events: &mut TableBuilder, key: &Key, random: &mut Random, now: i64, origin: Origin<'_>) {
    let (action, function) = call(random.below(97));
    let role = pick(ROLES, random);
    let account = key.account.as_str();
    let (event_id, request_id) = (random.guid(), random.guid());
    let session = format!("i-{:016x}", random.next());
    let credential = format!("ASIA{:016X}", random.next());
    let principal = format!("arn:aws:iam::{account}:role/{role}");
    let address = format!("10.{}.{}.{}", random.below(256), random.below(256), random.below(256));
    let object = format!("arn:aws:s3:::bucket-{}/p/{}", random.below(40), random.below(1_000_000));
    let context = [("aws:s3:arn", object.as_str())];
    let denied = random.below(100) == 0;
    events.push(
        &KeyEvent {
            event_id: &event_id,
            event_time: now / 1_000_000 * 1_000_000,
            provider: Some(Provider::Aws),
            request_id: Some(&request_id),
            service: Some("kms"),
            action: Some(action),
            category: Some(if function.is_use() { Category::Use } else { Category::Read }),
            function: Some(function),
            outcome: Some(if denied { Outcome::Denied } else { Outcome::Success }),
            error_code: denied.then_some("AccessDenied"),
            key_id: Some(&key.arn),
            key_account: Some(account),
            key_region: Some(key.region),
            algorithm: function.is_use().then_some("SYMMETRIC_DEFAULT"),
            context: function.is_use().then_some(&context),
            wrap_plaintext: (function == Function::Wrap).then_some(true),
            principal: Some(&principal),
            principal_type: Some("AssumedRole"),
            principal_account: Some(account),
            session_name: Some(&session),
            mfa: Some(false),
            credential_kind: Some(CredentialKind::Temporary),
            credential_id: Some(&credential),
            caller_kind: Some(CallerKind::Workload),
            caller_rule: Some("instance-session"),
            via: Some("direct"),
            account: Some(account),
            region: Some(key.region),
            source_ip: Some(&address),
            user_agent: Some("aws-sdk-java/2.29.1 Linux/5.10 OpenJDK_64-Bit_Server_VM/17.0.9"),
            tls_version: Some("1.3"),
            ..KeyEvent::default()
        },
        origin,
    );
}

fn call(mut chance: u64) -> (&'static str, Function) {
    for (action, often, function) in CALLS {
        match chance.checked_sub(*often) {
            Some(rest) => chance = rest,
            None => return (action, *function),
        }
    }
    ("DescribeKey", Function::Read)
}

/// One column of the judge's: every key is declared, one call in thirty violates.
fn judged(column: Column, kind: Kind, rows: &[(&str, bool)]) -> Result<ArrayRef, ArrowError> {
    Ok(match kind {
        Kind::Words => {
            let item = Field::new("item", DataType::Utf8, false);
            let mut lists = ListBuilder::new(StringBuilder::new()).with_field(item);
            for (_, violates) in rows {
                match column {
                    Column::Violations if *violates => lists.values().append_value("principal"),
                    Column::Assessed => ["function", "principal", "algorithm", "via"]
                        .iter()
                        .for_each(|aspect| lists.values().append_value(aspect)),
                    _ => {}
                }
                lists.append(true);
            }
            Arc::new(lists.finish())
        }
        Kind::Flag => Arc::new(BooleanArray::from(vec![false; rows.len()])),
        Kind::Time => {
            let due = (column == Column::ReviewDue).then_some(START + 90 * DAY);
            Arc::new(TimestampMicrosecondArray::from(vec![due; rows.len()]).with_timezone("UTC"))
        }
        _ => {
            let mut words = WordBuilder::default();
            rows.iter().for_each(|(entry, violates)| words.push(judged_word(column, entry, *violates)));
            words.finish()?
        }
    })
}

fn judged_word(column: Column, entry: &str, violates: bool) -> Option<&str> {
    match column {
        Column::Verdict if violates => Some("violation"),
        Column::Verdict => Some("conforming"),
        Column::CatalogId => Some(entry),
        Column::MatchedBy => Some("exact"),
        Column::CatalogVersion => Some("6f1d0e2ab3c4"),
        Column::Purpose => Some("data-encryption"),
        Column::Use => Some("order-records"),
        Column::Owner => Some("team-orders"),
        Column::Environment => Some("prod"),
        Column::Criticality => Some("high"),
        Column::KeyState => Some("active"),
        Column::Mode => Some("enforce"),
        _ => None,
    }
}

fn pick(words: &[&'static str], random: &mut Random) -> &'static str {
    words.get(random.below(words.len() as u64) as usize).copied().unwrap_or_default()
}

/// splitmix64 (Sebastiano Vigna, public domain): a fixed sequence for a seed.
#[derive(Debug)]
struct Random(u64);

impl Random {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    const fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn guid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            low >> 48 & 0x3fff | 0x8000,
            low & 0xffff_ffff_ffff
        )
    }
}
