//! The encryption context: names that must be there, values that may, names that may not.

use std::borrow::Cow;

use super::super::document::rules::ContextRule;
use super::super::document::scalars::Pattern;
use super::super::glob;
use super::case::Case;
use super::reason::{Answer, NOT_DECLARED, Reason};
use crate::domain::event::HASHED_PREFIX;
use crate::domain::function::Function;
use crate::table::columns::Column;

/// What stands for the tenant in an allowed value.
const TENANT: &str = "{tenant}";
/// The algorithms of asymmetric encryption, which takes no context.
const ASYMMETRIC: [&str; 2] = ["RSAES_", "SM2PKE"];

/// Whether the context is as declared.
pub fn context(case: &Case<'_, '_>) -> Answer {
    let Some(rule) = &case.entry.declaration.context else { return NOT_DECLARED };
    if !takes_context(case) {
        return Answer::NotJudged("asymmetric and MAC operations take no context");
    }
    let text = case.event.text(Column::Context).unwrap_or("{}");
    let Some(pairs) = pairs(text) else { return Answer::Unknown(Reason::NotVisible) };
    let named = |name: &str| pairs.iter().any(|(given, _)| given == name);
    if !rule.require.iter().all(|name| named(name)) {
        return Answer::Violated;
    }
    let mut hidden = None;
    for (name, value) in &pairs {
        match value_fits(case, rule, name, value) {
            Answer::Violated => return Answer::Violated,
            Answer::Unknown(reason) => hidden = Some(reason),
            _ => {}
        }
    }
    hidden.map_or(Answer::Fits, Answer::Unknown)
}

/// Whether the function is one that takes a context on a symmetric key.
fn takes_context(case: &Case<'_, '_>) -> bool {
    use Function::{Decrypt, Encrypt, ReencryptFrom, ReencryptTo, Unwrap, Wrap};
    let symmetric_function =
        matches!(case.function, Encrypt | Decrypt | Wrap | Unwrap | ReencryptFrom | ReencryptTo);
    let algorithm = case.event.text(Column::Algorithm).unwrap_or_default();
    let expected = case.entry.declaration.expect.as_ref().and_then(|expect| expect.key_spec.as_deref());
    let asymmetric_key = expected.is_some_and(|spec| spec.starts_with("RSA_") || spec == "SM2");
    symmetric_function && !asymmetric_key && !ASYMMETRIC.iter().any(|start| algorithm.starts_with(start))
}

fn value_fits(case: &Case<'_, '_>, rule: &ContextRule, name: &str, value: &str) -> Answer {
    let Some(patterns) = rule.allow.get(name) else {
        let named = !rule.closed || rule.require.iter().any(|required| **required == *name);
        return Answer::fits_if(named);
    };
    let mut needs_tenant = false;
    for pattern in patterns {
        match expanded(case, pattern) {
            None => needs_tenant = true,
            Some(pattern) if glob::matches(&pattern, value) => return Answer::Fits,
            Some(_) => {}
        }
    }
    if value.starts_with(HASHED_PREFIX) {
        return Answer::Unknown(Reason::Hashed);
    }
    if needs_tenant { Answer::Unknown(Reason::NotVisible) } else { Answer::Violated }
}

/// The pattern with `{tenant}` filled in: the key's, or the caller's where the key has none or serves
/// several. Nothing where neither is known.
fn expanded<'p>(case: &Case<'_, '_>, pattern: &'p Pattern) -> Option<Cow<'p, str>> {
    if !pattern.text.contains(TENANT) {
        return Some(Cow::Borrowed(&pattern.text));
    }
    let declaration = &case.entry.declaration;
    let key = declaration.tenant.as_ref().map(|slug| &slug.0);
    let key = key.filter(|_| declaration.multi_tenant != Some(true));
    let tenant = key.or(case.home.tenant.as_ref())?;
    Some(Cow::Owned(pattern.text.replace(TENANT, tenant)))
}

/// The names and values of a flat JSON object of texts; a name may come twice (the items of a batch).
/// Nothing where it is anything else.
pub fn pairs(json: &str) -> Option<Vec<(Cow<'_, str>, Cow<'_, str>)>> {
    let mut rest = json.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
    let mut pairs = Vec::new();
    while !rest.is_empty() {
        let (name, after) = text(rest)?;
        let (value, after) = text(after.trim_start().strip_prefix(':')?.trim_start())?;
        pairs.push((name, value));
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(more) if !more.trim_start().is_empty() => more.trim_start(),
            None if after.is_empty() => after,
            _ => return None,
        };
    }
    Some(pairs)
}

/// The JSON string at the beginning of `json`, and what follows it.
fn text(json: &str) -> Option<(Cow<'_, str>, &str)> {
    let inside = json.strip_prefix('"')?;
    let mut escaped = false;
    let mut has_escapes = false;
    let end = inside.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        has_escapes |= escaped;
        ends
    })?;
    let raw = inside.get(..end)?;
    let after = inside.get(end + 1..)?;
    if !has_escapes {
        return Some((Cow::Borrowed(raw), after));
    }
    let whole = json.get(..end + 2)?;
    Some((Cow::Owned(serde_json::from_str(whole).ok()?), after))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_repeated_name_is_read_twice_and_junk_is_refused() {
        let read = pairs(r#"{"context":"a","context":"b\"\\"}"#).unwrap();
        assert_eq!(read, [("context".into(), "a".into()), ("context".into(), "b\"\\".into())]);
        assert_eq!(pairs("{}"), Some(Vec::new()));
        for junk in ["", "{", "[]", r#"{"a":1}"#, r#"{"a":"b",}"#, r#"{"a""b"}"#, r#"{"a":"b" "c":"d"}"#] {
            assert_eq!(pairs(junk), None, "{junk}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_serde_json_writes(object in prop::collection::btree_map(".{0,6}", ".{0,6}", 0..4)) {
            let json = serde_json::to_string(&object).unwrap();
            let read: Option<Vec<(String, String)>> = pairs(&json)
                .map(|pairs| pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect());
            prop_assert_eq!(read, Some(object.into_iter().collect::<Vec<_>>()));
        }
    }
}
