//! Which addresses may be asked. A link-local one never: there the machine's metadata service gives out credentials.
//!
//! Names are resolved here, checked, and connected to at exactly the addresses that were checked, anew for each attempt, so that
//! no second resolution can say something else. Behind a proxy only addresses in URLs are seen: names are the proxy's to
//! resolve. Private addresses are allowed: a runner inside the network checks services there.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use crate::text::message_str;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Why an address is not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    host: String,
    address: IpAddr,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is ", self.host)?;
        if self.host != self.address.to_string() {
            write!(f, "{}, ", self.address)?;
        }
        f.write_str(message_str!("metadata-address", "a link-local or metadata address: requests to it are blocked"))
    }
}

impl std::error::Error for Refused {}

/// Of EC2's metadata service (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html>).
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
/// Of the credentials of EKS pods (<https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html>).
const POD_IDENTITY_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23);

/// True for addresses that are never asked.
#[must_use]
pub(crate) fn is_forbidden(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_forbidden_v4(address),
        IpAddr::V6(address) => {
            address.is_unicast_link_local()
                || address == METADATA_V6
                || address == POD_IDENTITY_V6
                || embedded_ipv4(address).is_some_and(is_forbidden_v4)
        }
    }
}

/// Link-local (RFC 3927), which holds the metadata services of all clouds and the credentials of ECS tasks.
fn is_forbidden_v4(address: Ipv4Addr) -> bool {
    address.is_link_local()
}

/// The IPv4 address in an IPv6 one: mapped, compatible (RFC 4291, 2.5.5), NAT64 (RFC 6052) or 6to4 (RFC 3056).
fn embedded_ipv4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0, 0, ..] => address.to_ipv4(),
        [0x64, 0xff9b, .., high, low] | [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

/// Refuses a URL whose host is written as a forbidden address: such a host is never resolved.
pub(crate) fn check_literal(url: &Url) -> Result<(), Refused> {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        _ => return Ok(()),
    };
    if is_forbidden(address) { Err(Refused { host: address.to_string(), address }) } else { Ok(()) }
}

/// The system's resolver.
#[derive(Clone, Copy, Debug)]
pub(crate) struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// A resolver whose forbidden answers are refused.
pub(crate) struct Guarded(pub(crate) Arc<dyn Resolve>);

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guarded")
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let resolving = self.0.resolve(name);
        Box::pin(async move {
            let found: Vec<SocketAddr> = resolving.await?.collect();
            match found.iter().find(|found| is_forbidden(found.ip())) {
                Some(found) => Err(Refused { host, address: found.ip() }.into()),
                None => Ok(Box::new(found.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::config;

    #[test]
    fn link_local_and_metadata_addresses_are_forbidden_in_every_form() {
        for forbidden in [
            "169.254.169.254",
            "169.254.170.2",
            "169.254.0.1",
            "fe80::1",
            "febf::1",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "::ffff:169.254.169.254",
            "::ffff:a9fe:a9fe",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
        ] {
            assert!(is_forbidden(forbidden.parse().unwrap()), "{forbidden}");
        }
        for allowed in
            ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.253.1.1", "8.8.8.8", "::1", "fd00::1", "2606:4700::1"]
        {
            assert!(!is_forbidden(allowed.parse().unwrap()), "{allowed}");
        }
    }

    #[test]
    fn a_forbidden_address_is_seen_however_a_url_writes_it() {
        for url in [
            "http://169.254.169.254/latest/meta-data/",
            "http://2852039166/",
            "http://0xA9FEA9FE/",
            "http://0251.0376.0251.0376/",
            "http://169.254.43518/",
            "http://[::ffff:169.254.169.254]/",
            "http://[fd00:ec2::254]/",
            "http://①⑥⑨.254.169.254/",
        ] {
            assert!(check_literal(&url.parse().unwrap()).is_err(), "{url}");
        }
        assert!(check_literal(&"http://10.1.2.3/".parse().unwrap()).is_ok());
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn an_address_in_another_is_forbidden_with_it(address in any::<u32>()) {
            let address = Ipv4Addr::from_bits(address);
            let [high, low] = [address.to_bits() >> 16, address.to_bits() & 0xffff].map(|part| u16::try_from(part).unwrap());
            for inside in [
                address.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            ] {
                prop_assert_eq!(is_forbidden(IpAddr::V6(inside)), address.is_link_local());
            }
        }
    }
}
