//! Mail over SMTP, with text and HTML. All mails of an alert are one thread: they refer to the same first one.

use std::time::{Duration, SystemTime};

use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Mailboxes, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::ExposeSecret;

use super::super::error::ChannelError;
use super::super::guard::{Guard, RefusedAddress};
use super::super::http::temporary;
use super::super::message::Asked;
use super::super::plain::plain;
use super::super::retry::Failure;
use super::super::tls;
use super::{Parcel, Words};
use crate::config::{Channel, Email, MailSecurity};

/// Longest HTML part, in characters.
const HTML: usize = 100_000;

/// Longest answer of a server that is kept.
const ANSWER: usize = 200;

/// Sends mail. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Mailer {
    guard: Guard,
    timeout: Duration,
    from: Mailbox,
}

/// The whole mail, as it is sent.
pub(super) fn render(of: &Email, asked: &Asked<'_>, words: &Words<'_>) -> String {
    let message = words.message;
    let domain = of.from.rsplit_once('@').map_or("keyward", |(_, domain)| domain.trim_end_matches('>'));
    let id = |name: &str| format!("<{name}@{domain}>");
    let at = u64::try_from(asked.at)
        .map_or(SystemTime::UNIX_EPOCH, |at| SystemTime::UNIX_EPOCH + Duration::from_micros(at));
    let header = |name: &'static str, value: &str| {
        HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
    };
    let mut mail = lettre::Message::builder()
        .date(at)
        .message_id(Some(id(&message.delivery)))
        .in_reply_to(id(&message.alert))
        .references(id(&message.alert))
        .subject(words.subject())
        // So that out-of-office notes stay away (RFC 3834).
        .raw_header(header("Auto-Submitted", "auto-generated"))
        .raw_header(header("X-Keyward-Alert", &message.alert))
        .raw_header(header("X-Keyward-Delivery", &message.delivery));
    if let Ok(from) = of.from.parse() {
        mail = mail.from(from);
    }
    for to in recipients(of, asked.target) {
        mail = mail.to(to);
    }
    let html = words.templates.render(words.kind, "body.html", message, HTML);
    let parts = MultiPart::alternative()
        .boundary(format!("keyward-{}", message.delivery))
        .singlepart(SinglePart::plain(words.body()))
        .singlepart(SinglePart::builder().header(ContentType::TEXT_HTML).body(html));
    // It fails without a sender or a recipient, and both are checked when the channel is made.
    mail.multipart(parts)
        .map(|mail| String::from_utf8_lossy(&mail.formatted()).into_owned())
        .unwrap_or_default()
}

/// One person, or all of the channel.
fn recipients(of: &Email, target: Option<&str>) -> Vec<Mailbox> {
    match target.and_then(|person| person.parse().ok()) {
        Some(person) => vec![person],
        None => of.to.iter().filter_map(|to| to.parse().ok()).collect(),
    }
}

impl Mailer {
    pub fn new(of: &Email, channel: &Channel) -> Result<Self, ChannelError> {
        let mailbox = |text: &String| text.parse().map_err(|_| ChannelError::Mailbox(text.clone()));
        let _: Mailboxes =
            of.to.iter().map(mailbox).collect::<Result<Vec<Mailbox>, _>>()?.into_iter().collect();
        Ok(Self {
            guard: Guard::new(&channel.allow_networks),
            timeout: channel.timeout.duration(),
            from: mailbox(&of.from)?,
        })
    }

    pub async fn send(&self, of: &Email, parcel: &Parcel<'_>) -> Result<String, Failure> {
        let sent = tokio::time::timeout(self.timeout, self.try_send(of, parcel)).await;
        sent.unwrap_or_else(|_| Err(temporary("no answer in time")))
    }

    async fn try_send(&self, of: &Email, parcel: &Parcel<'_>) -> Result<String, Failure> {
        let to = recipients(of, parcel.target).into_iter().map(|to| to.email).collect();
        let envelope = Envelope::new(Some(self.from.email.clone()), to).map_err(temporary)?;
        let transport = self.transport(of).await?;
        let answer = transport.send_raw(&envelope, parcel.body.as_bytes()).await.map_err(failed)?;
        let text: Vec<&str> = answer.message().collect();
        Ok(plain(&format!("{} {}", answer.code(), text.join(" ")), ANSWER))
    }

    /// A connection goes to the address that was checked, and asks for the certificate of the name.
    async fn transport(&self, of: &Email) -> Result<AsyncSmtpTransport<Tokio1Executor>, Failure> {
        let resolved = self.guard.clone().resolve(of.host.clone()).await.map_err(|error| Failure {
            why: error.to_string(),
            for_good: error.downcast_ref::<RefusedAddress>().is_some(),
            pause: None,
        })?;
        let address = resolved.first().ok_or_else(|| temporary("the host has no address"))?;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.ip().to_string())
            .port(of.port)
            .timeout(Some(self.timeout))
            .tls(security(of)?);
        if let (Some(username), Some(password)) = (&of.username, &of.password) {
            let password = password.read().map_err(temporary)?;
            let credentials = Credentials::new(username.clone(), password.expose_secret().to_owned());
            builder = builder.credentials(credentials);
        }
        Ok(builder.build())
    }
}

fn security(of: &Email) -> Result<Tls, Failure> {
    if of.security == MailSecurity::None {
        return Ok(Tls::None);
    }
    let mut parameters = TlsParameters::builder(of.host.clone());
    if let Some(path) = &of.authorities {
        parameters = parameters.certificate_store(CertificateStore::None);
        for pem in tls::certificates(path).map_err(temporary)? {
            parameters =
                parameters.add_root_certificate(Certificate::from_pem(pem.as_bytes()).map_err(temporary)?);
        }
    }
    let parameters = parameters.build().map_err(temporary)?;
    Ok(match of.security {
        MailSecurity::Starttls => Tls::Required(parameters),
        MailSecurity::Tls | MailSecurity::None => Tls::Wrapper(parameters),
    })
}

fn failed(error: lettre::transport::smtp::Error) -> Failure {
    let why = match error.status() {
        Some(_) => plain(&error.to_string(), ANSWER),
        None if error.is_timeout() => "no answer in time".to_owned(),
        None => plain(&format!("could not hand it over: {}", causes(&error)), ANSWER),
    };
    Failure { why, for_good: error.is_permanent(), pause: None }
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let told = inner.to_string();
        if !text.contains(&told) {
            text = format!("{text}: {told}");
        }
        cause = inner.source();
    }
    text
}
