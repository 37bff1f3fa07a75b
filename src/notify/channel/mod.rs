//! The channels: each renders what is to be told into a body that never changes, and sends it.

mod alertmanager;
mod chat;
mod email;
mod hook;
mod opsgenie;
mod pagerduty;
mod syslog;

use std::sync::Arc;

pub use hook::event_schema;

use super::error::NotifyError;
use super::http::Http;
use super::message::{Asked, Message};
use super::plain::Escape;
use super::retry::Failure;
use super::template::Templates;
use super::told::{Act, news};
use crate::config::{Channel, ChannelKind, Limit};
use crate::domain::level::Level;

/// Longest title, in characters: what the narrowest channel shows (Opsgenie's `message` has 130).
const SUBJECT: usize = 130;

/// Longest text, in characters: Slack's sections have 3,000.
const BODY: usize = 2_900;

/// A body on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parcel<'a> {
    /// Id of the delivery.
    pub id: &'a str,
    pub alert: &'a str,
    pub act: Act,
    /// Whom of the channel.
    pub target: Option<&'a str>,
    pub body: &'a str,
    /// When it is sent, microseconds since the epoch.
    pub now: i64,
}

/// One channel, ready to be used. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outlet {
    config: Arc<Channel>,
    way: Way,
}

/// How it is reached.
#[derive(Debug, Clone)]
enum Way {
    Email(email::Mailer),
    Http(Http),
    Syslog(syslog::Sender),
}

/// The parts of a message in words.
#[derive(Debug)]
struct Words<'a> {
    kind: &'static str,
    message: &'a Message,
    templates: &'a Templates,
}

impl Words<'_> {
    /// One line.
    fn subject(&self) -> String {
        self.templates.render(self.kind, "subject.txt", self.message, SUBJECT).replace('\n', " ")
    }

    fn body(&self) -> String {
        self.templates.render(self.kind, "body.txt", self.message, BODY)
    }
}

impl Outlet {
    /// A channel of the configuration.
    ///
    /// # Errors
    /// Where its address is wrong or must not be reached.
    pub fn new(config: &Channel) -> Result<Self, NotifyError> {
        let http = || Http::new(config).map_err(|error| error.of(&config.name));
        let fixed = |url: &str| -> Result<Way, NotifyError> {
            let http = http()?;
            http.checked(url).map_err(|error| error.of(&config.name))?;
            Ok(Way::Http(http))
        };
        let way = match &config.kind {
            ChannelKind::Email(of) => {
                Way::Email(email::Mailer::new(of, config).map_err(|error| error.of(&config.name))?)
            }
            ChannelKind::Pagerduty(of) => fixed(&of.url)?,
            ChannelKind::Opsgenie(of) => fixed(&of.url)?,
            ChannelKind::Slack(_) | ChannelKind::Teams(_) => Way::Http(http()?),
            ChannelKind::Alertmanager(of) => fixed(&of.url)?,
            ChannelKind::Webhook(of) => fixed(&of.url)?,
            ChannelKind::Syslog(of) => Way::Syslog(syslog::Sender::new(of, config)),
        };
        Ok(Self { config: Arc::new(config.clone()), way })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// Its configuration.
    pub fn config(&self) -> &Channel {
        &self.config
    }

    /// How many messages it takes.
    pub(super) fn limit(&self) -> Option<Limit> {
        self.config.limit()
    }

    /// How long to gather pages of this level, in microseconds; nothing where they go out at once.
    pub(super) fn gathers(&self, level: Level) -> Option<i64> {
        let digest = self.config.digest?;
        let at_once = digest.below.is_some_and(|below| level >= below);
        (!at_once).then(|| digest.every.microseconds())
    }

    /// The body of what is asked: made once, kept, and sent as often as it takes.
    pub fn render(&self, asked: &Asked<'_>, templates: &Templates) -> String {
        let kind = self.config.kind.as_str();
        let message = Message::of(asked);
        let words = Words { kind, message: &message, templates };
        match &self.config.kind {
            ChannelKind::Email(of) => email::render(of, asked, &words),
            ChannelKind::Pagerduty(_) => pagerduty::render(&words),
            ChannelKind::Opsgenie(of) => opsgenie::render(of, asked.target, &words),
            ChannelKind::Slack(_) => chat::slack(&words),
            ChannelKind::Teams(_) => chat::teams(&words),
            ChannelKind::Alertmanager(of) => alertmanager::render(of, asked.at, &words),
            ChannelKind::Webhook(of) => hook::render(of, asked, &words),
            ChannelKind::Syslog(of) => syslog::render(of, asked.at, &words),
        }
    }

    /// Sends a body once, and says what the receiver answered.
    pub(super) async fn send(&self, parcel: &Parcel<'_>) -> Result<String, Failure> {
        match (&self.config.kind, &self.way) {
            (ChannelKind::Email(of), Way::Email(mailer)) => mailer.send(of, parcel).await,
            (ChannelKind::Pagerduty(of), Way::Http(http)) => pagerduty::send(of, http, parcel).await,
            (ChannelKind::Opsgenie(of), Way::Http(http)) => opsgenie::send(of, http, parcel).await,
            (ChannelKind::Slack(of) | ChannelKind::Teams(of), Way::Http(http)) => {
                chat::send(of, http, parcel).await
            }
            (ChannelKind::Alertmanager(of), Way::Http(http)) => alertmanager::send(of, http, parcel).await,
            (ChannelKind::Webhook(of), Way::Http(http)) => hook::send(of, http, parcel).await,
            (_, Way::Syslog(sender)) => sender.send(parcel).await,
            (_, Way::Email(_) | Way::Http(_)) => {
                Err(Failure { why: "the channel changed its kind".to_owned(), for_good: true, pause: None })
            }
        }
    }
}

/// What a tool that keeps incidents knows an alert by: the same in all its messages.
fn incident(alert: &str) -> String {
    format!("keyward-{alert}")
}

/// A text for a reader of whom it is not known what markup it takes.
fn neutral(text: &str) -> String {
    Escape::Neutral.apply(text)
}

/// Whether a message is about no single alert.
fn is_summary(message: &Message) -> bool {
    message.news == news::SUMMARY
}
