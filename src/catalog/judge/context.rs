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
    let mut answer = Answer::Fits;
    for pair in Pairs::of(text) {
        let Ok((name, value)) = pair else { return Answer::Unknown(Reason::NotVisible) };
        answer = worse(answer, value_fits(case, rule, &name, &value));
    }
    let named = |name: &str| Pairs::of(text).flatten().any(|(given, _)| given == name);
    if rule.require.iter().all(|name| named(name)) { answer } else { Answer::Violated }
}

/// The worse of two answers of one context: wrong, then hidden, then fitting.
const fn worse(one: Answer, other: Answer) -> Answer {
    match (one, other) {
        (Answer::Violated, _) | (_, Answer::Violated) => Answer::Violated,
        (Answer::Unknown(reason), _) => Answer::Unknown(reason),
        (_, other) => other,
    }
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
        match with_tenant(case, pattern) {
            Template::Plain if pattern.matches(value) => return Answer::Fits,
            Template::Expanded(pattern) if glob::matches(&pattern, value) => return Answer::Fits,
            Template::Unknown => needs_tenant = true,
            Template::Plain | Template::Expanded(_) => {}
        }
    }
    if value.starts_with(HASHED_PREFIX) {
        return Answer::Unknown(Reason::Hashed);
    }
    if needs_tenant { Answer::Unknown(Reason::NotVisible) } else { Answer::Violated }
}

/// An allowed value that may name the tenant.
enum Template {
    /// It does not.
    Plain,
    Expanded(String),
    /// It does, and no tenant is known.
    Unknown,
}

/// The pattern with `{tenant}` filled in: the key's, or the caller's where the key has none or serves
/// several.
fn with_tenant(case: &Case<'_, '_>, pattern: &Pattern) -> Template {
    if !pattern.text.bytes().any(|byte| byte == b'{') || !pattern.text.contains(TENANT) {
        return Template::Plain;
    }
    let declaration = &case.entry.declaration;
    let key = declaration.tenant.as_ref().map(|slug| &slug.0);
    let key = key.filter(|_| declaration.multi_tenant != Some(true));
    match key.or(case.home.tenant.as_ref()) {
        Some(tenant) => Template::Expanded(pattern.text.replace(TENANT, tenant)),
        None => Template::Unknown,
    }
}

/// A name and its value.
type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The context column holds something else than a flat object of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Malformed;

/// The pairs of a flat JSON object of texts, and at the first mistake the end. A name may come twice: the
/// items of a batch.
struct Pairs<'a> {
    /// What is still to be read; nothing at the end.
    rest: Option<&'a str>,
    is_first: bool,
}

impl<'a> Pairs<'a> {
    fn of(json: &'a str) -> Self {
        Self { rest: Some(json), is_first: true }
    }

    /// The next pair and what follows it.
    fn step(rest: &'a str, is_first: bool) -> Result<Option<(Pair<'a>, &'a str)>, Malformed> {
        let rest = if is_first { rest.trim_ascii_start().strip_prefix('{').ok_or(Malformed)? } else { rest };
        let rest = rest.trim_ascii_start();
        if let Some(after) = rest.strip_prefix('}') {
            return if after.trim_ascii_start().is_empty() { Ok(None) } else { Err(Malformed) };
        }
        let rest = if is_first { rest } else { rest.strip_prefix(',').ok_or(Malformed)?.trim_ascii_start() };
        let (name, after) = text(rest).ok_or(Malformed)?;
        let after = after.trim_ascii_start().strip_prefix(':').ok_or(Malformed)?;
        let (value, after) = text(after.trim_ascii_start()).ok_or(Malformed)?;
        Ok(Some(((name, value), after)))
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Result<Pair<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.take()?;
        let (pair, after) = match Self::step(rest, std::mem::take(&mut self.is_first)).transpose()? {
            Ok(step) => step,
            Err(malformed) => return Some(Err(malformed)),
        };
        self.rest = Some(after);
        Some(Ok(pair))
    }
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

    fn pairs(json: &str) -> Result<Vec<Pair<'_>>, Malformed> {
        Pairs::of(json).collect()
    }

    #[test]
    fn a_repeated_name_is_read_twice_and_junk_is_refused() {
        let read = pairs(r#"{"context":"a","context":"b\"\\"}"#).unwrap();
        assert_eq!(read, [("context".into(), "a".into()), ("context".into(), "b\"\\".into())]);
        assert_eq!(pairs("{}"), Ok(Vec::new()));
        for junk in ["", "{", "[]", r#"{"a":1}"#, r#"{"a":"b",}"#, r#"{"a""b"}"#, r#"{"a":"b" "c":"d"}"#] {
            assert_eq!(pairs(junk), Err(Malformed), "{junk}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_serde_json_writes(object in prop::collection::btree_map(".{0,6}", ".{0,6}", 0..4)) {
            let json = serde_json::to_string(&object).unwrap();
            let read: Result<Vec<(String, String)>, Malformed> = pairs(&json)
                .map(|pairs| pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect());
            prop_assert_eq!(read, Ok(object.into_iter().collect::<Vec<_>>()));
        }
    }
}
