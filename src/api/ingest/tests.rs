use super::*;

#[test]
fn long_bodies_are_cut_between_values_and_nowhere_else() {
    let line = format!("{{\"a\":\"{}\"}}\n", "x".repeat(1000));
    let body = line.repeat(5_000);
    let parts = parts(body.as_bytes());
    assert_eq!(parts.concat(), body.as_bytes());
    assert!(parts.len() >= 4);
    assert!(parts.iter().all(|part| part.starts_with(b"{") && part.ends_with(b"}\n")));
    let list = format!("[{}]", vec![line.trim_end(); 5_000].join(",\n"));
    assert_eq!(super::parts(list.as_bytes()), [list.as_bytes()]);
}

#[test]
fn only_a_single_entry_of_an_audit_device_goes_before_others() {
    assert!(is_audit_entry(b"{\"time\":\"2026\",\"type\":\"request\"}\n"));
    assert!(!is_audit_entry(b"{\"time\":\"2026\"}\n{\"time\":\"2026\"}\n"));
    assert!(!is_audit_entry(b"{\"Records\":[]}"));
}
