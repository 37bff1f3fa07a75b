//! Addresses that are listened at, and the one that alerts are posted to.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, ToSocketAddrs};

use ipnet::IpNet;
use reqwest::Url;

use super::Check;
use crate::config::{Channel, ChannelKind, Config, SourceKind, Webhook};
use crate::notify::Guard;

/// Every port that is listened at; `running` says that a service has the data folder, and so its ports too.
pub(super) fn ports(config: &Config, running: bool) -> Vec<Check> {
    let mut ports = vec![("address of the HTTP server".to_owned(), config.http.listen)];
    for source in &config.sources {
        if let SourceKind::Tcp(socket) = &source.kind {
            ports.push((format!("address of {}", source.name), socket.listen));
        }
    }
    ports.into_iter().map(|(what, address)| port(what, address, running)).collect()
}

fn port(what: String, address: SocketAddr, running: bool) -> Check {
    match TcpListener::bind(address) {
        Ok(_) => Check::ok(what, format!("{address} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && running => {
            Check::ok(what, format!("{address} is in use, as it has to be while keyward runs"))
        }
        Err(error) => {
            let to_do = "stop what listens there (`ss -ltnp`), or choose another address";
            Check::failed(what, format!("{address}: {error}"), to_do)
        }
    }
}

/// Whether alerts can be posted there.
pub(super) fn webhook(webhook: &Webhook) -> Check {
    posted_to("webhook", &webhook.url, &webhook.allow_networks)
}

/// Whether a channel leads somewhere; nothing where its address is a secret.
pub(super) fn channel(channel: &Channel) -> Option<Check> {
    let what = format!("channel {}", channel.name);
    let networks = &channel.allow_networks;
    let host = |host: &str, port| match reached(&what, host, port, networks) {
        Ok(addresses) => Check::ok(what.clone(), format!("{host} has {addresses} addresses")),
        Err(check) => check,
    };
    match &channel.kind {
        ChannelKind::Email(of) => Some(host(&of.host, of.port)),
        ChannelKind::Syslog(of) => Some(host(&of.host, of.port())),
        ChannelKind::Pagerduty(of) => Some(posted_to(&what, &of.url, networks)),
        ChannelKind::Opsgenie(of) => Some(posted_to(&what, &of.url, networks)),
        ChannelKind::Alertmanager(of) => Some(posted_to(&what, &of.url, networks)),
        ChannelKind::Webhook(of) => Some(posted_to(&what, &of.url, networks)),
        ChannelKind::Slack(_) | ChannelKind::Teams(_) => None,
    }
}

/// Whether there can be posted to an address: it leads somewhere, and not inwards.
fn posted_to(what: &str, url: &str, networks: &[IpNet]) -> Check {
    let Ok(url) = Url::parse(url) else {
        return Check::failed(what, "`url` is no address", "write `https://HOST/PATH`");
    };
    // The path of a webhook is often its secret: only the host is told.
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Check::failed(what, "`url` names no host", "write `https://HOST/PATH`");
    };
    if !matches!(url.scheme(), "http" | "https") {
        return Check::failed(
            what,
            format!("`{}` is no way to post", url.scheme()),
            "write `https://HOST/PATH`",
        );
    }
    let addresses = match reached(what, host, port, networks) {
        Ok(addresses) => addresses,
        Err(check) => return check,
    };
    if url.scheme() == "http" {
        let to_do = "use https: alerts tell who may do what";
        return Check::warning(what, format!("{host} is posted to without encryption"), to_do);
    }
    Check::ok(what, format!("{host} has {addresses} addresses"))
}

/// How many addresses a host has, all of which may be reached.
fn reached(what: &str, host: &str, port: u16, networks: &[IpNet]) -> Result<usize, Check> {
    let addresses: Vec<IpAddr> = match (host.trim_matches(['[', ']']), port).to_socket_addrs() {
        Ok(addresses) => addresses.map(|address| address.ip()).collect(),
        Err(error) => {
            let to_do = "look at the name, and at this machine's DNS";
            return Err(Check::failed(what, format!("{host} cannot be resolved: {error}"), to_do));
        }
    };
    let guard = Guard::new(networks);
    if let Some(refused) = addresses.iter().find_map(|address| guard.check(*address).err()) {
        let to_do = "list its network in `allow_networks` if it is meant";
        return Err(Check::failed(what, format!("{host}: {} is {}", refused.address, refused.what), to_do));
    }
    Ok(addresses.len())
}
