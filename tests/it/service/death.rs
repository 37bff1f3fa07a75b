//! How a service dies: after a while, or at a named step of a seal, of a transaction, or of a checkpoint.
//!
//! A step is a call of the system: `tests/services/faults/die.c`, preloaded, kills the process there. So the
//! program under test is the one that ships.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// The steps: name, and what it is for `die.c` without the count. The last one comes every thousand pages, and so
/// rarely in the small form.
const STEPS: &[(&str, &str)] = &[
    ("a file of history is written and not synced", "before:fsync:.parquet.tmp$"),
    ("it is synced and not renamed", "before:rename:.parquet$"),
    ("it is renamed, and its folder not synced", "after:rename:.parquet$"),
    (
        "all files of the seal are in place, and its transaction has not begun",
        "after:fsync:/history/traces/day=",
    ),
    ("a transaction is being written", "before:write:keyward.db-wal$"),
    ("a transaction is written and not synced", "before:fsync:keyward.db-wal$"),
    ("a transaction is committed, and nobody knows", "after:fsync:keyward.db-wal$"),
    ("a checkpoint is being written", "before:write:keyward.db$"),
];

/// How a service is to die.
#[derive(Debug, Clone, Copy)]
pub enum Death {
    /// By a signal, this long after its start.
    After(Duration),
    /// The `count`-th time that it gets to a step.
    At { step: &'static str, spec: &'static str, count: u64 },
}

impl Death {
    /// The next one of a series: one in three at some time, the others at one step after the other.
    pub fn next(number: usize, random: &mut Random) -> Self {
        if number % 3 == 2 {
            return Self::After(Duration::from_millis(20 + random.below(2_000)));
        }
        let steps = number - number / 3;
        let (step, spec) = STEPS[steps % STEPS.len()];
        // A transaction has some writes and one sync; a seal has three files, and comes to nothing where nothing
        // flows any more.
        let most = if spec.contains("write:") { 12 } else { 2 };
        Self::At { step, spec, count: 1 + random.below(most) }
    }

    pub fn prepare(&self, command: &mut Command) {
        if let Self::At { spec, count, .. } = self {
            command.env("LD_PRELOAD", library()).env("KEYWARD_TEST_DIE", format!("{spec}:{count}"));
        }
    }
}

/// `die.c`, built once.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/services/faults/die.c");
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("die-{}.so", std::process::id()));
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
        let output = compiler.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        library
    })
}

/// SplitMix64: the same seed gives the same deaths.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % most
    }
}
