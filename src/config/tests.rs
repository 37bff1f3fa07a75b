use std::path::Path;

use super::*;

fn read_yaml(text: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    read(Path::new("keyward.yaml"), text, environment)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

const SMALL: &str = "\
data: /var/lib/keyward
sources:
  - name: trail
    kafka: { brokers: ['localhost:9092'], topics: [cloudtrail], group: keyward }
  - name: bao
    lateness: 30s
    http: { token: /run/secrets/bao }
";

#[test]
fn what_is_left_out_has_a_default() {
    let config = read_yaml(SMALL, &[]).unwrap();
    assert_eq!(config.store, StoreAddress::Embedded);
    assert_eq!(config.seal.every, Span::seconds(5));
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:9464");
    assert_eq!(config.sources[1].lateness, Some(Span::seconds(30)));
    assert!(matches!(&config.sources[0].kind, SourceKind::Kafka(kafka) if kafka.start == Start::Earliest));
}

#[test]
fn the_environment_overrides_single_values() {
    let config = read_yaml(
        SMALL,
        &[
            ("KEYWARD__http__listen", "'0.0.0.0:80'"),
            ("KEYWARD__sources__0__kafka__topics", "[a, b]"),
            ("HOME", "/"),
        ],
    )
    .unwrap();
    assert_eq!(config.http.listen.to_string(), "0.0.0.0:80");
    assert!(matches!(&config.sources[0].kind, SourceKind::Kafka(kafka) if kafka.topics == ["a", "b"]));
}

#[test]
fn mistakes_have_their_place_or_name_the_variable() {
    let told = read_yaml(&format!("{SMALL}seal: {{ every: soon }}\n"), &[]).unwrap_err();
    assert!(told.starts_with("keyward.yaml:8:") && told.contains("is no span of time"), "{told}");
    let told = read_yaml(&format!("{SMALL}seel: {{}}\n"), &[]).unwrap_err();
    assert!(told.contains("seel"), "{told}");
    let told = read_yaml(SMALL, &[("KEYWARD__data__deeper", "1")]).unwrap_err();
    assert!(told.contains("KEYWARD__data__deeper"), "{told}");
}

#[test]
fn two_sources_of_one_name_are_refused() {
    let told = read_yaml(&SMALL.replace("bao", "trail"), &[]).unwrap_err();
    assert!(told.contains("two sources are called `trail`"), "{told}");
}

#[test]
fn a_secret_is_read_without_its_line_break_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "s3cret\n").unwrap();
    let file = SecretFile::new(&path);
    let secret = file.read().unwrap();
    assert_eq!(secrecy::ExposeSecret::expose_secret(&secret), "s3cret");
    assert!(!format!("{file:?} {secret:?}").contains("s3cret"));
    std::fs::write(&path, "\n").unwrap();
    assert!(file.read().unwrap_err().to_string().contains("is empty"));
}
