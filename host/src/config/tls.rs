//! `[gateway.tls]`: encryption on the gateway's own port.

use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// `[gateway.tls]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSection {
    /// The port speaks TLS, and only TLS.
    pub enabled: bool,
    /// Certificate chain, PEM, the gateway's own certificate first. Without one the gateway makes a
    /// certificate for itself and keeps it in its state directory; clients then pin its fingerprint.
    pub cert: Option<PathBuf>,
    /// Private key of the certificate, PEM.
    pub key: Option<PathBuf>,
}

impl TlsSection {
    /// Refuses half a pair of files.
    ///
    /// # Errors
    /// The setting and what is wrong with it.
    pub fn check(&self) -> Result<(), (String, String)> {
        let lack = |name: &str, other: &str| {
            let text = format!(
                "gateway.tls.{other} is set without it; set both, or neither for a certificate of the gateway's own making"
            );
            Err((format!("gateway.tls.{name}"), text))
        };
        match (&self.cert, &self.key) {
            (Some(_), None) => lack("key", "cert"),
            (None, Some(_)) => lack("cert", "key"),
            _ => Ok(()),
        }
    }
}
