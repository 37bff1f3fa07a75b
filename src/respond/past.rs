//! What history says: about one call, about what an action would break, and about what came after it.

use std::sync::Arc;

use arrow::array::{Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::prelude::SessionContext;
use futures::future::BoxFuture;

use super::error::RespondError;
use super::impact::{Coverage, Impact, Used};
use super::playbook::Hit;
use super::subject::{Subject, clear, paths};
use crate::domain::action::ActionKind;
use crate::domain::time::{format_rfc3339, parse_rfc3339};
use crate::sql::session::{self, Limits};

/// A session with the tables of history, as of now.
pub type Open = Arc<dyn Fn() -> BoxFuture<'static, Result<SessionContext, String>> + Send + Sync>;

/// Groups of uses that an impact names; more nobody reads, their number is told.
const MOST_USED: usize = 50;

/// How far from a finding's time its event is looked for, in microseconds: both are the log's own.
const NEAR: i64 = 1_000_000;

/// A use by this clock so soon after an action may have been before it by the log's, in microseconds.
const CLOCKS_DIFFER: i64 = 2_000_000;

/// Services that keep data under a key for as long as it lives: without it the data is gone.
const KEEPS_DATA: &str = "'rds', 'ec2', 'dynamodb', 'redshift', 'fsx', 'backup'";

/// History, open for the questions of this module.
#[derive(Clone)]
pub struct Past {
    session: SessionContext,
    limits: Limits,
}

/// What later events say of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Somebody was stopped, and nobody got through.
    Seen {
        stopped: u64,
    },
    /// Somebody got through.
    Contradicted {
        succeeded: u64,
    },
    NothingYet,
}

/// One row of an answer, its values as text.
type Texts = Vec<Option<String>>;

impl Past {
    /// Opens it.
    ///
    /// # Errors
    /// Where the files of history cannot be read.
    pub async fn open(open: &Open) -> Result<Self, RespondError> {
        let session = open().await.map_err(RespondError::History)?;
        Ok(Self { session, limits: Limits::default() })
    }

    async fn ask(&self, sql: &str, values: &[(&str, ScalarValue)]) -> Result<Vec<Texts>, RespondError> {
        let values: Vec<_> = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let frame = session::plan(&self.session, sql, &self.limits).await?;
        let frame = frame.with_param_values(ParamValues::from(values));
        let frame = frame.map_err(|error| RespondError::History(error.to_string()))?;
        let answer = session::collect(frame, &self.limits).await?;
        let mut rows = Vec::new();
        for batch in &answer.batches {
            let columns: Result<Vec<_>, _> =
                batch.columns().iter().map(|column| cast(column, &DataType::Utf8)).collect();
            let columns = columns.map_err(|error| RespondError::History(error.to_string()))?;
            let texts: Vec<&StringArray> =
                columns.iter().filter_map(|column| column.as_any().downcast_ref()).collect();
            rows.extend((0..batch.num_rows()).map(|row| {
                let value =
                    |column: &&StringArray| column.is_valid(row).then(|| column.value(row).to_owned());
                texts.iter().map(value).collect::<Texts>()
            }));
        }
        Ok(rows)
    }

    /// Whom and what the call behind a finding was about; nothing where it is not sealed yet, or no longer kept.
    pub(super) async fn subject(&self, hit: &Hit) -> Result<Option<Subject>, RespondError> {
        let time = parse_rfc3339(&hit.event_time).unwrap_or_default();
        let sql = "SELECT provider, action, key_id, catalog_id, principal, session_name, entity_id, credential_id, \
            namespace, key_account, key_region, via, outcome FROM events WHERE event_id = $event AND event_time >= \
            CAST($from AS TIMESTAMP) AND event_time <= CAST($to AS TIMESTAMP) ORDER BY key_id IS NOT DISTINCT FROM $key \
            DESC, ordinal LIMIT 1";
        let values = [
            ("event", text(&hit.event_id)),
            ("from", text(&format_rfc3339(time - NEAR))),
            ("to", text(&format_rfc3339(time + NEAR))),
            ("key", ScalarValue::Utf8(hit.key_id.clone())),
        ];
        let Some(row) = self.ask(sql, &values).await?.pop() else { return Ok(None) };
        let mut values = row.into_iter();
        let mut next = || values.next().flatten();
        let mut subject = Subject {
            provider: next().unwrap_or_default(),
            event: hit.event_id.clone(),
            event_time: time,
            action: next(),
            key: next(),
            catalog_id: next(),
            principal: next(),
            session: clear(next()),
            entity_id: clear(next()).filter(|entity| !entity.is_empty()),
            credential: clear(next()),
            namespace: next().filter(|namespace| !namespace.is_empty()),
            account: next().filter(|account| !account.is_empty()),
            region: next(),
            via: next(),
            outcome: next(),
            paths: Vec::new(),
        };
        let key = subject.key.as_deref().unwrap_or_default();
        subject.paths = paths(key, subject.namespace.as_deref(), subject.action.as_deref());
        Ok(Some(subject))
    }

    /// What an action would break, by the uses since `from`.
    pub(super) async fn impact(
        &self,
        kind: ActionKind,
        subject: &Subject,
        from: i64,
        now: i64,
    ) -> Result<Impact, RespondError> {
        let (filter, mut values) = hit_by(kind, subject);
        values.push(("from", text(&format_rfc3339(from))));
        let sql = format!(
            "SELECT principal, key_id, via, coalesce(caller_tenant, tenant) AS tenant, function, \"use\", \
             count(*) AS uses, count(*) FILTER (WHERE verdict = 'conforming') AS conforming, \
             max(event_time) AS last FROM events WHERE category = 'use' AND outcome IN ('success', 'partial') \
             AND event_time >= CAST($from AS TIMESTAMP) AND {filter} \
             GROUP BY principal, key_id, via, coalesce(caller_tenant, tenant), function, \"use\" \
             ORDER BY conforming DESC, uses DESC, principal, key_id, function"
        );
        let used: Vec<Used> = self.ask(&sql, &values).await?.into_iter().map(used_of).collect();
        let dangers = self.dangers(kind, subject).await?;
        let coverage = self.coverage(&subject.provider, from, now).await?;
        Ok(Impact::of(used, MOST_USED, subject.principal.as_deref(), coverage, dangers, from, now))
    }

    /// What would be lost with the key itself, over all of history.
    async fn dangers(&self, kind: ActionKind, subject: &Subject) -> Result<Vec<String>, RespondError> {
        let mut dangers = Vec::new();
        let (true, Some(key)) = (kind.touches_key(), &subject.key) else { return Ok(dangers) };
        let of_key = [("key", text(key))];
        let sql = format!(
            "SELECT DISTINCT via FROM events WHERE key_id = $key AND via IN ({KEEPS_DATA}) ORDER BY via"
        );
        for row in self.ask(&sql, &of_key).await? {
            let via = row.into_iter().flatten().next().unwrap_or_default();
            dangers.push(format!("{via} keeps data under this key: what it keeps cannot be read without it"));
        }
        let sql = "SELECT count(*) FILTER (WHERE action = 'CreateGrant') - count(*) FILTER (WHERE action IN \
            ('RevokeGrant', 'RetireGrant')) AS live FROM events WHERE key_id = $key AND outcome = 'success'";
        let live = self.ask(sql, &of_key).await?.pop().and_then(|row| row.into_iter().flatten().next());
        match live.and_then(|live| live.parse::<i64>().ok()) {
            Some(live) if live > 0 => dangers.push(format!("{live} grants of this key are live")),
            _ => {}
        }
        Ok(dangers)
    }

    /// Whether history covers all of the time since `from`.
    async fn coverage(&self, provider: &str, from: i64, now: i64) -> Result<Coverage, RespondError> {
        let sql = "SELECT min(event_time) FROM events WHERE provider = $provider";
        let first = self.ask(sql, &[("provider", text(provider))]).await?.pop();
        let first = first.and_then(|row| row.into_iter().flatten().next());
        let mut unknown = Vec::new();
        // The cast to text has no zone; the sealed columns are in UTC.
        let began =
            first.as_deref().and_then(|first| parse_rfc3339(&format!("{}Z", first.trim_end_matches('Z'))));
        if began.is_none_or(|began| began > from) {
            let since = began
                .map_or("nothing of it".to_owned(), |began| format!("it since {}", format_rfc3339(began)));
            unknown.push(format!("history holds {since}"));
        }
        let sql = "SELECT source, kind, count(*) AS spans FROM coverage WHERE kind <> 'read' AND \
            (to_time IS NULL OR to_time >= CAST($from AS TIMESTAMP)) AND (from_time IS NULL OR from_time <= \
            CAST($to AS TIMESTAMP)) GROUP BY source, kind ORDER BY source, kind";
        let span = [("from", text(&format_rfc3339(from))), ("to", text(&format_rfc3339(now)))];
        for row in self.ask(sql, &span).await? {
            let words: Vec<String> = row.into_iter().map(Option::unwrap_or_default).collect();
            unknown.push(format!(
                "of {} not all was read: {} times {}",
                nth(&words, 0),
                nth(&words, 2),
                nth(&words, 1)
            ));
        }
        Ok(Coverage { unknown })
    }

    /// What events since `since` say of an action.
    pub(super) async fn effect(
        &self,
        kind: ActionKind,
        subject: &Subject,
        since: i64,
    ) -> Result<Effect, RespondError> {
        let (filter, mut values) = hit_by(kind, subject);
        values.push(("since", text(&format_rfc3339(since))));
        values.push(("surely", text(&format_rfc3339(since + CLOCKS_DIFFER))));
        let sql = format!(
            "SELECT count(*) FILTER (WHERE outcome IN ('denied', 'refused')) AS stopped, count(*) FILTER \
             (WHERE outcome IN ('success', 'partial') AND event_time >= CAST($surely AS TIMESTAMP)) AS succeeded \
             FROM events WHERE category = 'use' AND event_time >= CAST($since AS TIMESTAMP) AND {filter}"
        );
        let row = self.ask(&sql, &values).await?.pop().unwrap_or_default();
        let mut counts =
            row.into_iter().map(|count| count.and_then(|count| count.parse().ok()).unwrap_or(0_u64));
        let (stopped, succeeded) = (counts.next().unwrap_or_default(), counts.next().unwrap_or_default());
        Ok(match (stopped, succeeded) {
            (_, 1..) => Effect::Contradicted { succeeded },
            (1.., 0) => Effect::Seen { stopped },
            (0, 0) => Effect::NothingYet,
        })
    }
}

/// Which events an action hits, as a condition of SQL with the values of its parameters.
fn hit_by(kind: ActionKind, subject: &Subject) -> (&'static str, Vec<(&'static str, ScalarValue)>) {
    let of = |value: &Option<String>| ScalarValue::Utf8(value.clone());
    let (entity, key) = (("entity", of(&subject.entity_id)), ("key", of(&subject.key)));
    let principal = ("principal", of(&subject.principal));
    match kind {
        ActionKind::DenyPath => ("entity_id = $entity AND key_id = $key", vec![entity, key]),
        // A disabled entity's refused calls name its tokens alone, hashed with the salt of the audit device whose copy
        // came first: from another device's they are not recognised, and nothing is said of the effect.
        ActionKind::DisableEntity => (
            "(entity_id = $entity OR credential_id IN (SELECT credential_id FROM events WHERE entity_id = $entity \
             AND credential_id IS NOT NULL))",
            vec![entity],
        ),
        ActionKind::RevokeAccessor => {
            ("credential_id = $credential", vec![("credential", of(&subject.credential))])
        }
        ActionKind::RevokeSessions | ActionKind::DenyPrincipal => ("principal = $principal", vec![principal]),
        ActionKind::RevokeGrant => ("principal = $principal AND key_id = $key", vec![principal, key]),
        ActionKind::ChangeKeyPolicy | ActionKind::SoftDelete | ActionKind::DisableKey => {
            ("key_id = $key", vec![key])
        }
    }
}

fn text(value: &str) -> ScalarValue {
    ScalarValue::Utf8(Some(value.to_owned()))
}

fn nth(words: &[String], place: usize) -> &str {
    words.get(place).map(String::as_str).unwrap_or_default()
}

fn used_of(row: Texts) -> Used {
    let mut values = row.into_iter();
    let mut next = || values.next().flatten();
    let mut used = Used {
        principal: next(),
        key: next(),
        via: next(),
        tenant: next(),
        function: next(),
        purpose: next(),
        ..Used::default()
    };
    let mut count = || next().and_then(|count| count.parse().ok()).unwrap_or_default();
    (used.uses, used.conforming) = (count(), count());
    used.last = next();
    used
}
