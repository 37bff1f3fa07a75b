//! From one ledger into another: what is still needed when the rest is left out, or when other columns are kept.
//!
//! In: witnesses of the old ledger. Out: the same in the new one. Each word and each line is looked up once.

use super::ledger::{EventName, Ledger, NONE, Witness};

/// A new ledger being filled from an old one.
#[derive(Debug)]
pub struct Carry<'l> {
    from: &'l Ledger,
    to: &'l mut Ledger,
    /// The places that the new columns have in an old line.
    places: Vec<Option<usize>>,
    /// By the old number: the new one and one; 0 where not carried yet.
    words: Vec<u32>,
    lines: Vec<u32>,
}

impl<'l> Carry<'l> {
    /// Nothing is carried yet.
    pub fn new(from: &'l Ledger, to: &'l mut Ledger) -> Self {
        let place = |column| from.columns().iter().position(|known| *known == column);
        let places = to.columns().iter().map(|column| place(*column)).collect();
        let (words, lines) = (vec![0; from.words()], vec![0; from.len()]);
        Self { from, to, places, words, lines }
    }

    /// Has the witness stand in the new ledger.
    pub fn carry(&mut self, witness: &mut Witness) {
        let line = self.line(witness.line());
        let event = match witness.event().word() {
            Some(word) => EventName::of_word(self.word(word)),
            None => witness.event(),
        };
        witness.stand(event, line);
    }

    fn line(&mut self, number: u32) -> u32 {
        match self.lines.get(number as usize) {
            Some(known) if *known != 0 => return *known - 1,
            _ => {}
        }
        let old = self.from.line(number);
        let mut words = Vec::with_capacity(self.places.len());
        for at in 0..self.places.len() {
            let place = self.places.get(at).copied().flatten();
            let word = place.and_then(|place| old.get(place)).copied();
            words.push(word.map_or(NONE, |word| self.word(word)));
        }
        let line = self.to.keep(&words);
        self.lines.get_mut(number as usize).into_iter().for_each(|known| *known = line + 1);
        line
    }

    fn word(&mut self, number: u32) -> u32 {
        if number == NONE {
            return NONE;
        }
        match self.words.get_mut(number as usize) {
            Some(known) if *known != 0 => *known - 1,
            Some(unknown) => {
                let word = self.from.written(number).map_or(NONE, |text| self.to.word(text));
                *unknown = word + 1;
                word
            }
            None => NONE,
        }
    }
}
