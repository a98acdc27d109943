//! Where a connection comes from, as far as it can be believed.
//!
//! Forwarding headers count only from a trusted proxy, and any of them ends locality. Must not know
//! HTTP beyond header names.

use std::net::{IpAddr, Ipv6Addr};

/// Headers that say a request was forwarded.
pub const FORWARDING_HEADERS: [&str; 8] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-real-ip",
    "tailscale-user-login",
    "cf-connecting-ip",
];

/// Where a connection comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The client's address: the socket's, or what a trusted proxy says.
    pub ip: IpAddr,
    /// A loopback socket without any forwarding header.
    pub direct_local: bool,
    /// The client speaks TLS, to the gateway or, so says a trusted proxy, to that.
    pub secure: bool,
    /// `Origin`, as sent.
    pub origin: Option<String>,
    /// `Host`, as sent.
    pub host: Option<String>,
    /// Sent by a browser: it carries headers that pages cannot leave out.
    pub browser: bool,
    /// The user a trusted proxy named.
    pub user: Option<String>,
}

impl Peer {
    /// A local program.
    #[must_use]
    pub fn local() -> Self {
        Self {
            ip: IpAddr::from([127, 0, 0, 1]),
            direct_local: true,
            secure: false,
            origin: None,
            host: None,
            browser: false,
            user: None,
        }
    }

    /// Where this client reached the gateway: `http://host:port`.
    #[must_use]
    pub fn base_url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.host.as_deref().unwrap_or("127.0.0.1"))
    }

    /// The key under which limits count this address: an IPv4-mapped address is its IPv4 address,
    /// an IPv6 address its /64.
    #[must_use]
    pub fn limit_ip(&self) -> IpAddr {
        limit_ip(self.ip)
    }
}

/// See [`Peer::limit_ip`].
#[must_use]
pub fn limit_ip(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            let s = v6.segments();
            IpAddr::V6(Ipv6Addr::new(s[0], s[1], s[2], s[3], 0, 0, 0, 0))
        }
        other => other,
    }
}

/// Addresses and networks of reverse proxies that are believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<(IpAddr, u8)>);

impl TrustedProxies {
    /// Reads addresses and networks such as `10.0.0.0/8`.
    ///
    /// # Errors
    /// The entry that is neither.
    pub fn parse(entries: &[String]) -> Result<Self, String> {
        entries
            .iter()
            .map(|e| network(e).ok_or_else(|| e.clone()))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether an address is one of them.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.0.iter().any(|(net, bits)| same_network(*net, ip, *bits))
    }

    /// The client behind a trusted proxy: the right-most `X-Forwarded-For` entry that is neither
    /// loopback nor a trusted proxy itself.
    #[must_use]
    pub fn client(&self, forwarded_for: &str) -> Option<IpAddr> {
        forwarded_for
            .rsplit(',')
            .filter_map(|entry| entry.trim().parse::<IpAddr>().ok())
            .map(|ip| ip.to_canonical())
            .find(|ip| !ip.is_loopback() && !self.contains(*ip))
    }
}

fn network(entry: &str) -> Option<(IpAddr, u8)> {
    let (ip, bits) = entry.split_once('/').map_or((entry, None), |(ip, bits)| (ip, Some(bits)));
    let ip: IpAddr = ip.parse().ok()?;
    let width = if ip.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Ok(width), str::parse).ok()?;
    (bits <= width).then_some((ip, bits))
}

fn same_network(net: IpAddr, ip: IpAddr, bits: u8) -> bool {
    let cut = |value: u128, width: u32| {
        let drop = width - u32::from(bits);
        if drop >= width { 0 } else { value >> drop }
    };
    match (net, ip) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            cut(u128::from(a.to_bits()), 32) == cut(u128::from(b.to_bits()), 32)
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => cut(a.to_bits(), 128) == cut(b.to_bits(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_what_they_should() {
        let proxies =
            TrustedProxies::parse(&["10.0.0.0/8".into(), "::1".into(), "0.0.0.0/0".into()]);
        let proxies = TrustedProxies(proxies.unwrap().0[..2].to_vec());
        for (ip, held) in
            [("10.1.2.3", true), ("11.0.0.1", false), ("::1", true), ("::ffff:10.9.9.9", true)]
        {
            assert_eq!(proxies.contains(ip.parse().unwrap()), held, "{ip}");
        }
        assert_eq!(TrustedProxies::parse(&["10.0.0.0/33".into()]).unwrap_err(), "10.0.0.0/33");
        assert_eq!(TrustedProxies::parse(&["localhost".into()]).unwrap_err(), "localhost");
    }

    #[test]
    fn the_client_is_the_right_most_stranger() {
        let proxies = TrustedProxies::parse(&["10.0.0.0/8".into()]).unwrap();
        let client = |text: &str| proxies.client(text).map(|ip| ip.to_string());
        assert_eq!(client("1.1.1.1, 2.2.2.2, 10.0.0.7"), Some("2.2.2.2".into()));
        assert_eq!(
            client("2.2.2.2, 127.0.0.1"),
            Some("2.2.2.2".into()),
            "loopback hops are not believed"
        );
        assert_eq!(client("127.0.0.1, 10.0.0.1"), None);
    }

    #[test]
    fn limits_count_one_host_once() {
        let ip = |text: &str| limit_ip(text.parse().unwrap()).to_string();
        assert_eq!(ip("::ffff:1.2.3.4"), "1.2.3.4");
        assert_eq!(ip("2001:db8:1:2:3::9"), ip("2001:db8:1:2:ffff::1"));
    }
}
