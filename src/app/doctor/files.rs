//! Files that the configuration names: secrets, logs to follow, sockets.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use secrecy::ExposeSecret;

use super::Check;
use crate::config::{Config, Follow, Sasl, SecretFile, SourceKind, Tls};

/// The permission bits of those who are neither owner nor group.
const OTHERS: u32 = 0o007;

/// The shortest token in bytes that nobody guesses: 128 bits in hexadecimal digits are twice as long.
const SHORTEST: usize = 16;

/// What is in a path that stands for several.
const WILD: [char; 3] = ['*', '?', '['];

/// Every file with a secret.
pub(super) fn secrets(config: &Config) -> Vec<Check> {
    let mut named: Vec<(String, &SecretFile)> = Vec::new();
    for source in &config.sources {
        match &source.kind {
            SourceKind::Http(http) => named.push((format!("token of {}", source.name), &http.token)),
            SourceKind::Kafka(kafka) => {
                named.extend(of_broker(&source.name, kafka.tls.as_ref(), kafka.sasl.as_ref()));
            }
            _ => {}
        }
    }
    if let Some(webhook) = &config.alerts.webhook {
        named.extend(webhook.token.iter().map(|file| ("token of the webhook".to_owned(), file)));
        named.extend(webhook.signing_key.iter().map(|file| ("key of the webhook".to_owned(), file)));
    }
    for channel in &config.alerts.channels {
        let files = channel.kind.secrets().into_iter();
        named.extend(files.map(|file| (format!("secret of the channel {}", channel.name), file)));
    }
    for (what, topic) in [("alert topic", &config.alerts.kafka), ("reject topic", &config.rejects.kafka)] {
        if let Some(topic) = topic {
            named.extend(of_broker(what, topic.tls.as_ref(), topic.sasl.as_ref()));
        }
    }
    named.extend(config.http.metrics_token.iter().map(|file| ("token of /metrics".to_owned(), file)));
    named.extend(config.http.admin_token.iter().map(|file| ("token for reloads".to_owned(), file)));
    named.extend(config.http.users.iter().map(|user| (format!("token of {}", user.name), &user.token)));
    named.into_iter().map(|(what, file)| secret(what, file)).collect()
}

fn of_broker<'c>(
    name: &str,
    tls: Option<&'c Tls>,
    sasl: Option<&'c Sasl>,
) -> impl Iterator<Item = (String, &'c SecretFile)> {
    let passphrase = tls.and_then(|tls| tls.key_passphrase.as_ref());
    let files = [
        ("passphrase", passphrase),
        ("password", sasl.and_then(|sasl| sasl.password.as_ref())),
        ("token", sasl.and_then(|sasl| sasl.token.as_ref())),
    ];
    let name = name.to_owned();
    files.into_iter().filter_map(move |(what, file)| Some((format!("{what} of {name}"), file?)))
}

/// Whether the secret can be read, by no more than those who must.
fn secret(what: String, file: &SecretFile) -> Check {
    let path = file.path().display();
    let secret = match file.read() {
        Ok(secret) => secret,
        Err(error) => {
            let to_do = "write the secret into that file, readable by the user that keyward runs as";
            return Check::failed(what, error.to_string(), to_do);
        }
    };
    // It was just read; where its mode cannot be, nothing is known against it.
    let mode = fs::metadata(file.path()).map_or(0, |data| data.permissions().mode());
    if mode & OTHERS != 0 {
        let found = format!("{path} is open to everybody (mode {:o})", mode & 0o777);
        return Check::warning(what, found, format!("chmod o= {path}"));
    }
    if secret.expose_secret().len() < SHORTEST {
        let found = format!("the secret in {path} has less than {SHORTEST} bytes");
        return Check::warning(what, found, "take a random one: openssl rand -hex 32");
    }
    Check::ok(what, path.to_string())
}

/// Whether there is something to follow, where plain paths are named.
pub(super) fn followed(name: &str, follow: &Follow) -> Check {
    let what = format!("files of {name}");
    let plain = follow.paths.iter().filter(|path| !path.contains(WILD));
    for path in plain {
        let to_do = "look at `paths`; a file that does not exist yet is read when it appears";
        match fs::metadata(path) {
            Err(error) => return Check::warning(what, format!("{path}: {error}"), to_do),
            Ok(data) if data.is_file() => {
                if let Err(error) = fs::File::open(path) {
                    let to_do = "let the user that keyward runs as read it";
                    return Check::failed(what, format!("{path}: {error}"), to_do);
                }
            }
            Ok(_) => {}
        }
    }
    Check::ok(what, follow.paths.join(", "))
}

/// Whether a unix socket can be made.
pub(super) fn socket(name: &str, path: &Path) -> Check {
    let what = format!("socket of {name}");
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK) {
        Ok(()) => Check::ok(what, path.display().to_string()),
        Err(error) => Check::failed(
            what,
            format!("no socket can be made in {}: {error}", folder.display()),
            "make that folder, for the user that keyward runs as",
        ),
    }
}
