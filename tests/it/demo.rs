//! `keyward demo`: what was hidden is found, the same seed gives the same, and no foreign folder is emptied.

use crate::support::{Keyward, Ran};

fn demo(keyward: &Keyward, args: &[&str]) -> Ran {
    keyward.args(["demo", "--fast"]).args(args).run()
}

/// What is printed, without the line that tells the rate.
fn without_rate(ran: &Ran) -> String {
    let lines = ran.stdout.lines().filter(|line| !line.starts_with("records "));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn all_hidden_misuse_is_found_and_the_same_seed_gives_the_same() {
    let keyward = Keyward::new();
    let first = demo(&keyward, &["--dir", "here"]);
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let hidden = first.stdout.lines().find(|line| line.starts_with("misuse ")).unwrap();
    let numbers: Vec<u32> = hidden.split(' ').filter_map(|word| word.parse().ok()).collect();
    assert!(numbers[0] > 20 && numbers[0] == numbers[1], "{hidden}");
    assert!(!first.stdout.contains("missed:"), "{}", first.stdout);
    assert!(!first.stdout.contains("DOES NOT ADD UP") && !first.stdout.contains("\nrejects "));
    assert!(first.stdout.contains("Try next:"));
    let again = demo(&keyward, &["--dir", "here"]);
    assert_eq!(without_rate(&first), without_rate(&again));
    let other = demo(&keyward, &["--dir", "here", "--seed", "8", "--minutes", "60"]);
    assert!(!other.stdout.contains("missed:") && without_rate(&other) != without_rate(&first));
}

#[test]
fn what_it_says_to_try_next_works() {
    let keyward = Keyward::new();
    let ran = demo(&keyward, &["--dir", "here", "--minutes", "60"]);
    let tries: Vec<_> = ran.stdout.lines().filter_map(|line| line.strip_prefix("  keyward query ")).collect();
    assert_eq!(tries.len(), 2, "{}", ran.stdout);
    for line in tries {
        let (options, sql) = line.split_once('"').unwrap_or((line, ""));
        let mut args: Vec<_> = options.split_whitespace().collect();
        args.extend(sql.strip_suffix('"'));
        let ran = keyward.args(["query"]).args(args).run();
        assert_eq!(ran.code, Some(0), "{line} {}", ran.stderr);
        assert!(ran.stdout.lines().count() > 1, "{line} {}", ran.stdout);
    }
    let ran =
        keyward.args(["scan", "here/logs", "--catalog", "here/catalog.yaml", "--data", "elsewhere"]).run();
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let check = keyward.args(["check", "--catalog", "here/catalog.yaml", "--strict"]).run();
    assert!(!check.stderr.contains("error: `"), "{}", check.stderr);
}

#[test]
fn a_folder_that_no_demo_made_is_left_alone() {
    let keyward = Keyward::new().file("mine/precious.txt", "x");
    let ran = demo(&keyward, &["--dir", "mine"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(4), ""));
    assert!(ran.stderr.contains("mine") && ran.stderr.contains("--dir"), "{}", ran.stderr);
    assert!(keyward.path("mine/precious.txt").exists());
    let ran = demo(&keyward, &["--dir", "mine/precious.txt"]);
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    assert!(keyward.path("mine/precious.txt").exists());
}
