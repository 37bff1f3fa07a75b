//! `keyward alerts silence`: what pages nobody for a while.

use std::collections::BTreeSet;

use anyhow::anyhow;

use super::failed;
use super::lists::{print, print_json};
use super::place::{PlaceArgs, WhoArgs};
use crate::alerts::life::{Matcher, NewSilence, Silence};
use crate::app::clock::now_micros;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::output::{Format, rows};
use crate::config::Span;
use crate::domain::level::Level;
use crate::domain::time::format_rfc3339;

/// Arguments of `keyward alerts silence`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Add one: alerts that it wholly covers page nobody until its end; all else about them goes on
    Add(AddArgs),
    /// List those in force or to come
    List(ListArgs),
    /// End one now
    Expire(ExpireArgs),
}

/// What is to be muted, until when, and why.
#[derive(Debug, clap::Args)]
struct AddArgs {
    /// Alerts of these detectors alone: a glob for their ids.
    #[arg(long, value_name = "GLOB")]
    detector: Option<String>,

    /// Alerts about keys of this name alone: a glob.
    #[arg(long, value_name = "GLOB")]
    key: Option<String>,

    /// Alerts about principals of this name alone: a glob.
    #[arg(long, value_name = "GLOB")]
    principal: Option<String>,

    /// Alerts up to this level.
    #[arg(long, value_name = "LEVEL")]
    level: Option<Level>,

    /// Alerts whose detectors have this tag; may be given more than once, and then all are needed.
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,

    /// How long, such as 4h or 2d.
    #[arg(long = "for", value_name = "SPAN", value_parser = span, required_unless_present = "until")]
    lasts: Option<Span>,

    /// Until when (RFC 3339).
    #[arg(long, value_name = "TIME", conflicts_with = "lasts")]
    until: Option<String>,

    /// From when (RFC 3339); now where it is missing.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,

    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,

    #[command(flatten)]
    place: PlaceArgs,

    #[command(flatten)]
    who: WhoArgs,

    /// How to print it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Those that have ended too.
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    place: PlaceArgs,

    /// How to print them.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, clap::Args)]
struct ExpireArgs {
    /// The silence.
    #[arg(value_name = "ID")]
    id: String,

    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,

    #[command(flatten)]
    place: PlaceArgs,

    #[command(flatten)]
    who: WhoArgs,
}

/// Does what was asked for.
pub fn run(args: &Args) -> Outcome {
    match &args.verb {
        Verb::Add(args) => add(args),
        Verb::List(args) => list(args),
        Verb::Expire(args) => expire(args),
    }
}

fn add(args: &AddArgs) -> Outcome {
    let lasts = args.lasts.map(|lasts| format_rfc3339(now_micros().saturating_add(lasts.microseconds())));
    let Some(until) = args.until.clone().or(lasts) else {
        return Err(Failure { exit: Exit::Usage, error: anyhow!("give --for or --until") });
    };
    let new = NewSilence {
        matcher: Matcher {
            detector: args.detector.clone(),
            key: args.key.clone(),
            principal: args.principal.clone(),
            level: args.level,
            tags: args.tags.iter().cloned().collect::<BTreeSet<_>>(),
        },
        reason: args.reason.clone(),
        from: args.from.clone(),
        until,
    };
    let added = args.place.desk()?.add_silence(&new, args.who.name()).map_err(failed)?;
    tell(args.format, &[added])
}

fn list(args: &ListArgs) -> Outcome {
    tell(args.format, &args.place.desk()?.silences(args.all).map_err(failed)?)
}

fn expire(args: &ExpireArgs) -> Outcome {
    let desk = args.place.desk()?;
    let ended = desk.end_silence(&args.id, args.who.name(), args.reason.as_deref()).map_err(failed)?;
    tell(Format::Table, &[ended])
}

fn tell(format: Format, silences: &[Silence]) -> Outcome {
    if format == Format::Json {
        return print_json(silences).map(|()| Exit::Clean);
    }
    let header = ["silence", "mutes", "from", "until", "author", "reason", "ended by"];
    let rows: Vec<Vec<String>> = silences
        .iter()
        .map(|silence| {
            vec![
                silence.id.clone(),
                mutes(&silence.matcher),
                silence.from.clone(),
                silence.until.clone(),
                silence.author.clone(),
                silence.reason.clone(),
                silence.ended_by.clone().unwrap_or_default(),
            ]
        })
        .collect();
    print(&rows::text(format, &header, &rows))?;
    Ok(Exit::Clean)
}

/// `key vault:transit/test-*, level up to low`.
fn mutes(matcher: &Matcher) -> String {
    let named = [
        ("detector", matcher.detector.clone()),
        ("key", matcher.key.clone()),
        ("principal", matcher.principal.clone()),
        ("level up to", matcher.level.map(|level| level.to_string())),
    ];
    let mut parts: Vec<String> =
        named.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value?))).collect();
    parts.extend(matcher.tags.iter().map(|tag| format!("tag {tag}")));
    parts.join(", ")
}

fn span(text: &str) -> Result<Span, String> {
    Span::try_from(text.to_owned())
}
