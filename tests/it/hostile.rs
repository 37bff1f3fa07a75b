//! Events whose content attacks whoever reads the output: terminals, spreadsheets, SQL, line-based tools.

use serde_json::{Value, json};

use crate::made::{decrypt, deletion, keyward, lines, response, with};
use crate::support::{Keyward, Ran};

/// Names that an attacker may choose, each an attack on somebody.
const NAMES: &[&str] = &[
    "\u{1b}[2J\u{1b}[1;1Hnothing to see",
    "\u{1b}]8;;http://evil.example\u{7}click\u{1b}]8;;\u{7}",
    "=HYPERLINK(\"http://evil.example\",\"x\")",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "\t=1+1",
    "x'; DROP TABLE events; --",
    "x\" OR \"1\"=\"1",
    "line one\nline two\r\n2026-11-20T08:00:00 critical KP-001 forged",
    "role/\u{202e}nimda\u{200f}",
    "a,b;c|d",
    "{message} {principal} {0} %s ${HOME} `id`",
    "<script>alert(1)</script>",
    "\u{0}nul",
    "漢字 é 🔑",
];

/// The names stand wherever the caller of a call chooses them.
fn log() -> String {
    let records = NAMES.iter().enumerate().flat_map(|(number, name)| {
        let arn = format!("arn:aws:sts::111122223333:assumed-role/{name}/{name}");
        let mut aws = deletion(number);
        aws["userIdentity"]["arn"] = json!(arn);
        aws["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"] = json!(name);
        aws["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] =
            json!(format!("arn:aws:iam::111122223333:role/{name}"));
        aws["userAgent"] = json!(name);
        aws["errorMessage"] = json!(name);
        aws["requestParameters"]["encryptionContext"] = json!({ *name: name });
        let mut other = with(
            decrypt(100 + number),
            "/userIdentity",
            json!({ "type": "IAMUser", "userName": name,
            "arn": format!("{name}"), "accountId": "111122223333" }),
        );
        other["eventID"] = json!(format!("{name}{number}"));
        let mut vault = with(response(number), "/auth/metadata/role_name", json!(name));
        vault["auth"]["display_name"] = json!(name);
        vault["request"]["path"] = json!(format!("transit/encrypt/{name}"));
        [aws, other, vault]
    });
    lines(records)
}

fn scan(args: &[&str]) -> (Keyward, Ran) {
    let keyward = keyward().file("log", log());
    let ran = keyward.args(["scan", "log", "--data", "data"]).args(args).run();
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert_eq!(ran.account().rejects, 0, "{}", ran.stderr);
    (keyward, ran)
}

/// Whether a text can do more to a terminal than print a line.
fn steers(text: &str) -> bool {
    text.chars().any(|character| {
        character.is_control() && character != '\n'
            || matches!(character, '\u{202a}'..='\u{202e}' | '\u{200f}')
    })
}

#[test]
fn a_terminal_is_not_steered_and_no_line_is_forged() {
    let (keyward, ran) = scan(&[]);
    assert!(!steers(&ran.stdout) && !steers(&ran.stderr));
    let findings = ran.stdout.lines().filter(|line| line.starts_with("2026-")).count();
    let told: u64 = keyward.args(["scan", "log", "--format", "json"]).run().json().len() as u64;
    assert_eq!(findings as u64, told, "a newline in a name begins no line");
    let (keyward, ran) = scan(&["--emit", "events"]);
    assert!(!steers(&ran.stdout));
    let ran = keyward.args(["query", "--data", "data", "SELECT * FROM events"]).run();
    assert!(!steers(&ran.stdout) && ran.stdout.lines().count() == 3 * NAMES.len() + 1);
}

#[test]
fn a_spreadsheet_is_given_no_formula() {
    for emit in ["findings", "events"] {
        let (_, ran) = scan(&["--emit", emit, "--format", "csv"]);
        let rows = ran.csv();
        assert!(rows.iter().all(|row| row.len() == rows[0].len()));
        for cell in rows.iter().flatten() {
            let number = cell.parse::<f64>().is_ok();
            assert!(number || !cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
        }
    }
}

#[test]
fn json_keeps_every_name_as_it_was_one_object_a_line() {
    let (_, ran) = scan(&["--emit", "events", "--format", "json"]);
    let events = ran.json();
    assert_eq!(events.len(), 3 * NAMES.len());
    for name in NAMES {
        let agent = |event: &&Value| event["user_agent"] == *name;
        assert!(events.iter().any(|event| agent(&event)), "{name:?}");
    }
}

#[test]
fn names_are_values_to_sql_and_questions() {
    let (keyward, _) = scan(&[]);
    for name in NAMES.iter().filter(|name| !name.contains('\0')) {
        let principal = format!("arn:aws:iam::111122223333:role/{name}");
        let param = format!("principal={principal}");
        let args =
            ["query", "--data", "data", "-f", "principal-activity", "--param", &param, "--format", "json"];
        let ran = keyward.args(args).run();
        assert_eq!(ran.code, Some(0), "{name:?} {}", ran.stderr);
        assert!(!ran.json().is_empty(), "{name:?}");
    }
}
