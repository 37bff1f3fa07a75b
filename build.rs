//! Lists the detectors in `detectors/` and the questions in `queries/`, so that the program carries them
//! and works without a checkout.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for (folder, endings) in [("detectors", ["yaml", "yml"]), ("queries", ["sql", "sql"])] {
        fs::write(out.join(format!("embedded_{folder}.rs")), list(&root.join(folder), &endings)?)?;
        writeln!(std::io::stdout(), "cargo::rerun-if-changed={folder}")?;
    }
    Ok(())
}

/// `pub const FILES: &[(name, text)]` of the files in `folder` with one of these endings, sorted.
fn list(folder: &Path, endings: &[&str]) -> Result<String, Box<dyn Error>> {
    let mut files = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            files.push(entry?.path());
        }
    }
    files.retain(|file| file.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known)));
    files.sort();
    let mut text = String::from("pub const FILES: &[(&str, &str)] = &[\n");
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        writeln!(text, "    ({name:?}, include_str!({:?})),", file.display().to_string())?;
    }
    text.push_str("];\n");
    Ok(text)
}
