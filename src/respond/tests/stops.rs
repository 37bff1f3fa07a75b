//! What stops an action, who must approve one, and what runs by itself.

use super::*;

#[tokio::test]
async fn a_bound_that_is_exceeded_stops_an_action_and_says_so() {
    for (limits, told) in [
        ("{ per_hour: 1 }", "the bound is 1"),
        ("{ per_scope: 1 }", "actions in vault:"),
        ("{ per_owner: 1 }", "team-shop owns"),
    ] {
        let scene = Scene::new("propose", NARROW, &format!("limits: {limits}")).await;
        scene.misuse("userpass:mallory", Outcome::Success).await;
        scene.misuse("userpass:trudy", Outcome::Success).await;
        scene.round().await;
        for action in scene.actions().await {
            scene.approve(&action.id, "ada").await;
            scene.round().await;
        }
        let actions = scene.actions().await;
        let stopped: Vec<_> = actions.iter().filter(|of| of.state == ActionState::Stopped).collect();
        assert_eq!((stopped.len(), scene.operations().len()), (1, 1), "{actions:#?}");
        assert!(stopped[0].reason.as_deref().unwrap().contains(told), "{:?}", stopped[0].reason);
        // Once the hour is over, people may approve it again.
        scene.later(3_700);
        scene.approve(&stopped[0].id, "ada").await;
        scene.round().await;
        assert_eq!(scene.operations().len(), 2);
    }
}

#[tokio::test]
async fn nothing_is_done_to_the_same_target_while_it_cools_down() {
    let scene = Scene::new("propose", KEY, "limits: { cool_down: 1h }").await;
    scene.misuse("userpass:mallory", Outcome::Success).await;
    scene.misuse("userpass:trudy", Outcome::Success).await;
    scene.round().await;
    for action in scene.actions().await {
        scene.approve(&action.id, "ada").await;
        scene.approve(&action.id, "ben").await;
        scene.round().await;
    }
    let actions = scene.actions().await;
    let stopped = actions.iter().find(|of| of.state == ActionState::Stopped).unwrap();
    assert!(stopped.reason.as_deref().unwrap().contains("on the same target"), "{stopped:?}");
}

#[tokio::test]
async fn a_protected_key_or_principal_stops_an_action_whoever_approves() {
    for protected in ["vault:transit/or*", "orders", "userpass:mallory"] {
        let scene = Scene::new("propose", NARROW, &format!("protected: ['{protected}']")).await;
        scene.misuse("userpass:mallory", Outcome::Success).await;
        scene.round().await;
        for _ in 0..2 {
            let action = scene.only().await;
            assert_eq!(action.state, ActionState::Stopped);
            assert!(action.reason.as_deref().unwrap().contains("is protected"), "{action:?}");
            scene.approve(&action.id, "ada").await;
            scene.round().await;
        }
        assert_eq!(scene.operations(), [] as [&str; 0]);
    }
}

#[tokio::test]
async fn the_kill_switch_stops_what_was_approved_but_not_what_is_to_be_taken_back() {
    let scene = Scene::new("propose", NARROW, "").await;
    scene.misuse("userpass:mallory", Outcome::Success).await;
    scene.misuse("userpass:trudy", Outcome::Success).await;
    scene.round().await;
    let actions = scene.actions().await;
    scene.approve(&actions[0].id, "ada").await;
    scene.round().await;
    set_kill_switch(&scene.store, true, "ben", Some("outage"), morning()).await.unwrap();
    scene.approve(&actions[1].id, "ada").await;
    scene.act(&actions[0].id, Command::Rollback, "ada").await.unwrap();
    scene.round().await;
    let stopped = show(&scene.store, &actions[1].id).await.unwrap().action;
    assert_eq!(stopped.state, ActionState::Stopped);
    assert!(stopped.reason.as_deref().unwrap().contains("by ben: outage"), "{stopped:?}");
    assert_eq!(scene.operations(), ["do", "undo"]);
    set_kill_switch(&scene.store, false, "ben", None, morning()).await.unwrap();
    scene.approve(&actions[1].id, "ada").await;
    scene.round().await;
    assert_eq!(scene.operations(), ["do", "undo", "do"]);
}

#[tokio::test]
async fn an_attempt_that_was_stopped_never_touches_a_key() {
    let scene = Scene::new("propose", KEY, "").await;
    scene.misuse("userpass:mallory", Outcome::Denied).await;
    scene.round().await;
    assert_eq!(scene.actions().await, []);
}

#[tokio::test]
async fn disabling_a_key_takes_two_different_people_who_accept_what_would_be_lost() {
    let scene = Scene::new("automatic", KEY, "").await;
    scene.happened(event("disk", morning() - DAY, "service:ec2", "conforming", "success", "ec2"));
    scene.misuse("userpass:mallory", Outcome::Success).await;
    scene.round().await;
    let action = scene.only().await;
    assert_eq!((action.state, action.needs), (ActionState::Proposed, 2));
    assert!(action.impact.others.contains("service:ec2") && action.impact.services.contains("ec2"));
    let told = scene.act(&action.id, Command::Approve { accept_impact: false }, "ada").await.unwrap_err();
    assert!(told.contains("ec2 keeps data under this key"), "{told}");
    scene.approve(&action.id, "ada").await;
    let told = scene.act(&action.id, Command::Approve { accept_impact: true }, "ada").await.unwrap_err();
    assert!(told.contains("somebody else"), "{told}");
    scene.round().await;
    assert_eq!(scene.operations(), [] as [&str; 0]);
    scene.approve(&action.id, "ben").await;
    scene.round().await;
    assert_eq!(scene.operations(), ["do"]);
}

#[tokio::test]
async fn a_step_runs_by_itself_only_where_history_is_known_and_nothing_conforming_breaks() {
    let scene = Scene::new("automatic", NARROW, "").await;
    scene.misuse("userpass:mallory", Outcome::Success).await;
    scene.round().await;
    assert_eq!(scene.operations(), ["do"]);
    assert_eq!(scene.only().await.approvals, ["keyward"]);

    let short = Scene::new("automatic", NARROW, "look_back: 90d").await;
    short.misuse("userpass:mallory", Outcome::Success).await;
    short.round().await;
    let action = short.only().await;
    assert_eq!(action.state, ActionState::Proposed);
    assert!(action.reason.as_deref().unwrap().contains("its impact is not known"), "{action:?}");

    let used = Scene::new("automatic", NARROW, "").await;
    used.happened(event("good", morning() - DAY, "userpass:mallory", "conforming", "success", "direct"));
    used.misuse("userpass:mallory", Outcome::Success).await;
    used.round().await;
    let reason = used.only().await.reason.unwrap();
    assert!(reason.contains("would break 1 conforming uses"), "{reason}");
}

#[tokio::test]
async fn a_dry_run_is_written_down_and_cannot_be_approved() {
    let scene = Scene::new("dry_run", NARROW, "").await;
    scene.misuse("userpass:mallory", Outcome::Success).await;
    scene.round().await;
    let action = scene.only().await;
    assert_eq!(action.state, ActionState::DryRun);
    let told = scene.act(&action.id, Command::Approve { accept_impact: true }, "ada").await.unwrap_err();
    assert!(told.contains("dry run"), "{told}");
}

#[tokio::test]
async fn what_nobody_approves_in_time_expires() {
    let scene = Scene::new("propose", NARROW, "expires: 1h").await;
    scene.misuse("userpass:mallory", Outcome::Success).await;
    scene.round().await;
    scene.later(3_601);
    scene.round().await;
    let action = scene.only().await;
    assert_eq!(action.state, ActionState::Expired);
    let told = scene.act(&action.id, Command::Approve { accept_impact: true }, "ada").await.unwrap_err();
    assert!(told.contains("awaits nobody"), "{told}");
}
