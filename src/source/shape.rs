//! Recognises what one JSON object is: a record, an envelope, a notification, or nothing we know.
//!
//! In: the object's bytes. Out: its class. The usual records are known by their first key; only the
//! others have their members looked at. Sources of the shapes: the AWS CloudTrail, SNS, S3, EventBridge,
//! Kinesis and CloudWatch Logs documentation, and Vault's `audit/types.go`.

use super::chunk::Shape;
use super::members::{Member, Members, Span, after_blank, key_is, plain, text_begins, text_is, written};
use crate::domain::reject::Aside;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Record(Shape),
    /// A CloudTrail record lies at this place, whatever it looks like: EventBridge says so.
    Detail(Span),
    Aside(Aside),
    /// An array whose elements are records or envelopes.
    List(Span),
    /// Parts in which there may be a record, in order; if there is none, the second says what the object is.
    Holds(Parts, Otherwise),
    /// A member that holds records is there twice: taking one would hide the other.
    Ambiguous,
    Unknown,
}

/// How an envelope holds what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// As an object.
    Object(Span),
    /// As JSON in a string.
    Text(Span),
    /// As base64, of JSON or of gzip of JSON.
    Base64(Span),
}

/// The parts of an envelope in which there may be a record.
pub(super) type Parts = [Option<Content>; MOST_PARTS];

/// Parts of an envelope that are looked into; real ones have three at most.
const MOST_PARTS: usize = 6;

/// What an envelope is that holds nothing we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Otherwise {
    Unknown,
    Aside(Aside),
}

/// Whether a key of a top-level object holds a list that is to be read element by element.
pub(super) fn is_list_key(written: &[u8]) -> bool {
    matches!(written, b"Records" | b"records" | b"Events" | b"events" | b"logEvents" | b"Messages")
        || written.contains(&b'\\') && plain(written).is_some_and(|key| is_list_key(key.as_bytes()))
}

/// What the line `text` is, where one look at it decides: a usual record, or an object that is sound
/// throughout and holds no long list.
pub(super) fn of_line(text: &[u8]) -> Option<Class> {
    if let Some(shape) = first_key(text) {
        return Some(Class::Record(shape));
    }
    if token(text).is_some_and(|token| token.get(1..).and_then(written).is_some_and(is_list_key)) {
        return None;
    }
    let mut found = Found::default();
    match found.search(text) {
        Search::Decided(class) => Some(class),
        Search::Complete => Some(found.class(text)).filter(|class| !matches!(class, Class::List(_))),
        Search::Damaged => None,
    }
}

/// Recognises the usual records by how they begin.
pub(super) fn first_key(text: &[u8]) -> Option<Shape> {
    if let Some(rest) = text.strip_prefix(b"{\"eventVersion\":") {
        let rest = rest.strip_prefix(b" ").unwrap_or(rest);
        return (rest.starts_with(b"\"1.") && !rest.starts_with(KINESIS_VERSION))
            .then_some(Shape::CloudTrail);
    }
    let rest = text.strip_prefix(b"{\"time\":\"")?;
    let rest = after_quote(rest, 40)?.strip_prefix(b",\"type\":\"")?;
    let rest = after_quote(rest, 20)?;
    let vault = rest.starts_with(b",\"auth\":{") || rest.starts_with(b",\"request\":{");
    vault.then_some(Shape::Vault)
}

/// The version of Kinesis' own records, and of CloudTrail's aggregated ones: their other members decide.
const KINESIS_VERSION: &[u8] = b"\"1.0\"";

fn after_quote(text: &[u8], within: usize) -> Option<&[u8]> {
    let end = text.iter().take(within).position(|byte| *byte == b'"')?;
    text.get(end + 1..)
}

/// Recognises an object by its members.
pub(super) fn classify(text: &[u8]) -> Class {
    if let Some(shape) = first_key(text) {
        return Class::Record(shape);
    }
    let mut found = Found::default();
    match found.search(text) {
        Search::Decided(class) => class,
        Search::Complete | Search::Damaged => found.class(text),
    }
}

/// The members that tell one class from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    EventVersion,
    EventSource,
    S3,
    Time,
    Type,
    Part,
    DigestStart,
    DigestBucket,
    Bucket,
    ObjectKey,
    SnsType,
    Topic,
    Service,
    TestEvent,
    Detail,
    DetailType,
    Source,
    List,
    MessageType,
    Last,
}

/// What a key tells, if anything.
fn name(key: &[u8]) -> Option<Name> {
    let name = match key {
        b"eventVersion" => Name::EventVersion,
        b"eventSource" => Name::EventSource,
        b"s3" => Name::S3,
        b"time" => Name::Time,
        b"type" => Name::Type,
        b"auth" | b"request" | b"response" => Name::Part,
        b"digestStartTime" => Name::DigestStart,
        b"digestS3Bucket" => Name::DigestBucket,
        b"s3Bucket" => Name::Bucket,
        b"s3ObjectKey" => Name::ObjectKey,
        b"Type" => Name::SnsType,
        b"TopicArn" => Name::Topic,
        b"Service" => Name::Service,
        b"Event" => Name::TestEvent,
        b"detail" => Name::Detail,
        b"detail-type" => Name::DetailType,
        b"source" => Name::Source,
        b"messageType" => Name::MessageType,
        _ if is_list_key(key) => Name::List,
        _ => return None,
    };
    Some(name)
}

/// Whether a key is one that every CloudTrail record may have.
fn is_cloudtrail(key: &[u8]) -> bool {
    matches!(
        key,
        b"eventVersion"
            | b"eventSource"
            | b"eventName"
            | b"eventTime"
            | b"eventID"
            | b"eventId"
            | b"eventType"
            | b"eventCategory"
            | b"userIdentity"
            | b"awsRegion"
            | b"recipientAccountId"
            | b"requestParameters"
            | b"insightDetails"
    )
}

/// How many of CloudTrail's names make a record: one may be a coincidence.
const ENOUGH_NAMES: u32 = 2;

/// How looking at the members ended.
enum Search {
    /// One of them decided.
    Decided(Class),
    /// There are no more.
    Complete,
    /// The next one is damaged.
    Damaged,
}

#[derive(Default)]
struct Found {
    spans: [Option<Span>; Name::Last as usize],
    parts: Parts,
    cloudtrail_names: u32,
    /// Whether the object is from a queue or a stream and not the record itself.
    queued: bool,
    /// Whether a CloudWatch Logs message says that it is no log.
    control: bool,
    /// Whether `detail` or a list is there twice.
    ambiguous: bool,
    /// Whether `auth`, `request` or `response` is an object.
    vault_part: bool,
}

impl Found {
    fn search(&mut self, text: &[u8]) -> Search {
        let mut members = Members::new(text);
        for member in &mut members {
            if member.key.contains(&b'\\') {
                let Some(key) = plain(member.key) else { continue };
                self.note(text, &Member { key: key.as_bytes(), value: member.value });
            } else {
                self.note(text, &member);
            }
            if let Some(class) = self.decided(text) {
                return Search::Decided(class);
            }
        }
        if members.is_complete() { Search::Complete } else { Search::Damaged }
    }

    fn class(&self, text: &[u8]) -> Class {
        let known = self.record(text).or_else(|| self.aside(text));
        if known.is_none() && self.ambiguous {
            return Class::Ambiguous;
        }
        let known = known.or_else(|| self.event_bridge(text));
        known.or_else(|| self.list(text)).or_else(|| self.wrapper()).unwrap_or(Class::Unknown)
    }

    fn note(&mut self, text: &[u8], member: &Member<'_>) {
        self.cloudtrail_names += u32::from(is_cloudtrail(member.key));
        self.queued |= member.key == b"kinesis";
        self.control |= member.key == b"message" && text_begins(member.value.of(text), CONTROL_TEXT);
        if let Some(content) = Content::under(text, member)
            && let Some(free) = self.parts.iter_mut().find(|part| part.is_none())
        {
            *free = Some(content);
        }
        let Some(name) = name(member.key) else { return };
        if name == Name::Part {
            self.vault_part |= member.value.of(text).starts_with(b"{");
        }
        if let Some(span) = self.spans.get_mut(name as usize) {
            self.ambiguous |= span.is_some() && matches!(name, Name::Detail | Name::List);
            *span = span.or(Some(member.value));
        }
    }

    /// What the members so far already decide.
    fn decided(&self, text: &[u8]) -> Option<Class> {
        let version = self.get(Name::EventVersion);
        let version = version.map_or(&[][..], |version| version.of(text));
        if !self.queued && version != KINESIS_VERSION && text_begins(version, "1.") {
            return Some(Class::Record(Shape::CloudTrail));
        }
        let vault = self.vault_part && self.get(Name::Time).is_some() && self.get(Name::Type).is_some();
        vault.then_some(Class::Record(Shape::Vault))
    }

    fn get(&self, name: Name) -> Option<Span> {
        self.spans.get(name as usize).copied().flatten()
    }

    fn is(&self, text: &[u8], name: Name, word: &str) -> bool {
        self.get(name).is_some_and(|span| text_is(span.of(text), word))
    }

    fn begins(&self, text: &[u8], name: Name, start: &str) -> bool {
        self.get(name).is_some_and(|span| text_begins(span.of(text), start))
    }

    /// A CloudTrail record without a version, unless it is S3's notification, which looks like one.
    fn record(&self, text: &[u8]) -> Option<Class> {
        let named = self.get(Name::EventVersion).is_some() || self.get(Name::EventSource).is_some();
        if named && (self.is(text, Name::EventSource, "aws:s3") || self.get(Name::S3).is_some()) {
            return Some(Class::Aside(Aside::Notification));
        }
        let queued = self.queued || self.begins(text, Name::EventSource, "aws:");
        (self.cloudtrail_names >= ENOUGH_NAMES && !queued).then_some(Class::Record(Shape::CloudTrail))
    }

    fn aside(&self, text: &[u8]) -> Option<Class> {
        let has = |name| self.get(name).is_some();
        if has(Name::DigestStart) && has(Name::DigestBucket) {
            return Some(Class::Aside(Aside::Digest));
        }
        let announced = has(Name::Bucket) && has(Name::ObjectKey);
        if announced || has(Name::Service) && self.is(text, Name::TestEvent, "s3:TestEvent") {
            return Some(Class::Aside(Aside::Notification));
        }
        self.is(text, Name::MessageType, "CONTROL_MESSAGE").then_some(Class::Aside(Aside::Control))
    }

    /// EventBridge: a CloudTrail record as `detail`, or another service's own event.
    fn event_bridge(&self, text: &[u8]) -> Option<Class> {
        let (detail, kind) = (self.get(Name::Detail)?, self.get(Name::DetailType)?);
        if !detail.of(text).starts_with(b"{") {
            return None;
        }
        let kind = kind.of(text);
        if kind.ends_with(b" via CloudTrail\"") {
            return Some(Class::Detail(detail));
        }
        let written = self.is(text, Name::Source, "aws.s3") && text_begins(kind, "Object ");
        let aside = if written { Aside::Notification } else { Aside::OtherCall };
        Some(Class::Holds(
            [Some(Content::Object(detail)), None, None, None, None, None],
            Otherwise::Aside(aside),
        ))
    }

    fn list(&self, text: &[u8]) -> Option<Class> {
        let list = self.get(Name::List)?;
        list.of(text).starts_with(b"[").then_some(Class::List(list))
    }

    /// Exports and transports that wrap a record: SNS, SQS, Kinesis, LookupEvents, log shippers, SIEMs.
    fn wrapper(&self) -> Option<Class> {
        self.parts.first().copied().flatten()?;
        let sns = self.get(Name::SnsType).is_some() && self.get(Name::Topic).is_some();
        let otherwise = match (sns, self.control) {
            (true, _) => Otherwise::Aside(Aside::Notification),
            (_, true) => Otherwise::Aside(Aside::Control),
            _ => Otherwise::Unknown,
        };
        Some(Class::Holds(self.parts, otherwise))
    }
}

/// How CloudWatch Logs begins the text by which it tries a subscription.
const CONTROL_TEXT: &str = "CWL CONTROL MESSAGE";

impl Content {
    /// What may hold a record, by its key.
    fn under(text: &[u8], member: &Member<'_>) -> Option<Self> {
        let span = member.value;
        match member.key {
            b"awslogs" | b"kinesis" => {
                let data = Members::find(span.of(text), b"data")?;
                Some(Self::Base64(Span { start: span.start + data.start, end: span.start + data.end }))
            }
            b"data" | b"Data" => Self::of_data(text, span),
            b"Message" | b"Sns" | b"body" | b"Body" // SNS, SQS
            | b"CloudTrailEvent" // LookupEvents
            | b"detail" // EventBridge without its kind
            | b"message" | b"event" | b"original" | b"event.original" | b"_source" // Logstash, Elastic
            | b"result" | b"_raw" // Splunk
            | b"log" | b"MESSAGE" // container logs, journald
            | b"jsonPayload" | b"textPayload" // Google Cloud Logging
            => Self::of(text, span),
            _ => None,
        }
    }

    fn of(text: &[u8], span: Span) -> Option<Self> {
        match span.of(text).first()? {
            b'{' => Some(Self::Object(span)),
            b'"' => Some(Self::Text(span)),
            _ => None,
        }
    }

    /// `data` is an object in one export, JSON in another, base64 in Firehose.
    fn of_data(text: &[u8], span: Span) -> Option<Self> {
        let content = Self::of(text, span)?;
        let inner = after_blank(text, span.start + 1);
        let encoded = matches!(content, Self::Text(_)) && text.get(inner) != Some(&b'{');
        Some(if encoded { Self::Base64(span) } else { content })
    }
}

/// How a record begins: its brace and first key. Its siblings begin alike.
pub(super) fn token(text: &[u8]) -> Option<&[u8]> {
    if text.first() != Some(&b'{') {
        return None;
    }
    let quote = after_blank(text, 1);
    let key = text.get(quote + 1..)?;
    let length = key.iter().take(super::limits::LONGEST_TOKEN).position(|byte| *byte == b'"')?;
    (text.get(quote) == Some(&b'"') && length > 0).then(|| text.get(..quote + length + 2))?
}

/// Whether an object that begins like this is CloudWatch Logs' trial of a subscription.
pub(super) fn is_control(text: &[u8]) -> bool {
    Members::new(text)
        .any(|member| key_is(member.key, b"messageType") && text_is(member.value.of(text), "CONTROL_MESSAGE"))
}

#[cfg(test)]
#[path = "shape_tests.rs"]
mod tests;
