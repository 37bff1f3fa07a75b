//! What modifiers make of a text: dashes that Windows takes for one another, and base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;

use super::condition::Trouble;
use crate::sql::glob::Glob;

/// The dashes that `windash` takes for one another.
const DASHES: [char; 5] = ['-', '/', '–', '—', '―'];

/// The most texts that one is written out as: four dashes.
const MAX_TEXTS: usize = 625;

/// How text is turned into bytes before base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Utf16LittleEndian,
    Utf16BigEndian,
    /// Little endian, after a byte order mark.
    Utf16WithMark,
}

/// The text with every choice of dashes. A dash begins an option: nothing of a word before it, a word after it.
///
/// # Errors
/// Where there are too many.
pub fn dashes(glob: &Glob) -> Result<Vec<Glob>, Trouble> {
    let written = glob.written();
    // The pattern is a constant, so this cannot fail.
    let Ok(dash) = Regex::new(r"\B[-/]\b") else { return Ok(vec![glob.clone()]) };
    let mut texts = vec![String::new()];
    let mut at = 0;
    for found in dash.find_iter(&written) {
        let before = written.get(at..found.start()).unwrap_or_default();
        let more =
            texts.iter().flat_map(|text| DASHES.iter().map(move |dash| format!("{text}{before}{dash}")));
        texts = more.collect();
        at = found.end();
        if texts.len() > MAX_TEXTS {
            return Err(Trouble::unsupported("`windash` makes too many texts of this one"));
        }
    }
    let rest = written.get(at..).unwrap_or_default();
    Ok(texts.into_iter().map(|text| Glob::parse(&(text + rest))).collect())
}

/// The text in base64.
///
/// # Errors
/// Where it has wildcards.
pub fn base64(glob: &Glob, encoding: Encoding) -> Result<Glob, Trouble> {
    Ok(Glob::plain(&STANDARD.encode(bytes(glob, encoding)?)))
}

/// The three ways in which the text can stand within something in base64, without the characters at its
/// ends that depend on its neighbours.
///
/// # Errors
/// Where it has wildcards.
pub fn base64_offsets(glob: &Glob, encoding: Encoding) -> Result<Vec<Glob>, Trouble> {
    let bytes = bytes(glob, encoding)?;
    let at = |offset: usize| {
        let mut padded = vec![b' '; offset];
        padded.extend_from_slice(&bytes);
        let encoded = STANDARD.encode(&padded);
        // The first characters hold bits of what stands before, the last of what stands after.
        let start = [0, 2, 3].get(offset).copied().unwrap_or_default();
        let end = [0, 3, 2].get(padded.len() % 3).copied().unwrap_or_default();
        let inner = encoded.get(start..encoded.len().saturating_sub(end)).unwrap_or_default();
        Glob::plain(inner)
    };
    Ok((0..3).map(at).collect())
}

fn bytes(glob: &Glob, encoding: Encoding) -> Result<Vec<u8>, Trouble> {
    let Some(text) = glob.as_plain() else {
        return Err(Trouble::mistake("wildcards have no meaning in base64: escape them with a backslash"));
    };
    let wide = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    Ok(match encoding {
        Encoding::Utf8 => text.as_bytes().to_vec(),
        Encoding::Utf16LittleEndian => wide(u16::to_le_bytes),
        Encoding::Utf16BigEndian => wide(u16::to_be_bytes),
        Encoding::Utf16WithMark => [vec![0xFF, 0xFE], wide(u16::to_le_bytes)].concat(),
    })
}
