//! A certificate of the gateway's own making, for those who have none: made once, so that clients
//! can pin it, and kept for its owner's eyes.

use super::{Files, OWN_CERTIFICATE, OWN_KEY, TlsError};
use crate::config::secret::write_private;
use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use std::path::Path;

/// The last year of the certificate. It is trusted by its fingerprint, not by its age.
const LAST_YEAR: i32 = 2056;

/// The pair in the state directory; made when there is none.
pub(super) fn pair(state: &Path, names: &[String]) -> Result<Files, TlsError> {
    let files = Files { cert: state.join(OWN_CERTIFICATE), key: state.join(OWN_KEY) };
    if files.cert.exists() && files.key.exists() {
        return Ok(files);
    }
    let failed = |error: &dyn std::fmt::Display| TlsError::Make(error.to_string());
    let key = KeyPair::generate().map_err(|error| failed(&error))?;
    let mut params = CertificateParams::new(names.to_vec()).map_err(|error| failed(&error))?;
    params.distinguished_name.push(DnType::CommonName, "Jackfield gateway");
    params.not_after = date_time_ymd(LAST_YEAR, 1, 1);
    let cert = params.self_signed(&key).map_err(|error| failed(&error))?;
    if let Some(folder) = files.cert.parent() {
        std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    }
    // The key first: a certificate without its key would be taken for a whole pair.
    for (path, text) in [(&files.key, key.serialize_pem()), (&files.cert, cert.pem())] {
        write_private(path, text.as_bytes()).map_err(|error| TlsError::File {
            path: path.display().to_string(),
            why: error.to_string(),
        })?;
    }
    Ok(files)
}
