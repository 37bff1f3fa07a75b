//! `keyward demo`: the service on embedded defaults, watching a made-up company's logs with misuse in them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, BufWriter, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Terminal;
use super::exit::{Exit, OrFail, Outcome};
use super::summary::Summary;
use crate::app::load;
use crate::app::service::{self, Delivery, Guests, MadeLog};
use crate::config::{Config, Server};
use crate::detect::window::windows::Forgotten;
use crate::domain::event::Provider;
use crate::history::HistoryError;
use crate::pipeline::generate::{Company, Label};
use crate::pipeline::rules::Rules;
use crate::pipeline::service::watch::{Origin, SealTold, Took, Watch};
use crate::source::feed::Signal;

/// Put into the demo's folder, so that only a folder that a demo made is ever emptied.
const MARKER: &str = ".keyward-demo";

/// How long a minute of the company takes on a terminal: its four hours pass in one minute.
const PAUSE: Duration = Duration::from_millis(250);

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

    /// Do not pause between the company's minutes.
    #[arg(long)]
    fast: bool,
}

/// Runs the demo.
///
/// # Errors
/// Where its folder cannot be written.
pub fn run(args: &Args, terminal: Terminal) -> Outcome {
    let folder = args.dir.clone().unwrap_or_else(|| std::env::temp_dir().join("keyward-demo"));
    let Written { labels, deliveries } = prepare(&folder, args).or_fail(Exit::InputOutput)?;
    let rules = load::rules(&[folder.join("catalog.yaml")], None).map_err(|problems| {
        super::rules::print_problems(&problems);
        anyhow::anyhow!("the example catalog or a built-in detector is wrong; please report this")
    });
    let rules = rules.or_fail(Exit::Rules)?.rules;
    let service = service::prepare(configuration(&folder)).or_fail(Exit::InputOutput)?;
    say(&introduction(&folder, args, &labels, service.address, terminal)).or_fail(Exit::InputOutput)?;
    let started = Instant::now();
    let heard = Arc::new(Heard::default());
    let pause = if terminal.person && !args.fast { PAUSE } else { Duration::ZERO };
    service
        .run(Guests {
            show: super::run::show_lines(terminal.colours),
            ear: Some(Arc::clone(&heard) as Arc<dyn Watch>),
            log: Some(MadeLog { deliveries, pause }),
        })
        .or_fail(Exit::InputOutput)?;
    let heard = heard.told();
    let mut text = heard.summary.text(&rules, started.elapsed(), true);
    text.push_str(&verdict_on_ourselves(&labels, &heard.found));
    text.push_str(&what_next(&folder));
    say(&text).or_fail(Exit::InputOutput)?;
    Ok(Exit::Clean)
}

/// The service on defaults: an embedded store, a free port, nobody to tell but the terminal.
fn configuration(folder: &Path) -> Config {
    Config {
        catalog: vec![folder.join("catalog.yaml")],
        http: Server { listen: (Ipv4Addr::LOCALHOST, 0).into(), ..Server::default() },
        ..Config::embedded(folder.join("data"))
    }
}

fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// What the loop told, kept for the end.
#[derive(Default)]
struct Heard(Mutex<Told>);

#[derive(Default)]
struct Told {
    summary: Summary,
    /// The detectors that named each event.
    found: BTreeMap<String, BTreeSet<String>>,
}

impl Heard {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch for Heard {
    fn took(&self, took: &Took<'_>) {
        let mut told = self.told();
        told.summary.count(took.account);
        for verdicts in took.verdicts {
            told.summary.add_judged(&verdicts.judged);
            for finding in verdicts.judged.all_findings() {
                let named = told.found.entry(finding.event_id.clone()).or_default();
                named.insert(finding.detector.clone());
            }
        }
    }

    fn turned(&self, _: usize, _: usize, _: &Arc<Rules>) {}

    fn stored(&self, _: &[Origin], _: Duration, _: i64) {}

    fn sealed(&self, _: &SealTold<'_>) {}

    fn windows(&self, _: usize, _: &[Forgotten]) {}

    fn warming(&self, _: Vec<String>) {}

    fn not_warmed(&self, _: &str) {}

    fn heard(&self, _: &Signal) {}

    fn rewound(&self, _: &str) {}

    fn not_restored(&self, _: &HistoryError) {}

    fn resumed(&self) {}
}

/// The company's day, as files and as it arrives.
struct Written {
    labels: Vec<Label>,
    deliveries: Vec<Delivery>,
}

/// Empties the demo's folder and writes the company's logs and catalog into it.
fn prepare(folder: &Path, args: &Args) -> Result<Written> {
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
    let mut written = Written { labels: Vec::new(), deliveries: Vec::new() };
    let mut arrived = None;
    let start = COMPANY_DAY;
    let end = start + i64::from(args.minutes) * MINUTE;
    for line in Company::new(args.seed, start).take_while(|line| line.arrives < end) {
        let log = if line.provider == Provider::Aws { &mut cloudtrail } else { &mut vault };
        log.write_all(&line.bytes)?;
        log.write_all(b"\n")?;
        written.labels.extend(line.label);
        // What arrives within a minute is one delivery.
        let minute = line.arrives.div_euclid(MINUTE);
        if arrived.replace(minute) != Some(minute) {
            written.deliveries.push(Delivery::new());
        }
        if let Some(delivery) = written.deliveries.last_mut() {
            delivery.push(line.bytes);
        }
    }
    cloudtrail.flush()?;
    vault.flush()?;
    Ok(written)
}

/// The company's day begins at 2026-11-23T08:00:00Z whenever the demo runs: the same seed gives the same
/// output, to the letter.
const COMPANY_DAY: i64 = 1_795_420_800_000_000;

fn introduction(
    folder: &Path,
    args: &Args,
    labels: &[Label],
    address: SocketAddr,
    terminal: Terminal,
) -> String {
    let mut text = format!(
        "A made-up company: {} minutes of its AWS and Vault audit logs, with {} misuses of keys among them.\n\
         Its catalog, {}, declares what each key is for.\n",
        args.minutes,
        labels.len(),
        folder.join("catalog.yaml").display(),
    );
    if terminal.person && !args.fast {
        text.push_str(&format!("While it runs: http://{address}/api/v1/status and /metrics\n"));
    }
    text.push('\n');
    text
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
