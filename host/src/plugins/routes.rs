//! Which plugin answers a path: the longest declared prefix wins.
//!
//! Must not know: HTTP, what a plugin answers.

use jackfield_plugin_api::manifest::{Manifest, Route};

/// Paths of the gateway's own that no plugin may take.
const OWN: [&str; 6] = ["/health", "/healthz", "/ready", "/readyz", "/metrics", "/__"];

/// Whether a manifest may declare this prefix; the error completes "prefix … ".
pub(super) fn check_prefix(prefix: &str) -> Result<(), &'static str> {
    if !prefix.starts_with('/') || !prefix.ends_with('/') || prefix.len() < 3 {
        return Err("must be a path of at least one part, beginning and ending with a slash");
    }
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b))
    };
    if !prefix[1..prefix.len() - 1].split('/').all(plain) {
        return Err("may hold only letters, digits and - _ . ~ in its parts");
    }
    let own =
        |own: &&str| prefix.starts_with(*own) && (*own == "/__" || prefix[own.len()..] == *"/");
    if OWN.iter().any(own) {
        return Err("belongs to the gateway itself");
    }
    Ok(())
}

/// The one of `routes` that answers `path`; the first of equals.
pub(super) fn longest<'a, T>(
    routes: impl Iterator<Item = (T, &'a Route)>,
    path: &str,
) -> Option<(T, &'a Route)> {
    routes
        .filter(|(_, route)| path.starts_with(&route.prefix))
        .reduce(|best, next| if next.1.prefix.len() > best.1.prefix.len() { next } else { best })
}

/// Prefixes that more than one of these plugins declares, in words for people: only the first
/// answers.
pub(super) fn claimed_twice(plugins: &[&Manifest]) -> Vec<String> {
    let mut found = Vec::new();
    for (at, later) in plugins.iter().enumerate() {
        for Route { prefix, .. } in &later.http {
            let claims = |m: &&&Manifest| {
                m.id != later.id && m.http.iter().any(|route| route.prefix == *prefix)
            };
            if let Some(first) = plugins[..at].iter().find(claims) {
                found.push(format!(
                    "{} and {} both want {prefix}: {0} answers there, {1} does not",
                    first.id, later.id
                ));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(prefix: &str) -> Route {
        Route { prefix: prefix.into(), body_bytes_max: 0, page: false }
    }

    #[test]
    fn the_longest_prefix_wins_and_the_first_of_equals() {
        let routes = [route("/a/"), route("/a/b/"), route("/a/b/")];
        let find = |path| longest(routes.iter().enumerate(), path).map(|(index, _)| index);
        assert_eq!(find("/a/x"), Some(0));
        assert_eq!(find("/a/b/c"), Some(1));
        assert_eq!(find("/a"), None);
        assert_eq!(find("/ab/"), None);
    }

    #[test]
    fn a_prefix_that_two_plugins_want_is_named() {
        let manifest = |id: &str, prefix: &str| -> Manifest {
            serde_json::from_value(serde_json::json!({
                "id": id, "version": "1.0.0", "abi": 1, "protocol": "1.0", "channel": id,
                "label": id, "license": "MIT", "library": "x.so", "http": [{ "prefix": prefix }],
            }))
            .unwrap()
        };
        let (one, two, three) =
            (manifest("one", "/a/"), manifest("two", "/b/"), manifest("three", "/a/"));
        assert_eq!(claimed_twice(&[&one, &two]), [""; 0]);
        assert_eq!(
            claimed_twice(&[&one, &two, &three]),
            ["one and three both want /a/: one answers there, three does not"]
        );
    }

    #[test]
    fn the_gateways_own_paths_and_odd_prefixes_are_refused() {
        for prefix in
            ["", "/", "//", "a/", "/a", "/a//", "/../", "/a b/", "/healthz/", "/__x/", "/%2e/"]
        {
            assert!(check_prefix(prefix).is_err(), "{prefix}");
        }
        for prefix in ["/chat/", "/hooks/line/", "/healthy/"] {
            assert_eq!(check_prefix(prefix), Ok(()), "{prefix}");
        }
    }
}
