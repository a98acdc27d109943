//! Which web pages may talk to the gateway: exact origins, never patterns inside names.

use super::peer::Peer;
use std::net::IpAddr;
use url::{Host, Url};

/// The rule.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    /// Configured origins; `*` allows all.
    pub allowed: Vec<String>,
    /// Configured names of this gateway.
    pub hosts: Vec<String>,
}

/// What an origin check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginVerdict {
    /// May come in.
    Allowed,
    /// A well-formed origin that may not.
    NotAllowed,
    /// No origin where one is needed, or not an origin.
    MissingOrInvalid,
}

impl OriginVerdict {
    /// The recorded `details.reason`.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Allowed => "",
            Self::NotAllowed => "origin not allowed",
            Self::MissingOrInvalid => "origin missing or invalid",
        }
    }
}

impl Origins {
    /// Whether a page of `origin` may come in. Allowed are: configured origins; an origin whose host
    /// is the one the request was sent to, if that host is private; a loopback origin from a
    /// loopback peer.
    #[must_use]
    pub fn check(&self, peer: &Peer) -> OriginVerdict {
        let Some(origin) = peer.origin.as_deref() else { return OriginVerdict::MissingOrInvalid };
        let Some(url) = parse(origin) else { return OriginVerdict::MissingOrInvalid };
        let configured = self.allowed.iter().any(|a| a == "*" || a.trim_end_matches('/') == origin);
        if configured || self.same_private_host(&url, peer) || local_page(&url, peer) {
            return OriginVerdict::Allowed;
        }
        OriginVerdict::NotAllowed
    }

    fn same_private_host(&self, url: &Url, peer: &Peer) -> bool {
        let Some(authority) =
            peer.host.as_deref().and_then(|h| Url::parse(&format!("{}://{h}", url.scheme())).ok())
        else {
            return false;
        };
        url.host() == authority.host()
            && url.port_or_known_default() == authority.port_or_known_default()
            && url
                .host()
                .is_some_and(|h| is_private(&h) || self.hosts.iter().any(|n| *n == h.to_string()))
    }

    /// Whether a `Host` header may be meant for this gateway: an address, a local name, a configured
    /// name or the host of a configured origin. Anything else smells of DNS rebinding.
    #[must_use]
    pub fn knows_host(&self, host: &str) -> bool {
        let Ok(url) = Url::parse(&format!("http://{host}")) else { return false };
        match url.host() {
            None => false,
            Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
            Some(Host::Domain(name)) => {
                is_private_name(name)
                    || self.hosts.iter().any(|n| n.eq_ignore_ascii_case(name))
                    || self
                        .allowed
                        .iter()
                        .filter_map(|a| Url::parse(a).ok())
                        .any(|a| a.host_str().is_some_and(|h| h.eq_ignore_ascii_case(name)))
            }
        }
    }
}

fn parse(origin: &str) -> Option<Url> {
    let url = Url::parse(origin).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https");
    (is_web && url.origin().ascii_serialization() == origin).then_some(url)
}

fn local_page(url: &Url, peer: &Peer) -> bool {
    peer.direct_local && url.host().is_some_and(|host| is_loopback(&host))
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => IpAddr::V6(*ip).to_canonical().is_loopback(),
    }
}

fn is_private(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => is_private_name(name),
        Host::Ipv4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        Host::Ipv6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

fn is_private_name(name: &str) -> bool {
    name == "localhost"
        || [".localhost", ".local", ".ts.net"]
            .iter()
            .any(|end| name.ends_with(end) && name.len() > end.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(origin: &str, host: &str, direct_local: bool) -> OriginVerdict {
        let origins = Origins { allowed: vec!["https://ok.example".into()], hosts: vec![] };
        let peer = Peer {
            origin: Some(origin.into()),
            host: Some(host.into()),
            direct_local,
            ..Peer::local()
        };
        origins.check(&peer)
    }

    #[test]
    fn only_exact_origins_pass() {
        use OriginVerdict::{Allowed, MissingOrInvalid, NotAllowed};
        let host = "127.0.0.1:18789";
        for (origin, local, expected) in [
            ("http://127.0.0.1:18789", true, Allowed),
            ("http://localhost:5173", true, Allowed),
            ("http://localhost:5173", false, NotAllowed),
            ("https://ok.example", false, Allowed),
            ("https://ok.example.evil.test", false, NotAllowed),
            ("https://evil.test", true, NotAllowed),
            ("http://127.0.0.1.evil.test", true, NotAllowed),
            ("http://127.evil.test", true, NotAllowed),
            ("null", true, MissingOrInvalid),
            ("http://localhost:5173/path", true, MissingOrInvalid),
            ("file://", true, MissingOrInvalid),
            ("http://127.0.0.1:9999", false, NotAllowed),
        ] {
            assert_eq!(verdict(origin, host, local), expected, "{origin} local={local}");
        }
        assert_eq!(verdict("http://box.local:18789", "box.local:18789", false), Allowed);
        assert_eq!(verdict("http://evil.test:18789", "evil.test:18789", false), NotAllowed);
    }

    #[test]
    fn a_rebinding_host_is_not_ours() {
        let origins =
            Origins { allowed: vec!["https://ok.example".into()], hosts: vec!["gw.lan".into()] };
        for (host, known) in [
            ("127.0.0.1:18789", true),
            ("[::1]:18789", true),
            ("localhost", true),
            ("box.local:1", true),
            ("gw.lan:1", true),
            ("ok.example", true),
            ("attacker.test:18789", false),
            ("127.0.0.1.evil.test", false),
            (".local", false),
            ("", false),
            ("a b", false),
        ] {
            assert_eq!(origins.knows_host(host), known, "{host:?}");
        }
    }
}
