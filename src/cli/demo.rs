//! `keyward demo`: a made-up company's audit logs, with misuse in them, through the real path.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Terminal;
use super::exit::{Exit, OrFail, Outcome};
use super::output::Format;
use super::output::findings::FindingWriter;
use super::summary::Summary;
use crate::app::clock::now_micros;
use crate::app::load;
use crate::app::record::Recorder;
use crate::domain::event::Provider;
use crate::pipeline::generate::{Company, Label};
use crate::pipeline::scan::{Job, ScanError, Step, scan};
use crate::source::{Limits, Reader};

/// Put into the demo's folder, so that only a folder that a demo made is ever emptied.
const MARKER: &str = ".keyward-demo";

/// How long a finding stays alone on a terminal before the next one: time enough to read a line.
const PAUSE: Duration = Duration::from_millis(120);

/// A minute, in microseconds.
const MINUTE: i64 = 60_000_000;

/// Arguments of `keyward demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keyward demo
  keyward demo --fast --minutes 60
  keyward demo --seed 8 --dir /tmp/another-day")]
pub struct Args {
    /// Minutes of the company's life.
    #[arg(long, value_name = "N", default_value_t = 240)]
    minutes: u32,

    /// Another seed gives another company day; the same seed always the same one.
    #[arg(long, value_name = "N", default_value_t = 7)]
    seed: u64,

    /// Where logs, catalog and history go, so that you can try the other commands on them.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// Do not pause between findings.
    #[arg(long)]
    fast: bool,
}

/// Runs the demo.
///
/// # Errors
/// Where its folder cannot be written.
pub fn run(args: &Args, terminal: Terminal) -> Outcome {
    let folder = args.dir.clone().unwrap_or_else(|| std::env::temp_dir().join("keyward-demo"));
    let labels = prepare(&folder, args).or_fail(Exit::InputOutput)?;
    let catalog = folder.join("catalog.yaml");
    let loaded = load::rules(std::slice::from_ref(&catalog), None).map_err(|problems| {
        super::rules::print_problems(&problems);
        anyhow::anyhow!("the example catalog or a built-in detector is wrong; please report this")
    });
    let load::LoadedRules { rules, sources, .. } = loaded.or_fail(Exit::Rules)?;
    let now = now_micros();
    let started = Instant::now();
    let mut reader = Reader::open(&[folder.join("logs").display().to_string()], Limits::default())
        .or_fail(Exit::InputOutput)?;
    let mut show = Show {
        recorder: Recorder::open(&folder.join("data"), reader.inputs_mut(), now)
            .or_fail(Exit::InputOutput)?,
        findings: FindingWriter::new(Format::Table, terminal.colours),
        out: BufWriter::new(io::stdout()),
        summary: Summary::default(),
        found: BTreeMap::new(),
        pause: terminal.person && !args.fast,
    };
    show.recorder.judged_by(&rules.catalog, &sources).or_fail(Exit::InputOutput)?;
    show.say(&introduction(&folder, args, &labels)).or_fail(Exit::InputOutput)?;
    scan(&mut reader, &rules, 1, now, &mut |step| show.accept(&step))
        .map_err(|error| match error {
            ScanError::Accept(error) => error,
            other => other.into(),
        })
        .or_fail(Exit::InputOutput)?;
    show.recorder.finish().or_fail(Exit::InputOutput)?;
    let mut text = show.summary.text(&rules, started.elapsed(), true);
    text.push_str(&verdict_on_ourselves(&labels, &show.found));
    text.push_str(&what_next(&folder));
    show.out.write_all(text.as_bytes()).and_then(|()| show.out.flush()).or_fail(Exit::InputOutput)?;
    Ok(Exit::Clean)
}

/// Where the demo's steps go.
struct Show {
    recorder: Recorder,
    findings: FindingWriter,
    out: BufWriter<io::Stdout>,
    summary: Summary,
    /// The detectors that named each event.
    found: BTreeMap<String, BTreeSet<String>>,
    pause: bool,
}

impl Show {
    fn say(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    fn accept(&mut self, step: &Step) -> Result<Option<Job>> {
        self.summary.add(step);
        for finding in &step.judged.findings {
            self.found.entry(finding.event_id.clone()).or_default().insert(finding.detector.clone());
            self.findings.write(finding, &mut self.out)?;
            if self.pause {
                self.out.flush()?;
                thread::sleep(PAUSE);
            }
        }
        self.recorder.keep(step)
    }
}

/// Empties the demo's folder and writes the company's logs and catalog into it.
fn prepare(folder: &Path, args: &Args) -> Result<Vec<Label>> {
    if folder.exists() {
        if !folder.join(MARKER).exists() && fs::read_dir(folder)?.next().is_some() {
            bail!(
                "{} holds something that no demo put there: name another folder with --dir",
                folder.display()
            );
        }
        fs::remove_dir_all(folder).with_context(|| format!("could not empty {}", folder.display()))?;
    }
    let logs = folder.join("logs");
    fs::create_dir_all(&logs).with_context(|| format!("could not make {}", logs.display()))?;
    fs::write(
        folder.join(MARKER),
        "Made by `keyward demo`, which empties this folder when it runs again.\n",
    )?;
    fs::write(folder.join("catalog.yaml"), Company::catalog_yaml())?;
    let mut cloudtrail = BufWriter::new(fs::File::create(logs.join("cloudtrail.ndjson"))?);
    let mut vault = BufWriter::new(fs::File::create(logs.join("vault-audit.log"))?);
    let mut labels = Vec::new();
    let start = COMPANY_DAY;
    let end = start + i64::from(args.minutes) * MINUTE;
    for line in Company::new(args.seed, start).take_while(|line| line.arrives < end) {
        let log = if line.provider == Provider::Aws { &mut cloudtrail } else { &mut vault };
        log.write_all(&line.bytes)?;
        log.write_all(b"\n")?;
        labels.extend(line.label);
    }
    cloudtrail.flush()?;
    vault.flush()?;
    Ok(labels)
}

/// The company's day begins at 2026-11-23T08:00:00Z whenever the demo runs: the same seed gives the same
/// output, to the letter.
const COMPANY_DAY: i64 = 1_795_420_800_000_000;

fn introduction(folder: &Path, args: &Args, labels: &[Label]) -> String {
    format!(
        "A made-up company: {} minutes of its AWS and Vault audit logs, with {} misuses of keys among them.\n\
         Its catalog, {}, declares what each key is for.\n\n",
        args.minutes,
        labels.len(),
        folder.join("catalog.yaml").display(),
    )
}

/// Holds what was found against what the generator hid.
fn verdict_on_ourselves(labels: &[Label], found: &BTreeMap<String, BTreeSet<String>>) -> String {
    let missed: Vec<&Label> = labels
        .iter()
        .filter(|label| {
            let named = found.get(&label.event_id);
            !label.detectors.iter().all(|wanted| named.is_some_and(|named| named.contains(*wanted)))
        })
        .collect();
    let mut text = format!("misuse     {} hidden, {} found", labels.len(), labels.len() - missed.len());
    for label in missed {
        text.push_str(&format!("\n           missed: {} ({})", label.story, label.detectors.join(" ")));
    }
    text.push('\n');
    text
}

fn what_next(folder: &Path) -> String {
    let at = folder.display();
    format!(
        "\nTry next:\n\
         \x20 keyward query --data {at}/data -f dual-use-keys --param from=2026-11-01T00:00:00Z\n\
         \x20 keyward query --data {at}/data \"SELECT level, count(*) AS findings FROM findings GROUP BY level\"\n\
         \x20 keyward scan {at}/logs --catalog {at}/catalog.yaml --format json | head -1\n\
         \x20 keyward scan --help                 and then on your own logs\n"
    )
}
