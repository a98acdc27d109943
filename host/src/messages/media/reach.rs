//! Which addresses a file may be loaded from: public ones, and those that the operator wrote into the
//! channel's own table. Anything else could be a door into the operator's network. Pure.

use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::Url;

/// The web addresses in a channel's table, as scheme, host and port.
#[must_use]
pub(in crate::messages) fn own_addresses(table: &Value) -> Vec<String> {
    match table {
        Value::String(text) => match Url::parse(text) {
            Ok(url) if url.has_host() => vec![origin(&url)],
            _ => Vec::new(),
        },
        Value::Array(list) => list.iter().flat_map(own_addresses).collect(),
        Value::Object(map) => map.values().flat_map(own_addresses).collect(),
        _ => Vec::new(),
    }
}

/// Scheme, host and port.
pub(super) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// An address of the public network.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = matches!(
        (a, b, c),
        (0 | 240..=255, _, _) // this network, reserved
            | (100, 64..=127, _) // carriers' own
            | (192, 0, 0) // protocols
            | (192, 88, 99) // relays
            | (198, 18..=19, _) // benchmarks
    );
    !(special
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || ip.is_multicast())
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(inner) = ip.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    // Only what is handed out to the public, without the parts that lead elsewhere.
    let [first, second, ..] = ip.segments();
    let global = first & 0xe000 == 0x2000;
    let elsewhere = first == 0x2002 || (first == 0x2001 && (second == 0 || second == 0x0db8));
    global && !elsewhere
}

#[cfg(test)]
mod tests {
    use super::{is_public, own_addresses};
    use serde_json::json;

    #[test]
    fn inner_addresses_are_told_from_public_ones() {
        for public in ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        let inner = [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "2002:7f00:1::",
            "64:ff9b::7f00:1",
        ];
        for inner in inner {
            assert!(!is_public(inner.parse().unwrap()), "{inner}");
        }
    }

    #[test]
    fn the_operators_own_addresses_are_found_in_a_table() {
        let table = json!({"api_root": "http://127.0.0.1:8081/bot", "listen": "127.0.0.1:0",
            "accounts": {"a": {"url": "https://x.example"}}, "text": "see http", "n": 1});
        let mut found = own_addresses(&table);
        found.sort();
        assert_eq!(found, ["http://127.0.0.1:8081", "https://x.example"]);
    }
}
