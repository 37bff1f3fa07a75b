use std::io::Write;

use super::*;

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn settings(
    tls: Option<&Tls>,
    sasl: Option<&Sasl>,
    further: &[(&str, &str)],
) -> Result<ClientSettings, ClientSettingsError> {
    let further = further.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let brokers = ["a:9092".to_owned(), "[::1]:9093".to_owned()];
    let cluster = KafkaCluster { brokers: &brokers, tls, sasl, settings: Some(&further) };
    ClientSettings::new(cluster, &["group.id"])
}

fn pairs(settings: &ClientSettings) -> Vec<(&str, &str)> {
    settings.pairs().collect()
}

#[test]
fn brokers_alone_are_a_plain_connection_and_further_settings_come_last() {
    let settings = settings(None, None, &[("fetch.min.bytes", "10")]).unwrap();
    assert_eq!(
        pairs(&settings),
        [
            ("bootstrap.servers", "a:9092,[::1]:9093"),
            ("security.protocol", "plaintext"),
            ("fetch.min.bytes", "10")
        ]
    );
}

#[test]
fn certificates_and_passwords_are_named_as_librdkafka_names_them() {
    let (pem, passphrase, password) = (file("x"), file("open sesame\n"), file("hunter2\n"));
    let path = pem.path().to_owned();
    let tls = Tls {
        authorities: Some(path.clone()),
        certificate: Some(path.clone()),
        key: Some(path.clone()),
        key_passphrase: Some(SecretFile::new(passphrase.path())),
    };
    let sasl = Sasl {
        mechanism: SaslMechanism::ScramSha512,
        username: Some("audit".to_owned()),
        password: Some(SecretFile::new(password.path())),
        token: None,
    };
    let settings = settings(Some(&tls), Some(&sasl), &[]).unwrap();
    let path = path.to_str().unwrap();
    assert_eq!(
        pairs(&settings)[1..],
        [
            ("security.protocol", "sasl_ssl"),
            ("ssl.ca.location", path),
            ("ssl.certificate.location", path),
            ("ssl.key.location", path),
            ("ssl.key.password", "open sesame"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.username", "audit"),
            ("sasl.password", "hunter2"),
        ]
    );
    let shown = format!("{settings:?}");
    assert!(shown.contains("sasl.password") && !shown.contains("hunter2") && !shown.contains("sesame"));
}

#[test]
fn what_is_missing_or_said_twice_is_named() {
    let sasl = |mechanism| Sasl { mechanism, username: Some("a".to_owned()), password: None, token: None };
    let half = Tls { key: Some("/nowhere/key.pem".into()), ..Tls::default() };
    let nowhere = Tls { authorities: Some("/nowhere/ca.pem".into()), ..Tls::default() };
    let texts = [
        settings(None, Some(&sasl(SaslMechanism::Plain)), &[]),
        settings(None, Some(&sasl(SaslMechanism::OauthBearer)), &[]),
        settings(Some(&half), None, &[]),
        settings(Some(&nowhere), None, &[]),
        settings(None, None, &[("group.id", "other")]),
        settings(None, None, &[("sasl.password", "hunter2")]),
        settings(None, None, &[("security.protocol", "ssl")]),
    ]
    .map(|result| result.unwrap_err().to_string());
    let expected = [
        "needs `username` and `password`",
        "needs `token`",
        "`certificate` and `key` together",
        "/nowhere/ca.pem",
        "`group.id` cannot be given",
        "`sasl.password` holds a secret",
        "say it there",
    ];
    for (text, expected) in texts.iter().zip(expected) {
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn a_broker_is_a_host_and_a_port() {
    for wrong in ["a", ":9092", "a:b", "a:9092,b:9092", "a:99999"] {
        let brokers = [wrong.to_owned()];
        let cluster = KafkaCluster { brokers: &brokers, tls: None, sasl: None, settings: None };
        assert!(ClientSettings::new(cluster, &[]).is_err(), "{wrong}");
    }
}
