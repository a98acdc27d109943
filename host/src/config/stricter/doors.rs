//! The port, plugins and nodes: who reaches the gateway, and whose code runs.

use super::{Narrowing, Said, list, read};
use crate::config::{
    gateway::{AuthMode, GatewaySection},
    source,
};
use toml::{Table, Value};

/// Words for an address that nobody else reaches.
const LOOPBACK: [&str; 4] = ["loopback", "localhost", "127.0.0.1", "::1"];

pub(super) fn gateway(narrowing: &mut Narrowing<'_>, good: &mut Table) {
    bind(narrowing, good);
    auth(narrowing, good);
    narrowing.switch(good, &["gateway", "allow_plain_bind"], false, false);
    narrowing.switch(good, &["gateway", "auto_approve_local"], false, true);
    narrowing.admitted(good, &["gateway", "allowed_origins"], Some("*"));
    narrowing.admitted(good, &["gateway", "allowed_hosts"], None);
    // Where the proxy says who comes, a gateway without one does not start at all.
    let mode = read(good, &["gateway", "auth", "mode"]).and_then(Value::as_str);
    if mode != Some("trusted-proxy") {
        narrowing.admitted(good, &["gateway", "trusted_proxies"], None);
    }
}

fn bind(narrowing: &mut Narrowing<'_>, good: &mut Table) {
    let path = ["gateway", "bind"];
    let near = |word: &str| LOOPBACK.contains(&word);
    let asked = narrowing.asked(&path).or("loopback", Value::as_str);
    let kept = read(good, &path).map_or(Some("loopback"), Value::as_str);
    if let (Some(asked), Some(kept)) = (asked, kept)
        && near(asked)
        && !near(kept)
    {
        narrowing.set(good, &path, Value::from(asked));
    }
}

/// A way to prove oneself that can be used is taken as a whole: a secret that was changed was changed
/// because the former one is not to count any more.
fn auth(narrowing: &mut Narrowing<'_>, good: &mut Table) {
    let path = ["gateway", "auth"];
    let Said::Value(asked) = narrowing.asked(&path) else { return };
    if read(good, &path) == Some(asked) {
        return;
    }
    let mut whole = good.get("gateway").and_then(Value::as_table).cloned().unwrap_or_default();
    whole.insert("auth".to_owned(), asked.clone());
    let filled = source::substitute(&mut whole, narrowing.env);
    let section = filled.ok().and_then(|()| whole.try_into::<GatewaySection>().ok());
    let usable = section.filter(|section| section.check().is_ok());
    if usable.is_some_and(|section| section.auth.mode != AuthMode::None) {
        narrowing.set(good, &path, asked.clone());
    }
}

pub(super) fn plugins(narrowing: &mut Narrowing<'_>, good: &mut Table) {
    let order = ["require", "root-owned", "off"];
    narrowing.word(good, &["plugins", "signatures"], &order, "require");
    narrowing.banned(good, &["plugins", "revoked"]);
    let named = |table: &Table| -> Vec<String> {
        let plugins = table.get("plugins").and_then(Value::as_table);
        let tables = plugins.into_iter().flatten().filter(|(_, value)| value.is_table());
        tables.map(|(name, _)| name.clone()).collect()
    };
    let mut ids = named(good);
    ids.extend(named(narrowing.asked));
    for id in ids {
        let of = |name| ["plugins", id.as_str(), name];
        narrowing.switch(good, &of("enabled"), false, true);
        narrowing.word(good, &of("isolation"), &["process", "in-process"], "process");
        let order = ["require", "best-effort", "off"];
        narrowing.word(good, &of("sandbox"), &order, "best-effort");
    }
}

pub(super) fn nodes(narrowing: &mut Narrowing<'_>, good: &mut Table) {
    narrowing.banned(good, &["nodes", "deny"]);
    let path = ["nodes", "allow"];
    if read(good, &path).and_then(list).is_some() {
        narrowing.admitted(good, &path, None);
    }
}
