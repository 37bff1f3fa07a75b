//! Standard input, or any stream that is read once: its lines go into the spool.
//!
//! In: bytes. Out: each line as an entry; at the end of the input the spool is closed, so that its feed hands
//! over everything and then ends.

use std::io::{self, Read};
use std::sync::Arc;
use std::thread::JoinHandle;

use super::socket::{Lines, READ_BYTES};
use super::spool::{Priority, Spool};

/// Reads `input` on a thread of its own until its end, or until the spool closes.
///
/// # Errors
/// Where there can be no more threads.
pub fn read(input: impl Read + Send + 'static, spool: Arc<Spool>) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("stdin".to_owned()).spawn(move || run(input, &spool))
}

fn run(mut input: impl Read, spool: &Spool) {
    let mut lines = Lines::default();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let mut whole = Vec::new();
        match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => lines.push(buffer.get(..read).unwrap_or_default(), &mut whole),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                tracing::error!(%error, "could not read standard input on");
                break;
            }
        }
        if spool.append_in_time_blocking(&whole, Priority::Normal).is_err() {
            return;
        }
    }
    let mut rest = Vec::new();
    lines.finish(&mut rest);
    if spool.append_in_time_blocking(&rest, Priority::Normal).is_err() {
        tracing::warn!("the last line of standard input was not stored");
    }
    spool.close();
}
