//! What the keeper keeps against the same law written down plainly: maps instead of a store, one finding after
//! the other, everything counted anew each time.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::alert_id;
use super::facts::{Counts, Facts, Said, Seen};
use super::keeper::{Keeper, Raised};
use super::news::{News, Paged};
use super::page::Page;
use crate::config::Mode;
use crate::domain::alert::{DAY, Folding, Notice, Suppression};
use crate::domain::event::Outcome;
use crate::domain::finding::Finding;
use crate::domain::identity::hex_id;
use crate::domain::level::Level;
use crate::domain::time::{format_rfc3339, parse_rfc3339};
use crate::domain::verdict::{Aspect, Verdict};
use crate::store::{AlertKind, AlertRow, AlertState, Standing, Store};

/// 2026-11-24T00:00:00Z.
const MIDNIGHT: i64 = 1_795_478_400_000_000;

const SECOND: i64 = 1_000_000;

const CHANNEL: &str = "webhook";

type Found = (Finding, Folding);

/// One that may be a campaign.
struct Candidate {
    side: &'static str,
    value: String,
    pane: i64,
    said: Said,
    counts: Counts,
    parts: BTreeSet<(String, String)>,
    raised: bool,
}

/// Everything that is kept.
#[derive(Default)]
struct Law {
    /// By alert, then by finding.
    findings: BTreeMap<String, BTreeMap<String, Seen>>,
    said: BTreeMap<String, Said>,
    alerts: BTreeMap<String, AlertRow>,
    candidates: BTreeMap<String, Candidate>,
    payloads: BTreeMap<String, String>,
    suppressed: BTreeMap<Suppression, i64>,
}

fn time_of(finding: &Finding) -> i64 {
    parse_rfc3339(&finding.event_time).unwrap()
}

impl Law {
    fn raise(&mut self, batch: &[Found], now: i64) -> Raised {
        let mut raised = Raised::default();
        let mut alerts: BTreeMap<String, Vec<&Found>> = BTreeMap::new();
        for found in batch {
            let id = format!("{:032x}", alert_id(&found.1, time_of(&found.0)));
            alerts.entry(id).or_default().push(found);
        }
        let mut new: BTreeMap<&str, Vec<&Found>> = BTreeMap::new();
        let mut touched = BTreeSet::new();
        for (alert, founds) in &alerts {
            for found in least_copies(founds) {
                let seen = Seen::of(&found.0, time_of(&found.0));
                let kept = self.findings.entry(alert.clone()).or_default();
                if let Some(known) = kept.get_mut(&found.0.id) {
                    raised.known += 1;
                    *known = seen.min(*known);
                    continue;
                }
                kept.insert(found.0.id.clone(), seen);
                raised.new += 1;
                new.entry(alert).or_default().push(found);
                touched.extend(self.add_sides(alert, found));
            }
        }
        let campaigns: Vec<String> = touched.into_iter().filter(|id| self.is_campaign(id)).collect();
        for (id, founds) in &alerts {
            let new = new.remove(id.as_str()).unwrap_or_default();
            self.keep(id, founds, &new, &campaigns, now, &mut raised);
        }
        for id in campaigns {
            self.keep_campaign(&id, now, &mut raised);
        }
        raised
    }

    /// Adds a new finding to both of its candidates, and names them.
    fn add_sides(&mut self, alert: &str, (finding, folding): &Found) -> Vec<String> {
        let value = |column: &str| folding.by.get(column).cloned().flatten();
        let (Some(key), Some(principal)) = (value("key_id"), value("principal")) else { return Vec::new() };
        if folding.notice != Notice::AtOnce {
            return Vec::new();
        }
        let (time, mut ids) = (time_of(finding), Vec::new());
        let pane = time.div_euclid(600 * SECOND);
        for (side, value, other) in [("principal", &principal, &key), ("key_id", &key, &principal)] {
            let id = hex_id(&[b"campaign", side.as_bytes(), value.as_bytes(), &pane.to_le_bytes()]);
            let said = Said::of(finding, time, folding.owner.as_deref());
            let candidate = self.candidates.entry(id.clone()).or_insert_with(|| Candidate {
                side,
                value: value.clone(),
                pane,
                said: said.clone(),
                counts: Counts::default(),
                parts: BTreeSet::new(),
                raised: false,
            });
            candidate.said.merge(said);
            candidate.counts.add(Seen::of(finding, time));
            candidate.parts.insert((other.clone(), alert.to_owned()));
            ids.push(id);
        }
        ids
    }

    /// Whether a candidate is a campaign; one that was none before speaks for the alerts there are.
    fn is_campaign(&mut self, id: &str) -> bool {
        let candidate = self.candidates.get_mut(id).unwrap();
        let is_raised = candidate.parts.iter().map(|(other, _)| other).collect::<BTreeSet<_>>().len() > 10;
        if is_raised && !candidate.raised {
            candidate.raised = true;
            for (_, alert) in &candidate.parts {
                if let Some(row) = self.alerts.get_mut(alert) {
                    fold(row, id, candidate.pane);
                }
            }
        }
        is_raised
    }

    fn keep(
        &mut self,
        id: &str,
        founds: &[&Found],
        new: &[&Found],
        campaigns: &[String],
        now: i64,
        raised: &mut Raised,
    ) {
        for (finding, folding) in founds {
            let said = Said::of(finding, time_of(finding), folding.owner.as_deref());
            self.said.entry(id.to_owned()).or_insert_with(|| said.clone()).merge(said);
        }
        let folding = &founds[0].1;
        let facts = facts(self.said[id].clone(), self.findings[id].values());
        let mut row = match self.alerts.remove(id) {
            Some(row) if new.is_empty() && row.facts == serde_json::to_string(&facts).unwrap() => {
                self.alerts.insert(id.to_owned(), row);
                return;
            }
            Some(row) => row,
            None => new_row(id, AlertKind::Misuse, serde_json::to_string(&folding.by).unwrap(), now),
        };
        for campaign in campaigns {
            let candidate = &self.candidates[campaign];
            if candidate.parts.iter().any(|(_, alert)| alert == id) {
                fold(&mut row, campaign, candidate.pane);
            }
        }
        describe(&mut row, &facts, now);
        if !new.is_empty() {
            let daily = folding.notice == Notice::Daily;
            self.tell(&mut row, &facts, daily, raised);
        }
        self.alerts.insert(id.to_owned(), row);
    }

    fn keep_campaign(&mut self, id: &str, now: i64, raised: &mut Raised) {
        let candidate = &self.candidates[id];
        let others = candidate.parts.iter().map(|(other, _)| other).collect::<BTreeSet<_>>().len();
        let (mut said, value) = (candidate.said.clone(), candidate.value.clone());
        let worst = &mut said.worst;
        if candidate.side == "principal" {
            worst.title = "One caller misuses many keys".to_owned();
            worst.message =
                format!("{value} misused {others} keys within ten minutes; the worst: {}", worst.message);
            (worst.catalog_id, worst.owner, worst.key_id) = (None, None, None);
            worst.principal = Some(value.clone());
        } else {
            worst.title = "Many callers misuse one key".to_owned();
            worst.message = format!(
                "{value} was misused by {others} callers within ten minutes; the worst: {}",
                worst.message
            );
            worst.principal = None;
            worst.key_id = Some(value.clone());
        }
        let facts = Facts { said, counts: candidate.counts.clone(), stopped: None, success_after: None };
        let by = BTreeMap::from([(candidate.side, value)]);
        let row = self.alerts.remove(id);
        let by = serde_json::to_string(&by).unwrap();
        let mut row = row.unwrap_or_else(|| new_row(id, AlertKind::Campaign, by, now));
        describe(&mut row, &facts, now);
        self.tell(&mut row, &facts, false, raised);
        self.alerts.insert(id.to_owned(), row);
    }

    fn tell(&mut self, row: &mut AlertRow, facts: &Facts, daily: bool, raised: &mut Raised) {
        if row.transition == 0 || row.state == AlertState::Resolved {
            row.transition += 1;
            row.state = if row.transition > 1 { AlertState::Reopened } else { AlertState::Open };
            (row.pages, row.paged, row.opened_at) = (0, None, row.updated_at);
            raised.opened += 1;
        }
        let paged: Option<Paged> = row.paged.as_deref().map(|paged| serde_json::from_str(paged).unwrap());
        let opened = if row.transition > 1 { News::Reopened } else { News::Opened };
        let news = paged.as_ref().map_or(Some(opened), |paged| paged.news(facts));
        if news.is_some() && daily && paged.is_none() {
            (row.digest_day, row.folded_into) = (Some(row.updated_at.div_euclid(DAY)), None);
        }
        let reason = match news {
            None => Some(Suppression::NoNews),
            Some(_) if daily => Some(Suppression::Digest),
            Some(_) => row.folded_pane.map(|_| Suppression::Campaign),
        };
        if let Some(reason) = reason {
            *self.suppressed.entry(reason).or_default() += 1;
            *raised.suppressed.entry(reason).or_default() += 1;
        }
        let Some(news) = news else { return };
        if reason.is_none() {
            let page = Page::of(row, facts, news);
            let delivery = page.delivery_id(CHANNEL);
            self.payloads.insert(delivery.clone(), page.body("webhook", &delivery).unwrap());
            raised.pages.push(page);
            raised.deliveries += 1;
        }
        row.pages += 1;
        row.paged = Some(serde_json::to_string(&Paged::of(facts)).unwrap());
    }
}

/// Of several copies of a finding the least.
fn least_copies<'f>(founds: &[&'f Found]) -> Vec<&'f Found> {
    let mut copies: BTreeMap<&str, &Found> = BTreeMap::new();
    for found in founds {
        let seen = |found: &Found| Seen::of(&found.0, time_of(&found.0));
        let known = copies.entry(&found.0.id).or_insert(found);
        if seen(found) < seen(known) {
            *known = found;
        }
    }
    copies.into_values().collect()
}

fn facts<'s>(said: Said, seen: impl Iterator<Item = &'s Seen> + Clone) -> Facts {
    let mut facts = Facts::new(said);
    seen.clone().for_each(|seen| facts.counts.add(*seen));
    let times = |wanted| seen.clone().filter(move |seen| seen.standing() == wanted).map(|seen| seen.time);
    facts.stopped = times(Standing::Stopped).min();
    facts.success_after =
        facts.stopped.and_then(|stopped| times(Standing::Succeeded).filter(|time| *time >= stopped).min());
    facts
}

/// Lets a campaign speak for an alert unless an earlier one does, or of the same pane one with a lesser id.
fn fold(row: &mut AlertRow, campaign: &str, pane: i64) {
    let known = row.folded_pane.zip(row.folded_into.clone());
    if known.is_none_or(|known| (pane, campaign.to_owned()) < known) {
        (row.folded_pane, row.folded_into) = (Some(pane), Some(campaign.to_owned()));
    }
}

fn new_row(id: &str, kind: AlertKind, alert_by: String, now: i64) -> AlertRow {
    AlertRow {
        id: id.to_owned(),
        kind,
        state: AlertState::Open,
        level: Level::Low,
        title: String::new(),
        key_id: None,
        principal: None,
        findings: 0,
        first_time: 0,
        last_time: 0,
        transition: 0,
        pages: 0,
        paged: None,
        folded_into: None,
        folded_pane: None,
        digest_day: None,
        alert_by,
        facts: String::new(),
        opened_at: now,
        updated_at: now,
    }
}

fn describe(row: &mut AlertRow, facts: &Facts, now: i64) {
    let worst = facts.said.worst.clone();
    (row.level, row.title, row.key_id, row.principal) =
        (worst.level, worst.title, worst.key_id, worst.principal);
    row.findings = facts.counts.total() as i64;
    (row.first_time, row.last_time) = (facts.counts.first.unwrap(), facts.counts.last.unwrap());
    (row.facts, row.updated_at) = (serde_json::to_string(facts).unwrap(), now);
}

/// Few ids in few alerts: the same finding comes again, in other copies and in other alerts; enough keys and
/// callers within a pane for campaigns of both sides.
fn any_found() -> impl Strategy<Value = Found> {
    let outcome = prop_oneof![
        Just(None),
        Just(Some(Outcome::Success)),
        Just(Some(Outcome::Denied)),
        Just(Some(Outcome::Unknown))
    ];
    let level = prop_oneof![9 => Just(Level::Medium), 1 => Just(Level::High)];
    let aspect = prop_oneof![9 => Just(Aspect::Function), 1 => Just(Aspect::Via)];
    let names = prop_oneof![(0_u8..16, 0_u8..2), (0_u8..2, 0_u8..16)];
    let time = prop_oneof![4 => 0_i64..900, 1 => 86_300_i64..86_700];
    (0_u32..200, names, 0_u8..8, level, time, outcome, aspect).prop_map(
        |(id, (key, principal), detector, level, second, outcome, aspect)| {
            let (key, principal) = (Some(format!("key-{key}")), Some(format!("caller-{principal}")));
            let finding = Finding {
                id: format!("{id:032x}"),
                detector: format!("KP-{detector:03}"),
                level,
                title: "Does not fit".to_owned(),
                event_id: format!("event-{id}"),
                event_time: format_rfc3339(MIDNIGHT + second * SECOND),
                provider: None,
                key_id: key.clone(),
                catalog_id: None,
                principal: principal.clone(),
                session_name: None,
                function: None,
                action: None,
                outcome,
                verdict: Verdict::Violation,
                violations: vec![aspect],
                message: format!("event {id} does not fit"),
                tags: Vec::new(),
                source: None,
                position: None,
                window: None,
            };
            let by = [("key_id".into(), key.clone()), ("principal".into(), principal)].into();
            let folding = match detector {
                0 => Folding { notice: Notice::Daily, ..Folding::by([("key_id".into(), key)].into()) },
                _ => Folding { owner: Some("team".to_owned()), ..Folding::by(by) },
            };
            (finding, folding)
        },
    )
}

async fn resolve(store: &Store, id: &str) {
    let mut transaction = store.begin_alerts().await.unwrap();
    let row = transaction.alerts(&[id]).await.unwrap().remove(id).unwrap();
    transaction.write_alerts(&[AlertRow { state: AlertState::Resolved, ..row }]).await.unwrap();
    transaction.commit().await.unwrap();
}

/// Every delivery's body; they count as made.
async fn payloads(store: &Store) -> BTreeMap<String, String> {
    let mut payloads = BTreeMap::new();
    loop {
        let pending = store.pending_deliveries(CHANNEL, 1_000).await.unwrap();
        if pending.is_empty() {
            return payloads;
        }
        for delivery in pending {
            store.delivery_arrived(&delivery.id, (1, 0), 0).await.unwrap();
            payloads.insert(delivery.id, delivery.payload);
        }
    }
}

async fn compare(batches: &[Vec<Found>]) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), 1).await.unwrap();
    let keeper = Keeper::new(Mode::Page, vec![CHANNEL.to_owned()]);
    let mut law = Law::default();
    for (place, batch) in batches.iter().enumerate() {
        let now = MIDNIGHT + place as i64;
        let raised = keeper.raise(&store, batch, now).await.unwrap();
        assert_eq!(raised, law.raise(batch, now), "batch {place}");
        if place % 3 == 2
            && let Some((id, row)) = law.alerts.iter_mut().nth(place)
        {
            row.state = AlertState::Resolved;
            resolve(&store, id).await;
        }
    }
    let mut alerts = store.alerts(i64::MAX).await.unwrap();
    alerts.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(alerts, law.alerts.into_values().collect::<Vec<_>>());
    let suppressed: BTreeMap<_, _> = store.suppressed().await.unwrap().into_iter().collect();
    assert_eq!(suppressed, law.suppressed);
    assert_eq!(payloads(&store).await, law.payloads);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_store_holds_what_the_law_says_whatever_the_cut_into_batches(
        found in prop::collection::vec(any_found(), 1..300),
        cuts in prop::collection::vec(1_usize..150, 1..12),
    ) {
        let (mut batches, mut rest) = (Vec::new(), found.as_slice());
        for cut in cuts.into_iter().cycle() {
            let (batch, after) = rest.split_at(cut.min(rest.len()));
            batches.push(batch.to_vec());
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(compare(&batches));
    }
}
