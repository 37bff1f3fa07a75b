//! Receivers that speak the documented formats: every transition arrives as what it is, under one key.

use std::path::Path;

use keyward::store::DeliveryState;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, UdpSocket};

use super::{PATIENCE, Service, alerts, page};
use crate::alerts_service::receiver::{Answer, Receiver};
use crate::services::alertmanager::Alertmanager;
use crate::services::certificate::self_signed;

const ALERT: &str = "00000000000000000000000000000a01";

fn secret(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn with(name: &str, kind: &str, of: Value) -> Value {
    let mut channel = json!({
        "name": name, "allow_networks": ["127.0.0.0/8"], "timeout": "20s",
        "retry": { "first": "10ms", "longest": "50ms", "give_up_after": "1h" },
    });
    channel[kind] = of;
    channel
}

/// Tells an alert's whole life to a channel, each transition once the one before has arrived.
async fn tell_a_life(channel: Value) {
    let data = tempfile::tempdir().unwrap();
    let service = Service::start(data.path(), &alerts(json!({ "channels": [channel] }))).await;
    for (repeat, (news, level)) in [
        ("opened", "high"),
        ("higher_level", "critical"),
        ("acknowledged", "critical"),
        ("resolved", "critical"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut page = page(ALERT, repeat as i64, news, level);
        if repeat > 1 {
            page["done"] = json!({ "by": "ann", "reason": "seen" });
        }
        service.tell(&page).await;
        service.until_delivered(repeat + 1).await;
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pagerduty_gets_one_incident_that_is_triggered_acknowledged_and_resolved() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    receiver.answers([Answer::Status(429), Answer::Status(500)]);
    let key = secret(folder.path(), "key", "0123456789abcdef0123456789abcdef\n");
    let url = receiver.at("/v2/enqueue");
    tell_a_life(with("pager", "pagerduty", json!({ "routing_key": key, "url": url }))).await;
    let arrivals = receiver.arrivals();
    let bodies: Vec<Value> =
        arrivals.iter().map(|arrival| serde_json::from_str(&arrival.body).unwrap()).collect();
    let actions: Vec<_> = bodies.iter().map(|body| body["event_action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["trigger", "trigger", "trigger", "trigger", "acknowledge", "resolve"]);
    assert!(bodies.iter().all(|body| body["dedup_key"] == format!("keyward-{ALERT}")), "{bodies:#?}");
    assert!(bodies.iter().all(|body| body["routing_key"] == "0123456789abcdef0123456789abcdef"));
    assert_eq!((&arrivals[0].body, &arrivals[1].body), (&arrivals[1].body, &arrivals[2].body));
    assert!(arrivals.iter().all(|arrival| arrival.path == "/v2/enqueue"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opsgenie_gets_one_alert_that_is_created_acknowledged_and_closed() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    receiver.answers([const { Answer::Status(202) }; 4]);
    let key = secret(folder.path(), "key", "geheim");
    tell_a_life(with("ops", "opsgenie", json!({ "api_key": key, "url": receiver.at("") }))).await;
    let arrivals = receiver.arrivals();
    let paths: Vec<_> = arrivals.iter().map(|arrival| arrival.path.as_str()).collect();
    let of = |verb: &str| format!("/v2/alerts/keyward-{ALERT}/{verb}?identifierType=alias");
    assert_eq!(paths, ["/v2/alerts", "/v2/alerts", &of("acknowledge"), &of("close")]);
    assert!(arrivals.iter().all(|arrival| arrival.headers["authorization"] == "GenieKey geheim"));
    let first: Value = serde_json::from_str(&arrivals[0].body).unwrap();
    assert_eq!((&first["alias"], &first["priority"]), (&json!(format!("keyward-{ALERT}")), &json!("P2")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chats_are_posted_to_at_an_address_that_stays_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    for kind in ["slack", "teams"] {
        let url = secret(folder.path(), kind, &format!("{}\n", receiver.at("/services/T0/B0/geheim")));
        tell_a_life(with("chat", kind, json!({ "url": url }))).await;
    }
    assert_eq!(receiver.arrivals().len(), 8);
    assert!(receiver.arrivals().iter().all(|arrival| arrival.path == "/services/T0/B0/geheim"));
    // Where nothing answers, and where it must not go, the reason does not tell the address.
    for url in ["http://127.0.0.1:9/geheim", "http://10.0.0.1/geheim", "no address: geheim"] {
        let url = secret(folder.path(), "bad", url);
        let mut channel = with("chat", "slack", json!({ "url": url }));
        channel["retry"]["give_up_after"] = "50ms".into();
        let data = tempfile::tempdir().unwrap();
        let service = Service::start(data.path(), &alerts(json!({ "channels": [channel] }))).await;
        service.tell(&page(ALERT, 0, "opened", "high")).await;
        let rows = service.until(1, |row| row.state == DeliveryState::Parked).await;
        let why = rows[0].last_error.as_deref().unwrap();
        assert!(!why.contains("geheim"), "{why}");
        service.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_alertmanager_shows_an_alert_and_its_end() {
    let Some(alertmanager) = Alertmanager::start().await else { return };
    let channel =
        with("am", "alertmanager", json!({ "url": alertmanager.url(), "labels": { "team": "soc" } }));
    let data = tempfile::tempdir().unwrap();
    let service = Service::start(data.path(), &alerts(json!({ "channels": [channel] }))).await;
    service.tell(&page(ALERT, 0, "opened", "high")).await;
    service.until_delivered(1).await;
    let active = alertmanager.active().await;
    assert_eq!(active.len(), 1, "{active:#?}");
    let labels = &active[0]["labels"];
    assert_eq!(
        (&labels["alert_id"], &labels["severity"], &labels["team"]),
        (&json!(ALERT), &json!("high"), &json!("soc"))
    );
    assert!(active[0]["annotations"]["description"].as_str().unwrap().contains("approle:overbroad"));
    service.tell(&page(ALERT, 1, "higher_level", "critical")).await;
    service.until_delivered(2).await;
    let active = alertmanager.active().await;
    let severities: Vec<_> =
        active.iter().map(|alert| alert["labels"]["severity"].as_str().unwrap()).collect();
    assert_eq!(severities, ["critical"], "the quieter one has ended");
    service.tell(&page(ALERT, 2, "resolved", "critical")).await;
    service.until_delivered(3).await;
    assert!(alertmanager.active().await.is_empty());
    service.stop().await;
}

/// What a connection brings until its end, in octet-counted frames.
fn frames(mut text: &str) -> Vec<String> {
    let mut frames = Vec::new();
    while let Some((length, rest)) = text.split_once(' ') {
        let (frame, after) = rest.split_at(length.parse().unwrap());
        frames.push(frame.to_owned());
        text = after;
    }
    frames
}

fn assert_syslog(line: &str) {
    assert!(line.starts_with("<107>1 "), "{line}");
    assert!(line.contains(" node-1 keyward - opened - CEF:0|keyward|keyward|"), "{line}");
    assert!(line.contains(&format!("externalId={ALERT}")), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn syslog_arrives_over_udp_tcp_and_tls() {
    let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tls = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let Some((certificate, key)) = self_signed(folder.path()) else { return };
    let port = |address: std::io::Result<std::net::SocketAddr>| address.unwrap().port();
    let of = |transport: &str, port: u16, authorities: Option<&Path>| {
        let of = json!({ "host": "localhost", "port": port, "transport": transport, "hostname": "node-1",
            "authorities": authorities });
        with(transport, "syslog", of)
    };
    let channels = json!([
        of("udp", port(udp.local_addr()), None),
        of("tcp", port(tcp.local_addr()), None),
        of("tls", port(tls.local_addr()), Some(&certificate)),
    ]);
    let data = tempfile::tempdir().unwrap();
    let service = Service::start(data.path(), &alerts(json!({ "channels": channels }))).await;
    service.tell(&page(ALERT, 0, "opened", "high")).await;
    let receive = async {
        let mut datagram = vec![0; 8192];
        let length = udp.recv(&mut datagram).await.unwrap();
        let mut text = String::new();
        tcp.accept().await.unwrap().0.read_to_string(&mut text).await.unwrap();
        let identity = native_tls::Identity::from_pkcs8(
            &std::fs::read(&certificate).unwrap(),
            &std::fs::read(&key).unwrap(),
        );
        let acceptor = native_tls::TlsAcceptor::new(identity.unwrap()).unwrap();
        let acceptor = tokio_native_tls::TlsAcceptor::from(acceptor);
        let mut encrypted = String::new();
        let mut stream = acceptor.accept(tls.accept().await.unwrap().0).await.unwrap();
        stream.read_to_string(&mut encrypted).await.unwrap();
        (String::from_utf8_lossy(&datagram[..length]).into_owned(), text, encrypted)
    };
    let (datagram, text, encrypted) = tokio::time::timeout(PATIENCE, receive).await.unwrap();
    assert_syslog(&datagram);
    for text in [text, encrypted] {
        let frames = frames(&text);
        assert_eq!(frames.len(), 1, "{text}");
        assert_syslog(&frames[0]);
    }
    let rows = service.until_delivered(3).await;
    let answer = "handed over; syslog knows no answer";
    assert!(rows.iter().all(|row| row.answer.as_deref() == Some(answer)), "{rows:#?}");
    service.stop().await;
}
