//! Mail over a real server that wants STARTTLS and AUTH.

use keyward::store::DeliveryState;
use serde_json::{Value, json};

use super::{Service, alerts, page};
use crate::services::smtp::{Mail, Smtp};

fn mail_channel(smtp: &Smtp, folder: &std::path::Path) -> Value {
    let password = folder.join("password");
    std::fs::write(&password, "opensesame\n").unwrap();
    json!({
        "name": "mail", "allow_networks": ["127.0.0.0/8"], "timeout": "20s",
        "retry": { "first": "10ms", "longest": "50ms", "give_up_after": "1h" },
        "email": {
            "host": "localhost", "port": smtp.port, "authorities": smtp.certificate(),
            "username": "keyward", "password": password,
            "from": "keyward <keyward@example.com>", "to": ["soc@example.com", "second@example.com"],
        },
    })
}

/// A header, in one line.
fn header(mail: &Mail, name: &str) -> String {
    let head = mail.data.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
    let begin = format!("{name}: ");
    head.lines().find_map(|line| line.strip_prefix(&begin)).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_of_an_alert_are_one_thread_and_the_same_bytes_however_often_they_are_tried() {
    let Some(smtp) = Smtp::start() else { return };
    smtp.answers(&["451 4.3.0 try again later", "452 4.2.2 mailbox full"]);
    let data = tempfile::tempdir().unwrap();
    let config = alerts(json!({
        "channels": [mail_channel(&smtp, data.path())],
        "route": { "to": ["mail", { "channel": "mail", "contact": true }] },
    }));
    let service = Service::start(data.path(), &config).await;
    service.tell(&page("a1", 0, "opened", "high")).await;
    service.until_delivered(2).await;
    service.tell(&page("a1", 1, "resolved", "high")).await;
    let rows = service.until_delivered(4).await;
    assert!(rows.iter().all(|row| row.answer.as_deref() == Some("250 taken")), "{rows:#?}");
    service.stop().await;
    let mails = smtp.mails();
    assert_eq!(mails.len(), 6, "two were told to come back");
    for mail in &mails {
        assert!(mail.encrypted && mail.login, "{mail:?}");
        assert_eq!(mail.from, "keyward@example.com");
        assert_eq!(header(mail, "References"), "<a1@example.com>");
        assert_eq!(header(mail, "In-Reply-To"), "<a1@example.com>");
        assert_eq!(header(mail, "Auto-Submitted"), "auto-generated");
        let owner = header(mail, "To") == "model-signing@example.com";
        let to: &[&str] =
            if owner { &["model-signing@example.com"] } else { &["soc@example.com", "second@example.com"] };
        assert_eq!(mail.to, to);
        assert!(
            mail.data.contains("Content-Type: text/plain") && mail.data.contains("Content-Type: text/html")
        );
    }
    let of = |answer: &str| mails.iter().filter(|mail| mail.answer.starts_with(answer)).collect::<Vec<_>>();
    for refused in [of("451"), of("452")].concat() {
        let same =
            of("250").into_iter().find(|mail| header(mail, "Message-ID") == header(refused, "Message-ID"));
        assert_eq!(same.unwrap().data, refused.data, "a retry is the same byte for byte");
    }
    let subjects: std::collections::BTreeSet<_> = mails.iter().map(|mail| header(mail, "Subject")).collect();
    let subject = "[HIGH] Function outside the declared purpose: model-signing";
    assert_eq!(subjects, [subject.to_owned(), format!("Resolved: {subject}")].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_or_certificate_sends_nothing_and_says_why() {
    let Some(smtp) = Smtp::start() else { return };
    let data = tempfile::tempdir().unwrap();
    let mut channel = mail_channel(&smtp, data.path());
    std::fs::write(data.path().join("password"), "wrong").unwrap();
    let mut stranger = channel.clone();
    stranger["name"] = "stranger".into();
    stranger["email"].as_object_mut().unwrap().remove("authorities");
    stranger["retry"]["give_up_after"] = "100ms".into();
    channel["retry"]["give_up_after"] = "1h".into();
    let service = Service::start(data.path(), &alerts(json!({ "channels": [channel, stranger] }))).await;
    service.tell(&page("a1", 0, "opened", "high")).await;
    let rows = service.until(2, |row| row.state == DeliveryState::Parked).await;
    let why = |name: &str| {
        let row = rows.iter().find(|row| row.channel == name).unwrap();
        row.last_error.clone().unwrap()
    };
    assert!(why("mail").contains("535"), "{}", why("mail"));
    assert!(why("stranger").contains("certificate"), "{}", why("stranger"));
    assert!(rows.iter().all(|row| !row.last_error.as_deref().unwrap().contains("wrong")), "{rows:#?}");
    assert!(smtp.mails().is_empty());
    service.stop().await;
}
