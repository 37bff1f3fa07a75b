use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::read::item;
use super::sections::{Sections, walk};
use super::tape::{Fault, Slot};
use super::{Place, Placed};

/// Takes every section as JSON, and all mistakes.
#[derive(Default)]
struct Taken {
    sections: Vec<(String, serde_json::Value)>,
    mistakes: Vec<(u32, u32, String)>,
}

impl<'t> Sections<'t> for Taken {
    fn is_list(&self, name: &str) -> bool {
        name == "keys"
    }

    fn section(&mut self, name: &str, _: Place, tape: &mut Vec<Slot<'t>>) {
        let read = item::<serde_json::Value>(tape);
        self.sections.push((name.to_owned(), read.value.unwrap_or_default()));
        read.mistakes.into_iter().for_each(|fault| self.mistake(fault));
    }

    fn mistake(&mut self, fault: Fault) {
        self.mistakes.push((fault.place.line, fault.place.column, fault.message));
    }
}

fn taken(text: &str) -> Taken {
    let mut taken = Taken::default();
    walk(text, &mut taken);
    taken
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Small {
    name: Placed<String>,
    #[serde(default)]
    count: Option<u32>,
    #[serde(default)]
    on: Option<bool>,
    #[serde(default)]
    list: Vec<Placed<String>>,
    #[serde(default)]
    map: BTreeMap<String, String>,
}

/// Reads one value as [`Small`].
fn small(text: &str) -> (Option<Small>, Vec<(u32, u32, String)>) {
    struct One(Option<Small>, Vec<(u32, u32, String)>);

    impl<'t> Sections<'t> for One {
        fn is_list(&self, _: &str) -> bool {
            false
        }

        fn section(&mut self, _: &str, _: Place, tape: &mut Vec<Slot<'t>>) {
            let read = item(tape);
            self.0 = read.value;
            read.mistakes.into_iter().for_each(|fault| self.mistake(fault));
        }

        fn mistake(&mut self, fault: Fault) {
            self.1.push((fault.place.line, fault.place.column, fault.message));
        }
    }

    let mut one = One(None, Vec::new());
    walk(text, &mut one);
    (one.0, one.1)
}

#[test]
fn the_items_of_a_list_come_one_at_a_time_and_other_sections_whole() {
    let taken = taken("version: 1\nkeys:\n  - a\n  - { b: [1, true, ~] }\ngroups: { x: [y] }\nempty:\n");
    let texts: Vec<String> = taken.sections.iter().map(|(name, value)| format!("{name} {value}")).collect();
    assert_eq!(
        texts,
        [r#"version "1""#, r#"keys "a""#, r#"keys {"b":["1",true,null]}"#, r#"groups {"x":["y"]}"#]
    );
    assert!(taken.mistakes.is_empty());
}

#[test]
fn a_value_keeps_its_place_in_characters_from_one() {
    let (read, mistakes) = small("x:\n  name: é\n  list: [ü, \"b\"]\n");
    let read = read.unwrap();
    assert_eq!(mistakes, []);
    assert_eq!(read.name.place, Place { line: 2, column: 9 });
    let places: Vec<Place> = read.list.iter().map(|text| text.place).collect();
    assert_eq!(places, [Place { line: 3, column: 10 }, Place { line: 3, column: 13 }]);
}

#[test]
fn every_mistake_of_an_item_is_reported_and_the_rest_is_read() {
    let text =
        "x:\n  nme: q\n  name: n\n  count: many\n  on: perhaps\n  list: [a, [b], c]\n  map: { k: {} }\n";
    let (read, mut mistakes) = small(text);
    mistakes.sort();
    let places: Vec<(u32, u32)> = mistakes.iter().map(|(line, column, _)| (*line, *column)).collect();
    assert_eq!(places, [(2, 3), (4, 10), (5, 7), (6, 13), (7, 13)]);
    assert_eq!(mistakes[0].2, "there is no field `nme`; did you mean `name`?");
    assert!(mistakes[1].2.contains("`many`"), "{}", mistakes[1].2);
    assert_eq!(mistakes[2].2, "this is `perhaps`; write true or false");
    let read = read.unwrap();
    assert_eq!(read.count, None);
    assert_eq!(read.list.iter().map(|text| &*text.value).collect::<Vec<_>>(), ["a", "c"]);
    assert!(read.map.is_empty());
}

#[test]
fn a_field_that_was_wrong_is_not_also_missing() {
    let (read, mistakes) = small("x: { name: [a, b] }\n");
    assert_eq!(read, None);
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    let (_, mistakes) = small("x: { count: 1 }\n");
    assert_eq!(mistakes, [(1, 4, "the field `name` is missing; add it".to_owned())]);
}

#[test]
fn a_name_given_twice_is_a_mistake_and_the_first_counts() {
    let (read, mistakes) = small("x: { name: a, count: 1, count: 2 }\n");
    assert_eq!(read.unwrap().count, Some(1));
    assert_eq!(mistakes, [(1, 25, "`count` is given twice; keep one".to_owned())]);
    let many: String = (0..40).map(|n| format!("k{n}: v, ")).collect();
    let (_, mistakes) = small(&format!("x: {{ name: a, map: {{ {many} k39: w }} }}\n"));
    assert_eq!(mistakes.len(), 1);
}

#[test]
fn anchors_repeat_a_value_and_merge_keys_are_refused_with_a_way_out() {
    let (read, mistakes) = small("x: { name: &n a, list: [*n, *n] }\n");
    assert_eq!(read.unwrap().list.len(), 2);
    assert_eq!(mistakes, []);
    let (_, mistakes) = small("x: { name: a, <<: { count: 1 } }\n");
    assert!(mistakes[0].2.contains("extends"), "{mistakes:?}");
}

#[test]
fn numbers_and_words_that_look_like_values_stay_text_where_text_is_wanted() {
    let (read, _) = small("x: { name: 012345678901, list: [1.10, no, \"~\", 1e3] }\n");
    let read = read.unwrap();
    assert_eq!(read.name.value, "012345678901");
    assert_eq!(read.list.iter().map(|text| &*text.value).collect::<Vec<_>>(), ["1.10", "no", "~", "1e3"]);
}

#[test]
fn broken_yaml_is_one_mistake_with_its_place_and_what_came_before_is_read() {
    let broken = taken("keys:\n  - a\n  - \"b\n");
    assert_eq!(broken.sections.len(), 1);
    assert_eq!(broken.mistakes.len(), 1);
    assert!(broken.mistakes[0].0 >= 3, "{:?}", broken.mistakes);
    assert!(taken("- a\n").mistakes[0].2.contains("mapping"));
    assert_eq!(taken("").mistakes, []);
    assert_eq!(taken("\u{feff}version: 1\n").sections.len(), 1);
}

#[test]
fn nesting_and_alias_bombs_end_with_a_message() {
    let deep = format!("x: {}{}\n", "[".repeat(100), "]".repeat(100));
    assert!(taken(&deep).mistakes[0].2.contains("nested deeper"));
    let mut bomb = "a: &l0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let before = level - 1;
        let repeated = format!("*l{before}, ").repeat(10);
        bomb.push_str(&format!("b{level}: &l{level} [{repeated}]\n"));
    }
    assert!(taken(&bomb).mistakes.iter().any(|mistake| mistake.2.contains("more than")));
}

proptest! {
    /// What JSON says is what is read, but for numbers, which are text until a type asks for one.
    #[test]
    fn json_is_read_as_json(names in prop::collection::btree_map("[a-z]{1,8}", "[ -~]{0,12}", 0..6), flag in any::<bool>()) {
        let value = serde_json::json!({ "x": { "names": names, "list": names.values().collect::<Vec<_>>(), "flag": flag } });
        let taken = taken(&value.to_string());
        prop_assert_eq!(&taken.mistakes, &vec![]);
        prop_assert_eq!(&taken.sections[0].1, &value["x"]);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[a-z:\\-\\[\\]{}&*!|>'\"#%@,? \n\t]{0,80}") {
        let taken = taken(&text);
        prop_assert!(taken.mistakes.iter().all(|mistake| !mistake.2.is_empty()));
    }

    /// The same events read through another deserializer.
    #[test]
    fn agrees_with_serde_saphyr_on_text(names in prop::collection::btree_map("[a-z]{1,6}", "[a-z :#'\"-]{0,10}", 1..5)) {
        let text = serde_saphyr::to_string(&names).unwrap();
        let read: BTreeMap<String, String> = serde_saphyr::from_str(&text).unwrap();
        let taken = taken(&text);
        let ours: BTreeMap<String, String> = taken
            .sections
            .into_iter()
            .map(|(name, value)| (name, value.as_str().unwrap_or_default().to_owned()))
            .collect();
        // A section without a value is left out; an empty text in quotes is not without one.
        let theirs: BTreeMap<String, String> = read.into_iter().filter(|(name, text)| !text.is_empty() || ours.contains_key(name)).collect();
        prop_assert_eq!(ours, theirs);
    }
}
