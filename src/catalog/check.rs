//! What must hold across a whole catalog: every name is claimed once, everything referred to exists, and
//! exceptions have all that they need.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::document::declaration::Declaration;
use super::document::rules::PrincipalItem;
use super::document::scalars::Pattern;
use super::document::sections::{ExceptionDocument, ExceptionKind};
use super::entry::{AWS_MANAGED, Entry};
use super::exceptions::{BREAK_GLASS_LONGEST, Exception};
use super::index::Clash;
use super::load::Parts;
use super::principals::GROUP;
use super::yaml::{Place, Problem, Severity};

/// Finds everything that is wrong across entries; claims of names come from the index.
pub fn check(parts: &Parts, problems: &mut Vec<Problem>) {
    let classes = parts.classes.iter().map(|class| Arc::clone(&class.head.id.text)).collect();
    let mut check = Check { parts, ids: HashMap::new(), classes, problems };
    check.collect_ids();
    for key in &parts.keys {
        check.extends(&key.file, key.head.extends.as_ref());
        check.names(&key.file, &key.head.keys);
        if !key.is_flawed {
            check.purpose(&key.file, &key.head.id, &key.declaration);
            check.has_names(&key.file, &key.head.id, &key.head.keys);
        }
        check.declaration(&key.file, &key.head.id, &key.declaration);
    }
    for class in &parts.classes {
        if let Some(criteria) = &class.head.criteria {
            if !class.is_flawed {
                check.purpose(&class.file, &class.head.id, &class.declaration);
            }
            if criteria.accounts.is_none() && criteria.keys.is_none() && criteria.tags.is_none() {
                check.error(
                    &class.file,
                    class.head.id.place,
                    "`match` is empty; name accounts, keys or tags",
                );
            }
        }
        check.declaration(&class.file, &class.head.id, &class.declaration);
    }
    check.callers();
    check.exceptions();
}

struct Check<'a> {
    parts: &'a Parts,
    /// Where each id is declared.
    ids: HashMap<Arc<str>, (Arc<str>, Place)>,
    classes: HashSet<Arc<str>>,
    problems: &'a mut Vec<Problem>,
}

impl Check<'_> {
    fn error(&mut self, file: &Arc<str>, place: Place, message: impl Into<String>) {
        self.problems.push(Problem::new(file, place, Severity::Error, message));
    }

    fn collect_ids(&mut self) {
        let keys = self.parts.keys.iter().map(|key| (&key.file, &key.head.id));
        let classes = self.parts.classes.iter().map(|class| (&class.file, &class.head.id));
        for (file, id) in keys.chain(classes) {
            if &*id.text == AWS_MANAGED {
                let message =
                    format!("`{AWS_MANAGED}` is the built-in class of AWS-managed keys; choose another id");
                self.error(file, id.place, message);
            }
            let earlier = self.ids.insert(Arc::clone(&id.text), (Arc::clone(file), id.place));
            if let Some((earlier_file, earlier)) = earlier {
                let message = format!(
                    "the id `{}` is taken by {earlier_file}:{}; an id names one entry or class",
                    id.text, earlier.line
                );
                self.error(file, id.place, message);
            }
        }
    }

    fn extends(&mut self, file: &Arc<str>, class: Option<&Pattern>) {
        let Some(class) = class else { return };
        if !self.classes.contains(&class.text) {
            let message = format!("there is no class `{}`; declare it under `classes`", class.text);
            self.error(file, class.place, message);
        }
    }

    fn has_names(&mut self, file: &Arc<str>, id: &Pattern, names: &[Pattern]) {
        if names.is_empty() {
            self.error(file, id.place, "`keys` is empty; name the key as the logs do");
        }
    }

    fn names(&mut self, file: &Arc<str>, names: &[Pattern]) {
        for name in names {
            if let Some(message) = not_a_key(&name.text) {
                self.error(file, name.place, message);
            }
        }
    }

    fn purpose(&mut self, file: &Arc<str>, id: &Pattern, declaration: &Declaration) {
        if declaration.purpose.is_none() {
            let message =
                format!("`{}` has no purpose; give it exactly one, as `purpose: data-encryption`", id.text);
            self.error(file, id.place, message);
        }
    }

    fn declaration(&mut self, file: &Arc<str>, id: &Pattern, declaration: &Declaration) {
        for name in named_principals(declaration) {
            self.group(file, name);
        }
        for target in declaration.reencrypt_to.iter().flatten() {
            if !self.ids.contains_key(&target.text) {
                let message = format!("`reencrypt_to` names `{}`, which is no entry's id", target.text);
                self.error(file, target.place, message);
            }
        }
        if let (Some(from), Some(until)) = (declaration.active_from, declaration.active_until)
            && from >= until
        {
            let message = format!("`active_from` ({from}) is not before `active_until` ({until})");
            self.error(file, id.place, message);
        }
    }

    fn group(&mut self, file: &Arc<str>, name: &Pattern) {
        if let Some(group) = name.text.strip_prefix(GROUP)
            && !self.parts.groups.0.contains_key(group)
        {
            self.error(file, name.place, format!("there is no group `{group}`; declare it under `groups`"));
        }
    }

    fn callers(&mut self) {
        let callers = self.parts.callers.iter().map(|(file, caller)| (file, &caller.principal));
        let others = self.parts.pipelines.iter().chain(&self.parts.scanners).map(|(file, name)| (file, name));
        for (file, name) in callers.chain(others) {
            self.group(file, name);
        }
    }

    fn exceptions(&mut self) {
        let mut seen: HashSet<&str> = HashSet::new();
        for (file, written) in &self.parts.exceptions {
            if !seen.insert(&written.id.text) {
                let message =
                    format!("the exception `{}` is declared twice; give each its own id", written.id.text);
                self.error(file, written.id.place, message);
            }
            self.exception_fields(file, written);
            self.exception_principals(file, written);
            if let Some(key) = &written.key
                && !self.ids.contains_key(&key.text)
            {
                self.error(
                    file,
                    key.place,
                    format!("there is no entry or class `{}`; `key` is an id", key.text),
                );
            }
            self.exception_times(file, written);
        }
    }

    fn exception_fields(&mut self, file: &Arc<str>, written: &ExceptionDocument) {
        let missing = [
            ("key", written.key.is_none()),
            ("aspects", written.aspects.as_ref().is_none_or(|aspects| aspects.is_empty())),
            ("principals", written.principals.as_ref().is_none_or(|principals| principals.is_empty())),
            ("until", written.until.is_none()),
            ("reason", written.reason.is_none()),
            ("ticket", written.ticket.is_none()),
            ("approver", written.approver.is_none()),
        ];
        for (field, _) in missing.into_iter().filter(|(_, is_missing)| *is_missing) {
            let message = format!("the exception `{}` needs `{field}`; add it", written.id.text);
            self.error(file, written.id.place, message);
        }
        let sessions = written.sessions.as_ref().is_some_and(|sessions| !sessions.is_empty());
        if written.kind == Some(ExceptionKind::BreakGlass) && !sessions {
            let message = "break-glass access needs `sessions`, so that each use is somebody's; add globs of their names";
            self.error(file, written.id.place, message);
        }
        if let (Some(approver), Some(requester)) = (&written.approver, &written.requester)
            && approver.text == *requester
        {
            self.error(file, approver.place, "the approver is the requester; somebody else has to approve");
        }
    }

    fn exception_principals(&mut self, file: &Arc<str>, written: &ExceptionDocument) {
        for principal in written.principals.iter().flatten() {
            self.group(file, principal);
            let bare =
                principal.text.strip_prefix(GROUP).is_none() && principal.text.chars().all(|c| c == '*');
            if bare {
                self.error(file, principal.place, "an exception for everybody is none; name the principals");
            }
        }
    }

    fn exception_times(&mut self, file: &Arc<str>, written: &ExceptionDocument) {
        let (Some(from), Some(until)) = (written.from, written.until) else { return };
        if from >= until {
            let message = format!("the exception ends ({until}) before it begins ({from})");
            self.error(file, written.id.place, message);
        } else if written.kind == Some(ExceptionKind::BreakGlass) && until.0 - from.0 > BREAK_GLASS_LONGEST {
            self.error(file, written.id.place, "break-glass access lasts at most 24 h; shorten it");
        }
    }
}

/// Every principal, glob or group that a declaration names.
pub fn named_principals(declaration: &Declaration) -> impl Iterator<Item = &Pattern> {
    let principals = declaration.principals.iter().flatten().map(PrincipalItem::name);
    let grants = declaration.grants.iter().flatten();
    let granted = grants.flat_map(|grant| grant.principals.iter().map(PrincipalItem::name));
    principals.chain(granted).chain(declaration.administrators.iter().flatten())
}

/// A complete exception; nothing where a field is missing, which has been reported.
pub fn exception(file: &Arc<str>, written: &ExceptionDocument) -> Option<Exception> {
    let kind = written.kind.unwrap_or(ExceptionKind::Approved);
    let until = written.until?.0;
    let default_from = (kind == ExceptionKind::BreakGlass).then(|| until - BREAK_GLASS_LONGEST);
    Some(Exception {
        id: written.id.clone(),
        file: Arc::clone(file),
        kind,
        key: Arc::clone(&written.key.as_ref()?.text),
        aspects: written.aspects.as_ref()?.iter().copied().collect(),
        functions: written.functions.map(|functions| functions.0),
        principals: written.principals.clone()?,
        sessions: written.sessions.clone(),
        from: written.from.map(|from| from.0).or(default_from),
        until,
        reason: written.reason.clone()?,
        ticket: written.ticket.clone()?,
        requester: written.requester.clone(),
        approver: Arc::clone(&written.approver.as_ref()?.text),
    })
}

/// The problem of a name that two entries claim.
pub fn clash(entries: &[Entry], clash: &Clash) -> Problem {
    let none = || Arc::from("");
    let (Some(later), Some(earlier)) =
        (entries.get(clash.entry as usize), entries.get(clash.earlier as usize))
    else {
        return Problem::new(&none(), clash.name.place, Severity::Error, "a name is claimed twice");
    };
    let differs = match (later.declaration.purpose, earlier.declaration.purpose) {
        (Some(left), Some(right)) if left != right => format!(" for another purpose ({right}, here {left})"),
        _ if later.declaration.business_use != earlier.declaration.business_use => {
            " for another use".to_owned()
        }
        _ => String::new(),
    };
    let message = format!(
        "`{}` is declared by `{}` too{differs} ({}:{}); a key has one entry, one purpose, one use (CEK-11)",
        clash.name.text, earlier.id.text, earlier.file, earlier.id.place.line
    );
    Problem::new(&later.file, clash.name.place, Severity::Error, message)
}

/// What is wrong with a key's name, if anything.
fn not_a_key(name: &str) -> Option<String> {
    if name.starts_with("alias/") {
        return Some(format!("write the alias as its ARN: arn:aws:kms:REGION:ACCOUNT:{name}"));
    }
    if name.starts_with("vault:") && name.ends_with('/') {
        return Some(format!("`{name}` ends with a slash; a mount is written without it"));
    }
    let known = name.starts_with("arn:") || name.starts_with("vault:") || name.starts_with(['*', '?']);
    (!known).then(|| format!("`{name}` is no key's name; write an ARN, or vault:[namespace/]mount/name"))
}
