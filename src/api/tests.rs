use super::slots::Slots;
use super::token::same;

#[test]
fn tokens_are_the_same_only_when_all_of_them_is() {
    assert!(same(b"secret", b"secret"));
    for other in [&b"secreT"[..], b"secret ", b"secre", b""] {
        assert!(!same(other, b"secret"));
    }
}

#[tokio::test]
async fn the_connection_that_has_asked_nothing_for_longest_leaves_and_a_busy_one_never() {
    let slots = Slots::new(3);
    let (first, second, third) = (slots.take().unwrap(), slots.take().unwrap(), slots.take().unwrap());
    assert!(slots.take().is_none());
    first.busy();
    second.busy();
    second.waits();
    assert!(slots.evict());
    third.asked_to_leave().await;
    assert!(slots.evict());
    second.asked_to_leave().await;
    assert!(!slots.evict(), "the first is in the middle of a request");
    drop(third);
    slots.freed().await;
    assert_eq!(slots.open(), 2);
    assert!(slots.take().is_some());
}
