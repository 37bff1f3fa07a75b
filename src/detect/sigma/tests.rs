use std::path::PathBuf;

use crate::detect::detectors::{Detector, Detectors};
use crate::detect::window::rule::Rule;
use crate::table::columns::Column;

fn load(texts: &[&str]) -> Result<Detectors, String> {
    let files = texts.iter().enumerate().map(|(place, text)| (PathBuf::from(format!("{place}.yml")), *text));
    let told = |problems: Vec<crate::domain::problem::Problem>| {
        problems.iter().map(|problem| format!("{problem}\n")).collect::<String>()
    };
    Detectors::of_texts(files).map_err(told)
}

fn rule_of(detection: &str) -> String {
    format!(
        "title: T\nid: 11111111-2222-4333-8444-555555555555\nlevel: high\nstatus: test\nlogsource:\n    \
         product: aws\n    service: cloudtrail\ndetection:\n{detection}"
    )
}

fn one(detection: &str) -> Detector {
    let detectors = load(&[&rule_of(detection)]).unwrap_or_else(|told| panic!("{told}"));
    detectors.iter().next().unwrap().clone()
}

fn sql(selection: &str) -> String {
    let detector = one(&format!("    selection:\n        {selection}\n    condition: selection\n"));
    assert_eq!(detector.set_aside(), None, "{selection}");
    let text = detector.expression.text();
    text.strip_prefix("provider = 'aws' AND ordinal = 0 AND ").unwrap().to_owned()
}

#[test]
fn every_modifier_has_its_expression() {
    for (selection, expected) in [
        ("eventName: StopLogging", "lower(action) = 'stoplogging'"),
        ("eventName|cased: StopLogging", "action = 'StopLogging'"),
        ("eventName: [Sign, Verify]", "lower(action) IN ('sign', 'verify')"),
        (
            "eventName|contains: [Log, Key]",
            "(contains(lower(action), 'log') OR contains(lower(action), 'key'))",
        ),
        (
            "eventName|contains|all: [Log, Key]",
            "contains(lower(action), 'log') AND contains(lower(action), 'key')",
        ),
        ("eventName|startswith: Delete", "starts_with(lower(action), 'delete')"),
        ("eventName|endswith: Policy", "ends_with(lower(action), 'policy')"),
        ("eventName: 'Put*Policy'", "regexp_like(lower(action), '(?s)^put.*policy$')"),
        (r"eventName: 'a\*'", "lower(action) = 'a*'"),
        ("eventName|re: '^Put.*'", "regexp_like(action, '^Put.*')"),
        ("eventName|re|i|m|s: '^put.*x'", "regexp_like(action, '(?ims)^put.*x')"),
        ("eventSource: kms.amazonaws.com", "lower(service) = 'kms'"),
        ("eventSource: kms", "FALSE"),
        ("eventSource|startswith: kms", "starts_with(lower(concat(service, '.amazonaws.com')), 'kms')"),
        ("sourceIPAddress|cidr: 10.0.0.0/8", "in_network(source_ip, '10.0.0.0/8')"),
        ("errorCode: null", "NOT member_is(record, 'errorCode', 'present', '')"),
        ("errorCode|exists: true", "member_is(record, 'errorCode', 'present', '')"),
        ("errorCode|exists: false", "NOT member_is(record, 'errorCode', 'present', '')"),
        ("userAgent|contains: it's", "contains(lower(user_agent), 'it''s')"),
        ("requestParameters.n|gte: 5", "member_is(record, 'requestParameters.n', '>=', '5')"),
        ("requestParameters.n|lt: 5.5", "member_is(record, 'requestParameters.n', '<', '5.5')"),
        ("requestParameters.n: 5", "member_is(record, 'requestParameters.n', '=', '5')"),
        ("requestParameters.f: true", "member_is(record, 'requestParameters.f', 'like', 'true')"),
        (
            "userIdentity.arn|contains|cased: Admin",
            "member_is(record, 'userIdentity.arn', 'like_cased', '*Admin*')",
        ),
        ("a|fieldref: b.c", "member_is(record, 'a', 'same_as', 'b.c')"),
        ("a|fieldref|endswith: b", "member_is(record, 'a', 'ends_with', 'b')"),
        ("a|base64: foo", "member_is(record, 'a', 'like', 'Zm9v')"),
        (
            "a|base64offset|contains: foobar",
            "(member_is(record, 'a', 'like', '*Zm9vYmFy*') OR member_is(record, 'a', 'like', '*Zvb2Jhc*') \
             OR member_is(record, 'a', 'like', '*mb29iYX*'))",
        ),
        ("a|wide|base64: hi", "member_is(record, 'a', 'like', 'aABpAA==')"),
        ("a|neq: b", "member_is(record, 'a', 'present', '') AND NOT member_is(record, 'a', 'like', 'b')"),
    ] {
        assert_eq!(sql(selection), expected, "{selection}");
    }
    let dashes = sql("a|windash|contains: 'x -v'");
    assert_eq!(dashes.matches("member_is").count(), 5, "{dashes}");
    assert!(dashes.contains("'*x /v*'") && dashes.contains("'*x —v*'"), "{dashes}");
}

#[test]
fn conditions_join_selections() {
    let selections = "    selection_a:\n        eventName: A\n    selection_b:\n        eventName: B\n    \
        filter:\n        - userAgent: U\n        - errorCode: E\n";
    let (a, b) = ("lower(action) = 'a'", "lower(action) = 'b'");
    let filter = "(lower(user_agent) = 'u' OR lower(error_code) = 'e')";
    let no_filter = "(lower(user_agent) = 'u') IS NOT TRUE AND (lower(error_code) = 'e') IS NOT TRUE";
    for (condition, expected) in [
        ("1 of selection_*", format!("({a} OR {b})")),
        ("all of selection_*", format!("{a} AND {b}")),
        ("all of selection_* and not filter", format!("{a} AND {b} AND {no_filter}")),
        ("1 of them", format!("({filter} OR {a} OR {b})").replace("((", "(").replace("'e') OR", "'e' OR")),
        ("selection_a and not (selection_b or filter)", format!("{a} AND ({b}) IS NOT TRUE AND {no_filter}")),
        ("not selection_a or selection_b and filter", format!("(({a}) IS NOT TRUE OR {b} AND {filter})")),
        ("2 of selection_*", format!("{a} AND {b}")),
    ] {
        let detector = one(&format!("{selections}    condition: {condition}\n"));
        let text = detector.expression.text().replace("provider = 'aws' AND ordinal = 0 AND ", "");
        let flat = |text: &str| text.replace(['(', ')'], "");
        assert_eq!(flat(&text), flat(&expected), "{condition}: {text}");
    }
}

#[test]
fn a_rule_keeps_its_words() {
    let text = "title: Trail stopped\nid: 0c9dd0a1-7a3b-4a83-9d6f-0a5b7c1d2e3f\nstatus: stable\nlevel: critical\n\
        author: Ann\ndescription: Somebody stops a trail.\ntags: [attack.t1562.008]\nfalsepositives: [Moves]\n\
        references: ['https://example.org']\nrelated:\n    - id: 1\n      type: similar\n    - id: abc\n      type: \
        derived\nlogsource: { product: aws, service: cloudtrail }\n\
        detection:\n    selection:\n        eventName: StopLogging\n    condition: selection\n";
    let detectors = load(&[text]).unwrap();
    let found = detectors.iter().next().unwrap();
    assert_eq!(found.id, "0c9dd0a1-7a3b-4a83-9d6f-0a5b7c1d2e3f");
    assert_eq!((found.level.as_str(), found.status.as_str()), ("critical", "stable"));
    assert_eq!(found.tags, ["attack.t1562.008"]);
    assert_eq!(found.false_positives, ["Moves"]);
    assert_eq!((found.line, found.column), (2, 1));
    assert_eq!(found.related, ["abc"]);
    assert_eq!(found.requires.iter().map(ToString::to_string).collect::<Vec<_>>(), ["aws"]);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let selection = |line: &str| rule_of(&format!("    sel:\n        {line}\n    condition: sel\n"));
    for (text, expected) in [
        (selection("eventName|begins: X"), "0.yml:10:9: error: there is no modifier `begins`"),
        (selection("eventName: []"), "0.yml:10:9: error: there is no value here"),
        (selection("requestParameters: { keyId: x }"), "0.yml:10:9: error: a field holds values, not names"),
        (selection("sourceIPAddress|cidr: 10.0.0.0/40"), "0.yml:10:9: error: `10.0.0.0/40` is no network"),
        (selection("a|lt: many"), "0.yml:10:9: error: `many` is no number"),
        (selection("a|base64: x*y"), "0.yml:10:9: error: wildcards have no meaning in base64"),
        (selection("a|exists: maybe"), "0.yml:10:9: error: `exists` is for a field"),
        (
            rule_of("    sel:\n        a: b\n    condition: sell\n"),
            "0.yml:11:5: error: the condition names `sell`",
        ),
        (
            rule_of("    sel:\n        a: b\n    condition: 1 of x*\n"),
            "0.yml:11:5: error: the condition names `x*`",
        ),
        (
            rule_of("    sel:\n        a: b\n    condition: sel and (\n"),
            "0.yml:11:5: error: the condition cannot be read",
        ),
        (
            rule_of("    sel:\n        a: b\n    condition: sel | count() > 5\n"),
            "0.yml:11:5: error: the condition cannot be read",
        ),
        (rule_of("    sel:\n        a: [b\n"), "0.yml:"),
        (
            "logsource: { product: aws }\ndetection: { s: { a: b }, condition: s }\n".to_owned(),
            "0.yml:1:1: error: `title` is missing",
        ),
        (
            "action: global\ntitle: x\ndetection:\n    a: b\n".to_owned(),
            "0.yml:1:1: error: collections with `action`",
        ),
    ] {
        let told = load(&[&text]).unwrap_err();
        assert!(told.starts_with(expected), "{text}\n{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
}

#[test]
fn what_cannot_be_evaluated_is_set_aside_with_its_reason() {
    let selection = |line: &str| rule_of(&format!("    sel:\n        {line}\n    condition: sel\n"));
    let windows = rule_of("    sel:\n        a: b\n    condition: sel\n").replace("aws", "windows");
    for (text, why, line) in [
        (selection("a|expand: '%hosts%'"), "`expand` asks for a list", 10),
        (selection("eventTime|hour: 3"), "parts of times", 10),
        (selection("a|re: '(?<!x)y'"), "the regular expression cannot be used", 10),
        (windows, "keyward reads no such log: product windows, service cloudtrail", 5),
        (selection("a: b") + "    timeframe: 5m\n", "of Sigma 1", 12),
        (selection("a: b").replace("status: test", "status: unsupported"), "of itself", 4),
    ] {
        let detectors = load(&[&text]).unwrap_or_else(|told| panic!("{told}"));
        let detector = detectors.iter().next().unwrap();
        let told = detector.set_aside().unwrap_or_default();
        assert!(told.starts_with("not evaluated: ") && told.contains(why), "{told}");
        let warning = detectors.lint().into_iter().find(|warning| warning.message.contains(why)).unwrap();
        assert_eq!((warning.line, warning.file.to_str()), (line, Some("0.yml")));
    }
}

#[test]
fn several_documents_of_one_file_are_several_detectors() {
    let first = rule_of("    s:\n        eventName: A\n    condition: s\n");
    let second = first.replace("11111111", "22222222");
    let detectors = load(&[&format!("# rules\n---\n{first}---\n{second}")]).unwrap();
    let places: Vec<_> =
        detectors.iter().map(|found| (found.id.get(..4).unwrap().to_owned(), found.line)).collect();
    assert_eq!(places, [("1111".to_owned(), 4), ("2222".to_owned(), 16)]);
    let twice = load(&[&first, &first]).unwrap_err();
    assert!(twice.contains("is also in 0.yml"), "{twice}");
}

#[test]
fn filters_narrow_the_rules_they_name_across_files() {
    let rule = rule_of("    s:\n        eventName: A\n    condition: s\n");
    let filter = |rules: &str, product: &str| {
        format!(
            "title: F\nlogsource: {{ product: {product}, service: cloudtrail }}\nfilter:\n    rules: {rules}\n    \
             selection:\n        userAgent|startswith: terraform\n    condition: not selection\n"
        )
    };
    let narrowed = "lower(action) = 'a' AND (starts_with(lower(user_agent), 'terraform')) IS NOT TRUE";
    for (rules, product, applies) in [
        ("[11111111-2222-4333-8444-555555555555]", "aws", true),
        ("any", "aws", true),
        ("[another]", "aws", false),
        ("any", "gcp", false),
    ] {
        let detectors = load(&[&filter(rules, product), &rule]).unwrap();
        let found = detectors.iter().next().unwrap();
        assert_eq!(found.expression.text().ends_with(narrowed), applies, "{rules} {product}");
        assert_eq!(detectors.lint().iter().any(|told| told.message.contains("for no rule")), !applies);
    }
    let (with, without) = (load(&[&filter("any", "aws"), &rule]).unwrap(), load(&[&rule]).unwrap());
    assert_ne!(with.version(), without.version());
}

fn correlation_of(body: &str) -> String {
    format!("title: C\nid: c0000000-0000-4000-8000-000000000000\nlevel: high\ncorrelation:\n{body}")
}

fn two_rules() -> String {
    let first = rule_of("    s:\n        eventName: ListKeys\n    condition: s\n")
        .replace("id: ", "name: first\nid: ");
    let second =
        first.replace("11111111", "22222222").replace("first", "second").replace("ListKeys", "Decrypt");
    format!("{first}---\n{second}")
}

#[test]
fn correlations_are_windows() {
    let rules = two_rules();
    for (body, kind, count, of, group) in [
        (
            "    type: event_count\n    rules: [first]\n    group-by: [userIdentity.arn]\n    timespan: 10m\n    \
          condition: { gte: 5 }\n",
            "threshold",
            Some(5),
            None,
            vec!["principal"],
        ),
        (
            "    type: event_count\n    rules: [first, second]\n    timespan: 1h\n    condition: { gt: 5 }\n",
            "threshold",
            Some(6),
            None,
            vec!["provider"],
        ),
        (
            "    type: value_count\n    rules: [second]\n    group-by: [sourceIPAddress, principal]\n    timespan: 1d\n    \
          condition: { gte: 3, field: requestParameters.keyId }\n",
            "distinct",
            Some(3),
            Some("key_id"),
            vec!["source_ip", "principal"],
        ),
        (
            "    type: temporal\n    rules: [first, second]\n    group-by: [who]\n    timespan: 5m\n    aliases:\n        \
          who:\n            first: userIdentity.arn\n            second: userIdentity.userName\n",
            "sequence",
            None,
            None,
            vec!["principal"],
        ),
        (
            "    type: temporal_ordered\n    rules: [first, second]\n    group-by: [userIdentity.arn]\n    timespan: 5m\n    \
          condition: first and not second\n",
            "sequence",
            None,
            None,
            vec!["principal"],
        ),
    ] {
        let detectors = load(&[&rules, &correlation_of(body)]).unwrap_or_else(|told| panic!("{told}"));
        let found = detectors.iter().find(|found| found.id.starts_with('c')).unwrap();
        let window = found.window.as_ref().unwrap_or_else(|| panic!("{:?}", found.set_aside()));
        assert_eq!(window.kind.as_str(), kind, "{body}");
        let counts = match &window.rule {
            Rule::Threshold { count, .. } | Rule::Distinct { count, .. } => Some(*count),
            _ => None,
        };
        assert_eq!(counts, count, "{body}");
        assert_eq!(window.counted().map(Column::name), of);
        assert_eq!(window.group_by.iter().map(|by| by.name()).collect::<Vec<_>>(), group);
        let steps: Vec<_> = window.steps().iter().map(|step| step.name.as_str()).collect();
        assert_eq!(steps, if kind == "sequence" { vec!["first", "second"] } else { vec![] });
        if let Rule::Sequence(steps) = &window.rule {
            let ordered = body.contains("ordered");
            assert_eq!((steps.ordered, steps.absent), (ordered, ordered.then_some(1)));
        }
        assert_eq!(found.set_aside(), None);
        let silent =
            detectors.iter().filter(|found| found.set_aside().is_some_and(|why| why.contains("only counts")));
        assert_eq!(
            silent.count(),
            2 - usize::from(!body.contains("second")) - usize::from(!body.contains("first"))
        );
        let louder = load(&[&rules, &format!("{}generate: true\n", correlation_of(body))]).unwrap();
        assert!(louder.iter().all(|found| !found.set_aside().unwrap_or_default().contains("only counts")));
    }
}

#[test]
fn correlations_beyond_our_windows_are_set_aside_and_wrong_ones_are_mistakes() {
    let rules = two_rules();
    let of = |rest: &str| correlation_of(&format!("    rules: [first, second]\n    timespan: 5m\n{rest}"));
    for (text, why) in [
        (of("    type: event_count\n    condition: { lte: 5 }\n"), "`gte` or `gt`"),
        (of("    type: value_sum\n    condition: { gte: 5, field: x }\n"), "no window for value_sum"),
        (
            of("    type: temporal\n    group-by: [requestParameters.x]\n"),
            "no column holds `requestParameters.x`",
        ),
        (of("    type: temporal\n    condition: first or second\n"), "joined by `and`"),
        (of("    type: event_count\n    window: tumbling\n    condition: { gte: 5 }\n"), "windows slide"),
    ] {
        let detectors = load(&[&rules, &text]).unwrap_or_else(|told| panic!("{told}"));
        let found = detectors.iter().find(|found| found.id.starts_with('c')).unwrap();
        assert!(found.set_aside().unwrap().contains(why), "{:?}", found.set_aside());
    }
    for (text, told) in [
        (
            of("    type: event_count\n    condition: { gte: 5 }\n").replace("second", "third"),
            "1.yml:5:5: error: there is no rule `third`",
        ),
        (of("    type: value_count\n    condition: { gte: 5 }\n"), "1.yml:8:5: error: name the `field`"),
        (
            of("    type: temporal\n    condition: first and third\n"),
            "1.yml:8:5: error: the condition names `third`",
        ),
    ] {
        let wrong = load(&[&rules, &text]).unwrap_err();
        assert!(wrong.starts_with(told), "{wrong}");
    }
}

#[test]
fn rules_about_records_that_give_no_event_are_set_aside() {
    let reads = |source: Option<&str>, name: Option<&str>| {
        source.is_none_or(|source| source == "kms.amazonaws.com") && name != Some("ConsoleLogin")
    };
    for (detection, aside, note) in [
        (
            "    s:\n        eventSource: signin.amazonaws.com\n        eventName: ConsoleLogin\n    condition: s\n",
            Some("keyward reads no such records: ConsoleLogin (signin.amazonaws.com)"),
            None,
        ),
        ("    s:\n        eventName: ConsoleLogin\n    condition: s\n", Some("records: ConsoleLogin"), None),
        (
            "    s:\n        eventSource: ec2.amazonaws.com\n    f:\n        errorCode: x\n    condition: s and not f\n",
            Some("records: ec2.amazonaws.com"),
            None,
        ),
        (
            "    s:\n        eventSource: [kms.amazonaws.com, ec2.amazonaws.com]\n    condition: s\n",
            None,
            Some("keyward reads no records of ec2.amazonaws.com"),
        ),
        (
            "    s:\n        userIdentity.type: Root\n    f:\n        eventName: ConsoleLogin\n    condition: s and not f\n",
            None,
            Some("about any call"),
        ),
        ("    s:\n        eventName|startswith: Console\n    condition: s\n", None, Some("about any call")),
        (
            "    s:\n        eventName: Decrypt\n    f:\n        eventName: Decrypt\n    condition: s and not f\n",
            Some("nothing can make"),
            None,
        ),
    ] {
        let detectors = load(&[&rule_of(detection)]).unwrap().where_records(&reads);
        let found = detectors.iter().next().unwrap();
        let told = found.set_aside();
        assert_eq!(told.is_some(), aside.is_some(), "{detection}: {told:?}");
        assert!(told.unwrap_or_default().contains(aside.unwrap_or_default()), "{detection}");
        let notes = detectors.lint().iter().map(ToString::to_string).collect::<String>();
        assert!(notes.contains(note.unwrap_or_default()), "{notes}");
    }
}
