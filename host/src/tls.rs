//! Who the gateway is to TLS clients: its certificate, from files or of its own making, renewed
//! without a restart.
//!
//! Connections that stand keep the certificate they began with; new ones get the newest that could
//! be read. Must not know: sockets, HTTP, the protocol.

pub mod fingerprint;
mod own;
pub mod pin;

pub use fingerprint::Fingerprint;

use crate::{config::tls::TlsSection, watch::Changes};
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

/// Renewal replaces two files, one after the other; they count when both rest this long.
const QUIET: Duration = Duration::from_millis(500);
/// Where a certificate of the gateway's own making lies in its state directory.
pub const OWN_CERTIFICATE: &str = "tls/cert.pem";
/// Where its key lies.
const OWN_KEY: &str = "tls/key.pem";

/// Why there is no certificate to show.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or holds no PEM of the kind that is needed.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// The key is not the certificate's, or of a kind that is not known.
    #[error("{cert} and {key} cannot be used together: {why}")]
    Pair {
        /// The certificate's file.
        cert: String,
        /// The key's file.
        key: String,
        /// What is wrong with them.
        why: String,
    },
    /// A certificate could not be made.
    #[error("a certificate could not be made: {0}")]
    Make(String),
}

/// The gateway's TLS identity. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ServerConfig>,
    shown: Arc<Shown>,
    files: Files,
}

#[derive(Clone, Debug)]
struct Files {
    cert: PathBuf,
    key: PathBuf,
}

/// What is shown to clients from now on.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

impl Shown {
    fn current(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Tls {
    /// Reads the configured pair, or the gateway's own in `state`, which is made when there is none:
    /// for `names`, host names and addresses under which it is reached.
    ///
    /// # Errors
    /// When a file cannot be read or used, or the own pair cannot be made.
    pub fn open(section: &TlsSection, state: &Path, names: &[String]) -> Result<Self, TlsError> {
        let files = match (&section.cert, &section.key) {
            (Some(cert), Some(key)) => Files { cert: cert.clone(), key: key.clone() },
            _ => own::pair(state, names)?,
        };
        let shown = Arc::new(Shown(RwLock::new(Arc::new(files.read()?))));
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Make(error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), shown, files })
    }

    /// For the accept loop.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// The fingerprint that clients pin; absent only for a chain that is empty.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.shown.current().cert.first().map(|der| Fingerprint::of(der))
    }

    /// Reads the files again and shows what they hold from now on; true when that is new. What was
    /// shown stays when they cannot be used.
    ///
    /// # Errors
    /// As [`Tls::open`].
    pub fn reload(&self) -> Result<bool, TlsError> {
        let pair = Arc::new(self.files.read()?);
        let mut shown = self.shown.0.write().unwrap_or_else(PoisonError::into_inner);
        let new = shown.cert != pair.cert;
        *shown = pair;
        Ok(new)
    }

    /// Reloads whenever the files change; ends never. Tools renew by replacing files or the links
    /// to them, so their folders are watched.
    ///
    /// # Errors
    /// When a folder cannot be watched.
    pub async fn keep_fresh(&self) -> Result<(), notify::Error> {
        let mut changes = Changes::of(self.files.folders(), QUIET)?;
        while changes.next().await {
            match self.reload() {
                Ok(true) => {
                    let fingerprint = self.fingerprint().map(|f| f.to_string());
                    tracing::info!(fingerprint, "the certificate was renewed");
                }
                Ok(false) => {}
                Err(error) => tracing::warn!(
                    %error, "the renewed certificate cannot be used; the former one stays"
                ),
            }
        }
        Ok(())
    }
}

impl Files {
    fn read(&self) -> Result<CertifiedKey, TlsError> {
        let bad = |path: &Path| {
            let path = path.display().to_string();
            move |why: String| TlsError::File { path, why }
        };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&self.cert)
            .and_then(Iterator::collect)
            .map_err(|error| bad(&self.cert)(error.to_string()))?;
        if chain.is_empty() {
            return Err(bad(&self.cert)("holds no certificate in PEM form".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| bad(&self.key)(error.to_string()))?;
        let pair = CertifiedKey::from_der(chain, key, &provider()).and_then(|pair| {
            pair.keys_match()?;
            Ok(pair)
        });
        pair.map_err(|error| TlsError::Pair {
            cert: self.cert.display().to_string(),
            key: self.key.display().to_string(),
            why: error.to_string(),
        })
    }

    fn folders(&self) -> BTreeSet<PathBuf> {
        let folder = |path: &Path| match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        // Both the folder of a link and that of the file it leads to.
        [&self.cert, &self.key]
            .into_iter()
            .flat_map(|path| [Some(folder(path)), path.canonicalize().ok().map(|p| folder(&p))])
            .flatten()
            .collect()
    }
}

/// One provider of cryptography for the whole program.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

#[cfg(test)]
mod tests;
