//! What a person reads when the gateway starts.

use super::{Gateway, door::TokenSource, wiring::Page};
use crate::tls::Tls;
use std::net::SocketAddr;

/// The lines to print once the port is open. `listening on ADDRESS` is there for programs too.
#[must_use]
pub fn started(gateway: &Gateway) -> Vec<String> {
    let address = gateway.address();
    let core = gateway.core();
    let mut lines =
        vec![format!("Jackfield {} is running.", core.version), format!("listening on {address}")];
    if let Some(fault) = &core.config.fault {
        lines.push(format!("The configuration cannot be used, so the last good one is: {fault}"));
    }
    lines.extend(core.plugins.quiet().map(|why| format!("Safe mode: {why}.")));
    if let Some(print) = core.tls.as_ref().and_then(Tls::fingerprint) {
        lines.push(format!("TLS certificate, SHA-256: {print}"));
    }
    let page = |page: &Page| format!("{}: {}", page.label, link(gateway, address, &page.path));
    let pages: Vec<String> = gateway.pages().iter().map(page).collect();
    if pages.is_empty() {
        lines.push(
            "No channel with a page is enabled; `jackfield plugins list` shows what is installed."
                .to_owned(),
        );
    }
    lines.extend(pages);
    match gateway.token().source {
        TokenSource::Made => lines.push(format!(
            "A new access token was made; it is kept in {}.",
            core.paths.token_file().display()
        )),
        TokenSource::Kept => {
            lines.push(format!(
                "The access token is kept in {}.",
                core.paths.token_file().display()
            ));
        }
        TokenSource::Configured | TokenSource::NotNeeded => {}
    }
    lines.push("Press Ctrl+C to stop.".to_owned());
    lines
}

fn link(gateway: &Gateway, address: SocketAddr, path: &str) -> String {
    let host = if address.ip().is_unspecified() {
        SocketAddr::new([127, 0, 0, 1].into(), address.port())
    } else {
        address
    };
    // Under systemd these lines end up in the journal, where a secret does not belong.
    let kept = std::env::var_os("JOURNAL_STREAM").is_some();
    let fragment = match &gateway.token().secret {
        Some(secret) if !kept => format!("#token={}", secret.expose()),
        _ => String::new(),
    };
    let scheme = if gateway.core().tls.is_some() { "https" } else { "http" };
    format!("{scheme}://{host}{path}{fragment}")
}
