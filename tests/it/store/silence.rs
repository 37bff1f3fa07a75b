//! Silences and inhibition, on both databases: what pages nobody is kept, counted and listed.

use keyward::alerts::News;
use keyward::alerts::life::{LifeError, Matcher, NewSilence, add_silence, end_silence, silences, untold};
use keyward::domain::alert::{DAY, Suppression};
use keyward::domain::event::Outcome;
use keyward::domain::level::Level;
use keyward::domain::time::format_rfc3339;
use keyward::domain::verdict::Aspect;
use keyward::store::Store;

use super::alerts::{NOW, finding, keeper};
use super::life::{only, raise};
use super::{Home, on_both};

on_both! {
    a_silenced_alert_pages_nobody_until_the_silence_ends_and_then_with_its_next_finding;
    a_silence_mutes_only_what_it_wholly_covers;
    a_critical_alert_on_a_key_mutes_the_low_ones_on_it;
    a_silence_for_everything_for_ever_or_without_a_reason_is_refused;
}

fn new(matcher: Matcher, until: i64) -> NewSilence {
    NewSilence { matcher, reason: "load test".to_owned(), from: None, until: format_rfc3339(until) }
}

async fn a_silenced_alert_pages_nobody_until_the_silence_ends_and_then_with_its_next_finding(home: Home) {
    let store = home.open(1).await.unwrap();
    let matcher = Matcher { key: Some("?".to_owned()), ..Matcher::default() };
    let silence = add_silence(&store, &new(matcher, NOW + DAY), "ada", NOW).await.unwrap();
    assert_eq!(raise(&store, 1, Level::Medium, Aspect::Function).await, []);
    assert_eq!(raise(&store, 2, Level::High, Aspect::Function).await, []);
    assert_eq!(only(&store).await.alert.count, 2, "it is kept all the same");
    let listed = untold(&store, Some(Suppression::Silenced), 10).await.unwrap();
    let [muted] = listed.as_slice() else { panic!("{listed:?}") };
    assert_eq!((muted.pages, muted.level, muted.key_id.as_deref()), (2, Level::High, Some("a")));

    let ended = end_silence(&store, &silence.id, "bob", Some("done"), NOW + 3).await.unwrap();
    assert_eq!((ended.ended_by.as_deref(), ended.author.as_str()), (Some("bob"), "ada"));
    assert!(silences(&store, false, 10, NOW + 4).await.unwrap().is_empty());
    assert_eq!(silences(&store, true, 10, NOW + 4).await.unwrap().len(), 1);
    let again = end_silence(&store, &silence.id, "bob", None, NOW + 5).await.unwrap_err();
    assert!(matches!(again, LifeError::Conflict(_)), "{again}");
    assert_eq!(raise(&store, 5, Level::High, Aspect::Function).await, [News::Opened], "nobody was told yet");
    assert_eq!(raise(&store, 6, Level::High, Aspect::Function).await, []);
}

/// Whether a new alert of one detector and tag about key `a` is told, under this silence.
async fn is_told(store: &Store, id: u32, matcher: Matcher) -> bool {
    let now = NOW + i64::from(id);
    let silence = add_silence(store, &new(matcher, now + DAY), "ada", now).await.unwrap();
    let (mut finding, mut folding) = finding(id, "a", Outcome::Success);
    finding.tags = vec!["attack.t1552.004".to_owned(), "ccm.cek-11".to_owned()];
    folding.span = i64::from(id) + DAY;
    let raised = keeper().raise(store, &[(finding, folding)], now).await.unwrap();
    end_silence(store, &silence.id, "ada", None, now + 1).await.unwrap();
    !raised.pages.is_empty()
}

async fn a_silence_mutes_only_what_it_wholly_covers(home: Home) {
    let store = home.open(1).await.unwrap();
    let glob = |glob: &str| Some(glob.to_owned());
    let tags = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect();
    let cases = [
        (Matcher { key: glob("*"), ..Matcher::default() }, false),
        (Matcher { key: glob("b*"), ..Matcher::default() }, true),
        (Matcher { detector: glob("KP-00?"), principal: glob("approle:*"), ..Matcher::default() }, false),
        (Matcher { detector: glob("KP-1*"), ..Matcher::default() }, true),
        (Matcher { level: Some(Level::Medium), ..Matcher::default() }, false),
        (Matcher { level: Some(Level::Low), ..Matcher::default() }, true),
        (Matcher { tags: tags(&["ccm.cek-11"]), ..Matcher::default() }, false),
        (Matcher { tags: tags(&["ccm.cek-11", "other"]), ..Matcher::default() }, true),
    ];
    for (id, (matcher, told)) in (1_u32..).zip(cases) {
        assert_eq!(is_told(&store, 10 * id, matcher.clone()).await, told, "{matcher:?}");
    }
    // Another detector names the same misuse: the silence does not cover it.
    let matcher = Matcher { detector: glob("KP-001"), ..Matcher::default() };
    add_silence(&store, &new(matcher, NOW + DAY), "ada", NOW).await.unwrap();
    let (one, folding) = finding(900, "z", Outcome::Success);
    let mut other = finding(901, "z", Outcome::Success).0;
    other.detector = "KP-002".to_owned();
    for (finding, told) in [(one, 0), (other, 1)] {
        let raised = keeper().raise(&store, &[(finding, folding.clone())], NOW).await.unwrap();
        assert_eq!(raised.pages.len(), told);
    }
}

async fn a_critical_alert_on_a_key_mutes_the_low_ones_on_it(home: Home) {
    let store = home.open(1).await.unwrap();
    let raise = async |id: u32, key: &str, level: Level| {
        let (mut finding, mut folding) = finding(id, key, Outcome::Success);
        finding.level = level;
        // Each an alert of its own.
        folding.span = DAY + i64::from(id);
        let raised = keeper().raise(&store, &[(finding, folding)], NOW + i64::from(id)).await.unwrap();
        raised.pages.len()
    };
    assert_eq!(raise(1, "a", Level::Critical).await, 1);
    assert_eq!(raise(2, "a", Level::Low).await, 0);
    assert_eq!(raise(3, "a", Level::Medium).await, 1, "only low ones are muted");
    assert_eq!(raise(4, "b", Level::Low).await, 1, "only those on the same key");
    let critical = keyward::alerts::kept(&store, 10).await.unwrap();
    let critical = critical.iter().find(|kept| kept.alert.level == Level::Critical).unwrap();
    keyward::alerts::life::act(&store, &critical.alert.id, &super::life::request(super::life::RESOLVE), NOW)
        .await
        .unwrap();
    assert_eq!(raise(5, "a", Level::Low).await, 1, "the critical one is resolved");
    let listed = untold(&store, Some(Suppression::Inhibited), 10).await.unwrap();
    assert_eq!(listed.iter().map(|row| row.pages).collect::<Vec<_>>(), [1]);
}

async fn a_silence_for_everything_for_ever_or_without_a_reason_is_refused(home: Home) {
    let store = home.open(1).await.unwrap();
    let key = || Matcher { key: Some("a".to_owned()), ..Matcher::default() };
    let broken = Matcher { key: Some("[".to_owned()), ..Matcher::default() };
    let unreasoned = NewSilence { reason: "  ".to_owned(), ..new(key(), NOW + DAY) };
    for silence in [
        new(Matcher::default(), NOW + DAY),
        new(key(), NOW),
        new(key(), NOW + 93 * DAY),
        new(broken, NOW + DAY),
        unreasoned,
    ] {
        let refused = add_silence(&store, &silence, "ada", NOW).await.unwrap_err();
        assert!(matches!(refused, LifeError::Invalid(_)), "{silence:?}: {refused}");
    }
    let twice = [(); 2].map(|()| new(key(), NOW + DAY));
    for silence in twice {
        add_silence(&store, &silence, "ada", NOW).await.unwrap();
    }
    assert_eq!(silences(&store, true, 10, NOW).await.unwrap().len(), 1, "asked twice it is one");
}
