//! A certificate that a test's server shows, made with openssl.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A certificate for `localhost` and its key, in a folder; nothing where openssl is not installed, which it
/// then says.
pub fn self_signed(folder: &Path) -> Option<(PathBuf, PathBuf)> {
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output();
    if made.is_ok_and(|ran| ran.status.success()) {
        return Some((certificate, key));
    }
    // To the terminal, past the capture of the tests: a skipped test looks like a passed one otherwise.
    let _ = writeln!(std::io::stderr(), "SKIPPED: no certificate here: `openssl req` fails");
    None
}
