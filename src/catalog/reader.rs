//! One file's sections into the parts of a catalog.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::document::declaration::{ClassDocument, Declaration, KeyDocument};
use super::document::scalars::Pattern;
use super::document::sections::{Belonging, Defaults};
use super::load::{Parts, Written};
use super::yaml::read::item;
use super::yaml::sections::Sections;
use super::yaml::tape::{Fault, Slot};
use super::yaml::{Place, Placed, Problem, Severity};

/// The version of the format.
const FORMAT: u32 = 1;

/// Takes one file's sections.
pub struct Reader<'p> {
    file: Arc<str>,
    parts: &'p mut Parts,
    /// The version of the format that the file names.
    format: Option<u32>,
}

impl<'p> Reader<'p> {
    /// Reads the file `file` into `parts`.
    pub fn new(file: &Arc<str>, parts: &'p mut Parts) -> Self {
        Self { file: Arc::clone(file), parts, format: None }
    }

    fn error(&mut self, place: Place, message: impl Into<String>) {
        self.parts.problems.push(Problem::new(&self.file, place, Severity::Error, message));
    }

    /// One item as `T`, its mistakes reported.
    fn item<'t, T: serde::Deserialize<'t>>(&mut self, tape: &mut [Slot<'t>]) -> Option<T> {
        let read = item(tape);
        for mistake in read.mistakes {
            self.error(mistake.place, mistake.message);
        }
        read.value
    }

    /// Reports that the file names no version of the format.
    pub fn check_format(&mut self) {
        if self.format.is_none() {
            self.error(
                Place { line: 1, column: 1 },
                "the format's version is missing; begin with `version: 1`",
            );
        }
    }

    fn take_format(&mut self, tape: &mut [Slot<'_>]) {
        self.format = Some(FORMAT);
        if let Some(Placed { value, place }) = self.item::<Placed<u32>>(tape)
            && value != FORMAT
        {
            self.error(
                place,
                format!("version {value} of the format is not known; write `version: {FORMAT}`"),
            );
        }
    }

    fn take_groups(&mut self, tape: &mut [Slot<'_>]) {
        let groups: Option<BTreeMap<Arc<str>, Box<[Pattern]>>> = self.item(tape);
        for (name, members) in groups.into_iter().flatten() {
            let place = members.first().map_or(Place::default(), |member| member.place);
            for member in members.iter().filter(|member| member.text.starts_with(super::principals::GROUP)) {
                self.error(member.place, "a group cannot hold a group; list its members");
            }
            if self.parts.groups.0.insert(Arc::clone(&name), members).is_some() {
                self.error(place, format!("the group `{name}` is declared twice; put its members together"));
            }
        }
    }

    fn take_accounts(&mut self, place: Place, tape: &mut [Slot<'_>]) {
        let accounts: Option<BTreeMap<String, Belonging>> = self.item(tape);
        for (account, belonging) in accounts.into_iter().flatten() {
            let known = self.parts.accounts.insert(account.clone(), belonging);
            if known.is_some() {
                self.error(place, format!("the account `{account}` is declared twice; keep one"));
            }
        }
    }

    fn take_defaults(&mut self, place: Place, tape: &mut [Slot<'_>]) {
        let Some(defaults) = self.item::<Defaults>(tape) else { return };
        if self.parts.defaults != Defaults::default() {
            self.error(place, "`defaults` are given in another file too; keep one");
        }
        self.parts.defaults = defaults;
    }

    fn take_key(&mut self, tape: &mut [Slot<'_>]) {
        let before = self.parts.problems.len();
        let Some((head, declaration)) = self.item::<KeyDocument>(tape).map(KeyDocument::split) else {
            return;
        };
        let written = self.written(head, declaration, before);
        self.parts.keys.push(written);
    }

    fn take_class(&mut self, tape: &mut [Slot<'_>]) {
        let before = self.parts.problems.len();
        let Some((head, declaration)) = self.item::<ClassDocument>(tape).map(ClassDocument::split) else {
            return;
        };
        let written = self.written(head, declaration, before);
        self.parts.classes.push(written);
    }

    fn written<H>(&self, head: H, declaration: Box<Declaration>, problems_before: usize) -> Written<H> {
        let is_flawed = self.parts.problems.len() > problems_before;
        Written { file: Arc::clone(&self.file), head, declaration, is_flawed }
    }
}

/// The sections of a catalog, for the message about any other.
const SECTIONS: &str =
    "version defaults groups keys classes callers accounts pipelines scanners exceptions blind_spots";

impl<'t> Sections<'t> for Reader<'_> {
    fn is_list(&self, name: &str) -> bool {
        matches!(
            name,
            "keys" | "classes" | "callers" | "pipelines" | "scanners" | "exceptions" | "blind_spots"
        )
    }

    fn section(&mut self, name: &str, place: Place, tape: &mut Vec<Slot<'t>>) {
        match name {
            "version" => {}
            // The first caller map that matches decides, so their order is part of what is said.
            "callers" => self.parts.content.add(&format!("callers {}", self.parts.callers.len()), tape),
            _ => self.parts.content.add(name, tape),
        }
        let file = Arc::clone(&self.file);
        match name {
            "version" => self.take_format(tape),
            "defaults" => self.take_defaults(place, tape),
            "groups" => self.take_groups(tape),
            "keys" => self.take_key(tape),
            "classes" => self.take_class(tape),
            "accounts" => self.take_accounts(place, tape),
            "callers" => {
                let read = self.item(tape).map(|caller| (file, caller));
                self.parts.callers.extend(read);
            }
            "pipelines" => {
                let read = self.item(tape).map(|pattern| (file, pattern));
                self.parts.pipelines.extend(read);
            }
            "scanners" => {
                let read = self.item(tape).map(|pattern| (file, pattern));
                self.parts.scanners.extend(read);
            }
            "exceptions" => {
                let read = self.item(tape).map(|exception| (file, exception));
                self.parts.exceptions.extend(read);
            }
            "blind_spots" => {
                let read = self.item(tape);
                self.parts.blind_spots.extend(read);
            }
            _ => self.error(place, format!("there is no section `{name}`; known are: {SECTIONS}")),
        }
    }

    fn mistake(&mut self, fault: Fault) {
        self.error(fault.place, fault.message);
    }
}
