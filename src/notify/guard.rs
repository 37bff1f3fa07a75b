//! Where a request may go: the world, and the private networks that the configuration names.
//!
//! Whoever can set a webhook's address, or the DNS behind it, must not reach what only this machine can
//! reach. Names are resolved here and the connection goes to the address that was checked, so a
//! second answer of the DNS changes nothing; redirects are never followed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// An address that requests must not go to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{address} is {what}; list its network in `allow_networks` if it is meant")]
pub struct RefusedAddress {
    pub address: IpAddr,
    /// What kind of address it is.
    pub what: &'static str,
}

/// Decides about addresses. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Guard {
    allowed: Arc<[IpNet]>,
}

impl Guard {
    /// Lets through what is public, and these networks.
    pub fn new(allowed: &[IpNet]) -> Self {
        Self { allowed: allowed.into() }
    }

    /// Whether a request may go to an address.
    ///
    /// # Errors
    /// Where it may not, and why.
    pub fn check(&self, address: IpAddr) -> Result<(), RefusedAddress> {
        let is_named = |address: IpAddr| self.allowed.iter().any(|network| network.contains(&address));
        if is_named(address) || is_named(address.to_canonical()) {
            return Ok(());
        }
        match special(address) {
            Some(what) => Err(RefusedAddress { address, what }),
            None => Ok(()),
        }
    }

    /// The addresses that a name or an address stands for, those that requests may go to.
    ///
    /// # Errors
    /// Where it stands for nothing, or for nothing but addresses that are refused.
    pub async fn resolve(
        self,
        name: String,
    ) -> Result<Vec<SocketAddr>, Box<dyn std::error::Error + Send + Sync>> {
        let mut refused = None;
        let mut checked = Vec::new();
        for address in tokio::net::lookup_host((name.as_str(), 0)).await? {
            match self.check(address.ip()) {
                Ok(()) => checked.push(address),
                Err(told) => refused = Some(told),
            }
        }
        match refused {
            Some(told) if checked.is_empty() => Err(told.into()),
            _ => Ok(checked),
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let resolved = self.clone().resolve(name.as_str().to_owned());
        Box::pin(async { Ok(Box::new(resolved.await?.into_iter()) as Addrs) })
    }
}

/// What is special about an address, if it is not one of the public Internet (the registries of special
/// purposes that RFC 6890 set up). The metadata services of the clouds are link-local, unique-local
/// (`fd00:ec2::254`) or shared (`100.100.100.200`).
fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        [0, ..] => Some("no address of a host"),
        [127, ..] => Some("a loopback address"),
        [10, ..] | [192, 168, ..] | [172, 16..=31, ..] => Some("a private address"),
        [169, 254, ..] => Some("a link-local address, where metadata services are"),
        [100, 64..=127, ..] => Some("a shared address of a provider"),
        [192, 0, 0, _] | [198, 18..=19, ..] | [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => {
            Some("an address for special use")
        }
        [224..=239, ..] => Some("a multicast address"),
        [240..=255, ..] => Some("a reserved address"),
        _ => None,
    }
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("a loopback address"),
        [0, 0, 0, 0, 0, 0xffff, ..] => Some("an IPv4 address in disguise"),
        [0, 0, 0, 0, ..] | [0x64, 0xff9b, ..] | [0x2002, ..] | [0x2001, 0, ..] => {
            Some("an address that stands for an IPv4 address")
        }
        [0xfe80..=0xfebf, ..] => Some("a link-local address"),
        [0xfec0..=0xfeff, ..] | [0xfc00..=0xfdff, ..] => Some("a unique-local address"),
        [0xff00..=0xffff, ..] => Some("a multicast address"),
        [0x2001, 0xdb8, ..] | [0x100, 0, 0, 0, ..] => Some("an address for special use"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(allowed: &[&str], address: &str) -> Result<(), RefusedAddress> {
        let allowed: Vec<IpNet> = allowed.iter().map(|network| network.parse().unwrap()).collect();
        Guard::new(&allowed).check(address.parse().unwrap())
    }

    #[test]
    fn what_is_not_public_is_refused_in_every_spelling() {
        for address in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.100.200",
            "224.0.0.1",
            "239.255.255.250",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "fe80::1",
            "fd00:ec2::254",
            "fc00::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(check(&[], address).is_err(), "{address}");
        }
    }

    #[test]
    fn what_is_public_and_what_is_named_is_let_through() {
        for address in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450:4001::1"] {
            assert_eq!(check(&[], address), Ok(()), "{address}");
        }
        assert_eq!(check(&["10.20.0.0/16"], "10.20.3.4"), Ok(()));
        assert_eq!(check(&["10.20.0.0/16"], "::ffff:10.20.3.4"), Ok(()));
        assert_eq!(check(&["::1/128"], "::1"), Ok(()));
        assert!(check(&["10.20.0.0/16"], "10.21.3.4").is_err());
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused() {
        let told = Guard::new(&[]).resolve("localhost".to_owned()).await.unwrap_err();
        assert!(told.downcast_ref::<RefusedAddress>().is_some(), "{told}");
        let allowed: Vec<IpNet> = ["127.0.0.0/8", "::1/128"].map(|network| network.parse().unwrap()).into();
        assert!(!Guard::new(&allowed).resolve("localhost".to_owned()).await.unwrap().is_empty());
    }
}
