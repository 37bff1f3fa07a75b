//! What is allowed and still deserves a look: warnings by content, by date, and for `--strict`.

use std::sync::Arc;

use super::Catalog;
use super::check::named_principals;
use super::document::declaration::Declaration;
use super::document::scalars::Pattern;
use super::entry::{Entry, EntryKind};
use super::exceptions::Exception;
use super::yaml::{Place, Problem, Severity};
use crate::domain::function::{Function, FunctionSet, default_functions};
use crate::domain::purpose::Purpose;
use crate::domain::time::format_rfc3339;

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;
/// An exception that lasts longer is a second declaration.
const LONGEST_EXCEPTION_DAYS: i64 = 90;
/// Names of which a pattern that names something in particular matches none.
const PROBES: [&str; 6] = [
    "arn:aws:kms:xx-probe-1:000000000000:key/00000000-0000-0000-0000-000000000000",
    "arn:aws:secretsmanager:xx-probe-1:000000000000:secret:probe-000000",
    "vault:probe/probe",
    "arn:aws:iam::000000000000:role/probe",
    "auth/probe#approle:probe",
    "kubernetes:probe/probe",
];

/// All warnings; with `strict` also what a complete catalog has.
pub fn lint(catalog: &Catalog, now: i64, strict: bool) -> Vec<Problem> {
    let mut lint = Lint { now, strict, problems: Vec::new() };
    for entry in catalog.entries.iter().filter(|entry| entry.kind != EntryKind::AwsManaged) {
        lint.entry(entry);
    }
    for exception in catalog.exceptions.all() {
        lint.exception(exception);
    }
    for spot in catalog.blind_spots.iter().filter(|spot| spot.until.0 <= now) {
        let message =
            format!("the blind spot `{}` of {} was accepted until {}", spot.what, spot.source, spot.until);
        lint.problems.push(Problem::new(&"".into(), Place::default(), Severity::Warning, message));
    }
    lint.problems.sort_by(|left, right| {
        (&left.file, left.line, left.column).cmp(&(&right.file, right.line, right.column))
    });
    lint.problems
}

struct Lint {
    now: i64,
    strict: bool,
    problems: Vec<Problem>,
}

impl Lint {
    fn warn(&mut self, file: &Arc<str>, place: Place, message: impl Into<String>) {
        self.problems.push(Problem::new(file, place, Severity::Warning, message));
    }

    fn entry(&mut self, entry: &Entry) {
        for name in entry.names.iter().filter(|name| covers_everything(name)) {
            self.warn(
                &entry.file,
                name.place,
                format!("`{}` matches every key; name the ones that are meant", name.text),
            );
        }
        for name in named_principals(&entry.declaration).filter(|name| covers_everything(name)) {
            self.warn(
                &entry.file,
                name.place,
                format!("`{}` matches every caller; name those that are meant", name.text),
            );
        }
        self.functions(entry);
        self.review(entry);
        if self.strict && entry.is_key() {
            self.completeness(entry);
        }
    }

    fn functions(&mut self, entry: &Entry) {
        let place = entry.id.place;
        let declared = entry.functions(true);
        if let Some(able) = able(entry) {
            let unable: Vec<&str> =
                declared.iter().filter(|function| !able.contains(*function)).map(Function::as_str).collect();
            if entry.declaration.functions.is_some() && !unable.is_empty() {
                let message =
                    format!("a key of this type cannot {}; take it out of `functions`", unable.join(", "));
                self.warn(&entry.file, place, message);
            } else if declared.intersection(able).is_empty() && !declared.is_empty() {
                let purpose = entry.declaration.purpose.map_or("", Purpose::as_str);
                let message = format!("a key of this type cannot serve the purpose {purpose}");
                self.warn(&entry.file, place, message);
            }
        }
        for grant in entry.declaration.grants.iter().flatten() {
            let beyond: Vec<&str> = grant
                .functions
                .0
                .iter()
                .filter(|function| !satisfies(declared, *function))
                .map(Function::as_str)
                .collect();
            if !beyond.is_empty() {
                let message =
                    format!("a grant gives {}, which the entry's functions do not allow", beyond.join(", "));
                let at = grant.principals.first().map_or(place, |item| item.name().place);
                self.warn(&entry.file, at, message);
            }
        }
    }

    fn review(&mut self, entry: &Entry) {
        let Declaration { reviews, review_every: Some(every), .. } = &*entry.declaration else {
            return;
        };
        let last = reviews.iter().flatten().map(|review| review.on.0).max();
        let due = last.map(|last| last.saturating_add(every.0.saturating_mul(1_000_000)));
        match due {
            Some(due) if due > self.now => {}
            Some(due) => {
                let message = format!("the review of `{}` was due on {}", entry.id.text, format_rfc3339(due));
                self.warn(&entry.file, entry.id.place, message);
            }
            None => self.warn(&entry.file, entry.id.place, format!("`{}` was never reviewed", entry.id.text)),
        }
    }

    fn completeness(&mut self, entry: &Entry) {
        let declaration = &entry.declaration;
        let missing = [
            ("use", declaration.business_use.is_none()),
            ("owner", declaration.owner.is_none()),
            ("reviews", declaration.reviews.as_ref().is_none_or(|reviews| reviews.is_empty())),
        ];
        for (field, _) in missing.into_iter().filter(|(_, is_missing)| *is_missing) {
            self.warn(&entry.file, entry.id.place, format!("`{}` has no `{field}`; add it", entry.id.text));
        }
    }

    fn exception(&mut self, exception: &Exception) {
        let (file, place) = (&exception.file, exception.id.place);
        let id = &exception.id.text;
        for name in exception.principals.iter().filter(|name| covers_everything(name)) {
            self.warn(
                file,
                name.place,
                format!("`{}` excepts every caller; name those that are meant", name.text),
            );
        }
        if exception.until <= self.now {
            let until = format_rfc3339(exception.until);
            self.warn(
                file,
                place,
                format!("the exception `{id}` expired on {until}; take it out, or renew it"),
            );
        }
        let days = exception.from.map(|from| (exception.until - from) / DAY);
        if let Some(days) = days.filter(|days| *days > LONGEST_EXCEPTION_DAYS) {
            let message = format!(
                "the exception `{id}` lasts {days} days, longer than {LONGEST_EXCEPTION_DAYS}; declare what is meant to stay"
            );
            self.warn(file, place, message);
        }
        if self.strict && exception.from.is_none() {
            self.warn(
                file,
                place,
                format!("the exception `{id}` has no `from`, so it reaches back without limit"),
            );
        }
    }
}

fn satisfies(functions: FunctionSet, function: Function) -> bool {
    super::judge::what::satisfies(functions, function)
        || (function == Function::Unwrap && functions.contains(Function::Decrypt))
}

/// Whether a pattern names nothing in particular: it matches two names that have nothing in common, or
/// one that nobody uses.
fn covers_everything(pattern: &Pattern) -> bool {
    pattern.is_glob() && PROBES.iter().any(|probe| pattern.matches(probe))
}

/// What a key of the declared AWS type can do; nothing where the entry does not tell its type.
fn able(entry: &Entry) -> Option<FunctionSet> {
    use Function::{
        Decapsulate, Decrypt, Derive, Encapsulate, Encrypt, KeyAgreement, MacGenerate, MacVerify,
        ReencryptFrom, ReencryptTo, Retrieve, Sign, Store, TokenIssue, Unwrap, Verify, Wrap,
    };
    let secrets =
        !entry.names.is_empty() && entry.names.iter().all(|name| name.text.contains(":secretsmanager:"));
    if secrets {
        return Some(FunctionSet::of(&[Retrieve, Store]));
    }
    let expected = entry.declaration.expect.as_ref()?;
    let set = match expected.key_usage.as_deref()? {
        "ENCRYPT_DECRYPT" => default_functions(Purpose::DataEncryption, true).union(FunctionSet::of(&[
            Encrypt,
            Decrypt,
            Wrap,
            Unwrap,
            ReencryptFrom,
            ReencryptTo,
            Retrieve,
            Store,
        ])),
        "SIGN_VERIFY" => FunctionSet::of(&[Sign, Verify, TokenIssue, Function::Certify]),
        "GENERATE_VERIFY_MAC" => FunctionSet::of(&[MacGenerate, MacVerify]),
        "KEY_AGREEMENT" => FunctionSet::of(&[KeyAgreement, Derive]),
        "ENCAPSULATE_DECAPSULATE" => FunctionSet::of(&[Encapsulate, Decapsulate]),
        _ => return None,
    };
    Some(set)
}
