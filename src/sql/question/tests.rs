use std::path::Path;

use super::*;

const TEXT: &str = "\
-- title: Who used this key
-- description: The callers of one key
--   with what they did.
-- param key text required: the key's canonical name
-- param from timestamp default now-90d: the first moment
-- param function text default '': only this function, or all
-- reads: events
-- columns: principal, uses
SELECT principal, count(*) AS uses FROM events
WHERE key_id = $key AND event_time >= $from AND ($function = '' OR function = $function)
GROUP BY principal
";

fn question() -> Question {
    Question::parse(Path::new("queries/who-used-a-key.sql"), TEXT).unwrap()
}

#[test]
fn a_header_says_what_is_asked_and_what_is_needed() {
    let question = question();
    assert_eq!(question.name, "who-used-a-key");
    assert_eq!(question.description, "The callers of one key with what they did.");
    assert_eq!(question.columns, ["principal", "uses"]);
    assert_eq!(question.parameters.len(), 3);
    assert!(question.sql.starts_with("SELECT principal"));
}

#[test]
fn parameters_are_typed_and_defaults_reckoned_from_now() {
    let day = 86_400_000_000;
    let values = question().bind(&[("key".into(), "vault:transit/a".into())], 100 * day).unwrap();
    assert_eq!(values[0].1, Value::Text("vault:transit/a".into()));
    assert_eq!(values[1].1, Value::Timestamp(10 * day));
    assert_eq!(values[2].1, Value::Text(String::new()));
}

#[test]
fn a_wrong_parameter_says_what_to_do() {
    let question = question();
    let missing = question.bind(&[], 0).unwrap_err();
    assert_eq!(missing.to_string(), "the question needs --param key=VALUE: the key's canonical name");
    let unknown = question.bind(&[("kee".into(), "x".into())], 0).unwrap_err();
    assert_eq!(unknown.to_string(), "the question has no parameter `kee`; it has: key from function");
    let invalid =
        question.bind(&[("key".into(), "k".into()), ("from".into(), "soon".into())], 0).unwrap_err();
    assert!(invalid.to_string().contains("2026-10-01T00:00:00Z"), "{invalid}");
}

#[test]
fn problems_of_a_header_have_their_line() {
    let text = "-- title: x\n-- param a integer default b: y\n-- colour: red\n-- reads: events\nSELECT $c\n";
    let problems = Question::parse(Path::new("q.sql"), text).unwrap_err();
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert!(
        lines.contains(&"q.sql:2:1: error: default of `a`: expected a whole number".to_owned()),
        "{lines:?}"
    );
    assert!(lines.iter().any(|line| line.starts_with("q.sql:3:1")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("no `-- description")), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("q.sql:5:1") && line.contains("`$c`")), "{lines:?}");
}
