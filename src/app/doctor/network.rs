//! Addresses that are listened at, and the one that alerts are posted to.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, ToSocketAddrs};

use ipnet::IpNet;
use reqwest::Url;

use super::Check;
use crate::config::{Config, SourceKind, Webhook};

/// Networks that a webhook must not lead into unless it is allowed to: this machine, private, shared and
/// link-local ones, among them the metadata services of clouds, and what is no single receiver.
const INWARD: [&str; 16] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/3",
    "::/127",
    "64:ff9b::/96",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
];

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

/// Whether alerts can be posted there: the address leads somewhere, and not inwards.
pub(super) fn webhook(webhook: &Webhook) -> Check {
    let what = "webhook";
    let Ok(url) = Url::parse(&webhook.url) else {
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
    let addresses: Vec<IpAddr> = match (host.trim_matches(['[', ']']), port).to_socket_addrs() {
        Ok(addresses) => addresses.map(|address| address.ip()).collect(),
        Err(error) => {
            let to_do = "look at the name, and at this machine's DNS";
            return Check::failed(what, format!("{host} cannot be resolved: {error}"), to_do);
        }
    };
    if let Some(inward) = addresses.iter().find(|address| leads_inward(**address, &webhook.allow_networks)) {
        let to_do = format!("if that is meant, add `{inward}/{}` to `allow_networks`", width(*inward));
        return Check::failed(what, format!("{host} is {inward}, which is not public"), to_do);
    }
    if url.scheme() == "http" {
        let to_do = "use https: alerts tell who may do what";
        return Check::warning(what, format!("{host} is posted to without encryption"), to_do);
    }
    Check::ok(what, format!("{host} has {} addresses", addresses.len()))
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Whether an address lies in a network that is not public and not allowed.
fn leads_inward(address: IpAddr, allowed: &[IpNet]) -> bool {
    // An IPv4 address in IPv6's clothes is what it is.
    let address = address.to_canonical();
    if allowed.iter().any(|network| network.contains(&address)) {
        return false;
    }
    INWARD
        .iter()
        .filter_map(|network| network.parse::<IpNet>().ok())
        .any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_not_public_lead_inward_unless_they_are_allowed() {
        assert!(INWARD.iter().all(|network| network.parse::<IpNet>().is_ok()));
        for inward in
            ["127.0.0.1", "169.254.169.254", "10.1.2.3", "::1", "::ffff:127.0.0.1", "fe80::1", "0.0.0.0"]
        {
            assert!(leads_inward(inward.parse().unwrap(), &[]), "{inward}");
        }
        for public in ["93.184.216.34", "2606:4700::1111", "::ffff:93.184.216.34"] {
            assert!(!leads_inward(public.parse().unwrap(), &[]), "{public}");
        }
        let allowed = ["10.1.0.0/16".parse().unwrap()];
        assert!(!leads_inward("10.1.2.3".parse().unwrap(), &allowed));
        assert!(leads_inward("10.2.2.3".parse().unwrap(), &allowed));
    }
}
