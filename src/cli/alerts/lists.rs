//! Lists of alerts, one alert in full, what was not told, incidents.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use super::failed;
use super::place::PlaceArgs;
use crate::cli::Terminal;
use crate::cli::exit::{Exit, Failure, OrFail, Outcome};
use crate::cli::output::alerts::AlertWriter;
use crate::cli::output::{Format, life, rows};
use crate::domain::alert::Suppression;
use crate::domain::level::Level;
use crate::store::{AlertFilter, AlertKind, AlertState, Disposition};

/// Which alerts.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    place: PlaceArgs,

    /// Only those in this state: open, acknowledged, resolved, reopened.
    #[arg(long, value_name = "STATE")]
    state: Option<AlertState>,

    /// Only those that are not resolved.
    #[arg(long)]
    unresolved: bool,

    /// Only misuse, campaign or digest.
    #[arg(long, value_name = "KIND")]
    kind: Option<AlertKind>,

    /// Only those of this level.
    #[arg(long, value_name = "LEVEL")]
    level: Option<Level>,

    /// Only those about this key.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,

    /// Only those about this principal.
    #[arg(long, value_name = "PRINCIPAL")]
    principal: Option<String>,

    /// Only those that this detector names.
    #[arg(long, value_name = "ID")]
    detector: Option<String>,

    /// Only those of this person.
    #[arg(long, value_name = "NAME")]
    assignee: Option<String>,

    /// Only those judged so: true_positive, false_positive, benign, accepted_risk.
    #[arg(long = "as", value_name = "DISPOSITION")]
    disposition: Option<Disposition>,

    /// How to print them: a feed for people, one JSON object a line, or CSV.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,

    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    limit: u32,
}

impl ListArgs {
    fn filter(&self) -> AlertFilter {
        AlertFilter {
            id: None,
            state: self.state.map(|word| word.to_string()),
            unresolved: self.unresolved,
            kind: self.kind.map(|word| word.to_string()),
            level: self.level.map(|word| word.to_string()),
            key_id: self.key.clone(),
            principal: self.principal.clone(),
            detector: self.detector.clone(),
            assignee: self.assignee.clone(),
            disposition: self.disposition.map(|word| word.to_string()),
            merged_into: None,
            after: None,
        }
    }
}

/// `keyward alerts list`.
pub fn list(args: &ListArgs, terminal: Terminal) -> Outcome {
    let mut writer = AlertWriter::new(args.format, terminal.colours);
    let mut out = BufWriter::new(io::stdout());
    for kept in args.place.desk()?.list(&args.filter(), args.limit).map_err(failed)? {
        writer.write_kept(&kept, &mut out).or_fail(Exit::InputOutput)?;
    }
    out.flush().or_fail(Exit::InputOutput)?;
    Ok(Exit::Clean)
}

/// Which alert.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// The alert.
    #[arg(value_name = "ID")]
    id: String,

    #[command(flatten)]
    place: PlaceArgs,

    /// How to print it: for people, or one JSON object.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// `keyward alerts show`.
pub fn show(args: &ShowArgs, terminal: Terminal) -> Outcome {
    let shown = args.place.desk()?.show(&args.id).map_err(failed)?;
    match args.format {
        Format::Json => print_json(&[shown])?,
        Format::Table | Format::Csv => print(&life::shown(&shown, terminal.colours))?,
    }
    Ok(Exit::Clean)
}

/// Which of what was not told.
#[derive(Debug, clap::Args)]
pub struct SuppressedArgs {
    #[command(flatten)]
    place: PlaceArgs,

    /// Only for this reason: silenced, inhibited, merged, acknowledged, campaign, digest, observe, no_news.
    #[arg(long, value_name = "REASON")]
    reason: Option<Suppression>,

    /// How to print it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,

    /// How many rows at most.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    limit: u32,
}

/// `keyward alerts suppressed`.
pub fn suppressed(args: &SuppressedArgs) -> Outcome {
    let found = args.place.desk()?.suppressed(args.reason, args.limit).map_err(failed)?;
    if args.format == Format::Json {
        return print_json(&found).map(|()| Exit::Clean);
    }
    let header = ["alert", "reason", "pages", "level", "title", "key", "principal", "changed"];
    let rows: Vec<Vec<String>> = found
        .into_iter()
        .map(|row| {
            vec![
                row.alert_id,
                row.reason.to_string(),
                row.pages.to_string(),
                row.level.to_string(),
                row.title,
                row.key_id.unwrap_or_default(),
                row.principal.unwrap_or_default(),
                row.updated_at,
            ]
        })
        .collect();
    print(&rows::text(args.format, &header, &rows))?;
    Ok(Exit::Clean)
}

/// Where incidents are.
#[derive(Debug, clap::Args)]
pub struct IncidentsArgs {
    #[command(flatten)]
    place: PlaceArgs,

    /// How to print them.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// `keyward alerts incidents`.
pub fn incidents(args: &IncidentsArgs) -> Outcome {
    let found = args.place.desk()?.incidents().map_err(failed)?;
    if args.format == Format::Json {
        return print_json(&found).map(|()| Exit::Clean);
    }
    let header = ["incident", "level", "alerts", "title", "keys", "principals", "open since"];
    let rows: Vec<Vec<String>> = found
        .into_iter()
        .map(|incident| {
            vec![
                incident.id,
                incident.level.to_string(),
                incident.alerts.len().to_string(),
                incident.title,
                incident.keys.into_iter().collect::<Vec<_>>().join(" "),
                incident.principals.into_iter().collect::<Vec<_>>().join(" "),
                incident.opened_at,
            ]
        })
        .collect();
    print(&rows::text(args.format, &header, &rows))?;
    Ok(Exit::Clean)
}

/// One JSON object a line.
pub fn print_json<T: Serialize>(rows: &[T]) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout());
    for row in rows {
        serde_json::to_writer(&mut out, row).or_fail(Exit::InputOutput)?;
        out.write_all(b"\n").or_fail(Exit::InputOutput)?;
    }
    out.flush().or_fail(Exit::InputOutput)
}

/// Text that is harmless already.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).or_fail(Exit::InputOutput)
}
