//! Requests to addresses that tenants name: never to this machine, its network or a cloud's metadata service, unless the operator allows it.
//!
//! A name is resolved once, by the client that connects, and only the addresses that are allowed are tried: a name that means another address a
//! moment later gains nothing. Redirects are not followed.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Why nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It is no URL for requests.
    #[error("it has no URL that can be called")]
    NoUrl,
    /// It is inside.
    #[error("its address {0} is not a public one, and not in `controller.webhook_networks`")]
    Inside(IpAddr),
    /// It is outside, where others read and change what is not encrypted.
    #[error("its address {0} is not in `controller.webhook_networks`, so it has to begin with `https://`")]
    NotEncrypted(IpAddr),
}

/// Which addresses may be called.
#[derive(Clone)]
struct Allowed {
    networks: Arc<[IpNet]>,
    /// Besides the networks, those of the internet at large.
    public: bool,
}

impl Allowed {
    fn check(&self, address: IpAddr) -> Result<(), Refused> {
        let canonical = address.to_canonical();
        match () {
            () if self.networks.iter().any(|network| network.contains(&canonical)) => Ok(()),
            () if !is_public(canonical) => Err(Refused::Inside(address)),
            () if self.public => Ok(()),
            () => Err(Refused::NotEncrypted(address)),
        }
    }
}

/// A client that goes where it may only.
#[derive(Clone)]
pub struct Egress {
    client: reqwest::Client,
    allowed: Allowed,
}

impl Egress {
    /// `networks`: what is allowed besides public addresses.
    pub fn new(networks: &[IpNet]) -> Self {
        Self::calling(Allowed { networks: networks.into(), public: true })
    }

    /// Goes to these networks only: for what has to be believed and is not encrypted.
    pub fn within(networks: &[IpNet]) -> Self {
        Self::calling(Allowed { networks: networks.into(), public: false })
    }

    fn calling(allowed: Allowed) -> Self {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(Resolver(allowed.clone())))
            .user_agent(concat!("onggi/", env!("CARGO_PKG_VERSION")))
            .build()
            .expect("the configuration of the client is fixed");
        Self { client, allowed }
    }

    /// What sends requests.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// The URL, if it may be called. Names are checked when they are resolved.
    pub fn check(&self, url: &str) -> Result<Url, Refused> {
        let url = Url::parse(url).map_err(|_| Refused::NoUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refused::NoUrl);
        }
        let address = match url.host() {
            None => return Err(Refused::NoUrl),
            Some(Host::Domain(_)) => return Ok(url),
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
        };
        self.allowed.check(address).map(|()| url)
    }
}

/// Resolves to addresses that may be called.
struct Resolver(Allowed);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let refused = found.iter().find_map(|address| allowed.check(address.ip()).err());
            let callable: Vec<SocketAddr> = found.into_iter().filter(|address| allowed.check(address.ip()).is_ok()).collect();
            match refused {
                Some(refused) if callable.is_empty() => Err(refused.into()),
                _ => Ok(Box::new(callable.into_iter()) as Addrs),
            }
        })
    }
}

/// Whether an address is one of the internet at large. What is not known to be is not.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b));
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    // Only 2000::/3 is given out, and of it not what is for documentation or carries an IPv4 address.
    let is_documentation = segments[0] == 0x2001 && segments[1] == 0xdb8 || segments[0] == 0x3fff;
    let is_tunnel = segments[0] == 0x2002 || segments[0] == 0x2001 && segments[1] < 0x200;
    segments[0] & 0xe000 == 0x2000 && !is_documentation && !is_tunnel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inside_is_not_public() {
        let open = Allowed { networks: [].into(), public: true };
        let inside = "0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 169.254.169.254 172.16.0.1 192.0.0.1 192.0.2.1 192.168.0.1 198.18.0.1 203.0.113.1 \
                      224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 ::ffff:127.0.0.1 64:ff9b::7f00:1 fc00::1 fd00:ec2::254 fe80::1 ff02::1 2001::1 \
                      2001:db8::1 2002:7f00:1::1";
        for address in inside.split_whitespace() {
            assert!(matches!(open.check(address.parse().unwrap()), Err(Refused::Inside(_))), "{address}");
        }
        for address in ["1.1.1.1", "93.184.216.34", "100.128.0.1", "2606:4700::1111", "::ffff:1.1.1.1"] {
            assert!(open.check(address.parse().unwrap()).is_ok(), "{address}");
        }
    }

    #[test]
    fn what_the_operator_allows_may_be_called() {
        let networks: Vec<IpNet> = vec!["127.0.0.0/8".parse().unwrap()];
        let (closed, open) = (Egress::new(&[]), Egress::new(&networks));
        for url in ["http://127.0.0.1:80/x", "http://[::ffff:127.0.0.1]/", "http://2130706433/", "http://0x7f.1/"] {
            assert!(matches!(closed.check(url), Err(Refused::Inside(_))), "{url}");
            assert!(open.check(url).is_ok(), "{url}");
        }
        assert!(matches!(open.check("http://169.254.169.254/latest"), Err(Refused::Inside(_))));
        for url in ["file:///etc/passwd", "no url", "ftp://1.1.1.1/"] {
            assert!(matches!(open.check(url), Err(Refused::NoUrl)), "{url}");
        }
        assert!(closed.check("https://example.com/hook").is_ok());
    }

    #[test]
    fn what_is_not_encrypted_goes_to_the_networks_of_the_operator_only() {
        let networks: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        let within = Egress::within(&networks);
        assert!(within.check("http://10.1.2.3/keys").is_ok());
        assert!(matches!(within.check("http://1.1.1.1/keys"), Err(Refused::NotEncrypted(_))));
        assert!(matches!(within.check("http://127.0.0.1/keys"), Err(Refused::Inside(_))));
    }

    #[tokio::test]
    async fn a_name_that_means_this_machine_is_refused_when_it_is_resolved() {
        let error = Egress::new(&[]).client().get("http://localhost:9/").send().await.unwrap_err();
        let mut chain = vec![error.to_string()];
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            chain.push(error.to_string());
            cause = error.source();
        }
        assert!(chain.iter().any(|text| text.contains("not a public one")), "{chain:?}");
    }
}
