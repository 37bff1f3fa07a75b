//! Globs in which only `*` (any run of characters, `/` and `:` included) and `?` (one character) are
//! special. Case counts.
//!
//! Matched as written, without compiling: a catalog of 100,000 entries has as many patterns.

/// Whether `pattern` can match more than one text.
pub fn is_glob(pattern: &str) -> bool {
    pattern.contains(['*', '?'])
}

/// What a text must begin with to match.
pub fn literal_prefix(pattern: &str) -> &str {
    pattern.split(['*', '?']).next().unwrap_or_default()
}

/// What a text must end with to match.
pub fn literal_suffix(pattern: &str) -> &str {
    pattern.rsplit(['*', '?']).next().unwrap_or_default()
}

/// Whether `text` as a whole matches `pattern`.
///
/// Greedy with one step back to the last `*`, which is enough for globs: linear in practice,
/// pattern × text at worst.
pub fn matches(pattern: &str, text: &str) -> bool {
    // Most are a literal beginning, one star and a literal end.
    let same = shared_beginning(pattern, text);
    let (Some(pattern), Some(text)) = (pattern.get(same..), text.get(same..)) else { return false };
    match pattern.strip_prefix('*') {
        Some(end) if !is_glob(end) => text.ends_with(end),
        None if !pattern.starts_with('?') => pattern.is_empty() && text.is_empty(),
        _ => matches_from(pattern, text),
    }
}

/// How many bytes of `text` are those of the pattern before its first wildcard.
fn shared_beginning(pattern: &str, text: &str) -> usize {
    let pairs = pattern.bytes().zip(text.bytes());
    pairs.take_while(|(want, have)| want == have && !matches!(want, b'*' | b'?')).count()
}

fn matches_from(pattern: &str, text: &str) -> bool {
    let (mut pattern_rest, mut text_rest) = (pattern, text);
    let mut retry: Option<(&str, &str)> = None;
    loop {
        let mut wanted = pattern_rest.chars();
        let mut given = text_rest.chars();
        match (wanted.next(), given.next()) {
            (Some('*'), _) => {
                retry = Some((wanted.as_str(), text_rest));
                pattern_rest = wanted.as_str();
                continue;
            }
            (Some('?'), Some(_)) => {
                (pattern_rest, text_rest) = (wanted.as_str(), given.as_str());
                continue;
            }
            (Some(want), Some(have)) if want == have => {
                (pattern_rest, text_rest) = (wanted.as_str(), given.as_str());
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        let Some((after_star, from)) = retry else { return false };
        let mut skipped = from.chars();
        if skipped.next().is_none() {
            return false;
        }
        retry = Some((after_star, skipped.as_str()));
        (pattern_rest, text_rest) = (after_star, skipped.as_str());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_star_crosses_slashes_and_colons_and_may_be_empty() {
        assert!(matches("arn:aws:iam::*/orders-*", "arn:aws:iam::1:role/path/orders-api"));
        assert!(!matches("arn:aws:iam::*:role/orders-*", "arn:aws:iam::1:user/orders-api"));
        assert!(matches("orders-*", "orders-"));
        assert!(matches("*", ""));
        assert!(!matches("?", ""));
        assert!(matches("a?c", "aéc"));
        assert!(!matches("Orders", "orders"));
        assert!(matches("[a]{b}", "[a]{b}"));
    }

    #[test]
    fn the_literal_prefix_ends_at_the_first_special_character() {
        assert_eq!(literal_prefix("vault:transit/orders-*"), "vault:transit/orders-");
        assert_eq!(literal_prefix("plain"), "plain");
        assert_eq!(literal_prefix("?x"), "");
    }

    proptest! {
        #[test]
        fn agrees_with_wildmatch(pattern in "[abéè*?:/]{0,8}", text in "[abéè:/]{0,10}") {
            prop_assert_eq!(matches(&pattern, &text), wildmatch::WildMatch::new(&pattern).matches(&text));
        }
    }
}
