//! The SHA-256 of a certificate, as people read it aloud and clients pin it.

use rustls::pki_types::{CertificateDer, pem::PemObject};
use sha2::{Digest, Sha256};
use std::{fmt, path::Path, str::FromStr};
use subtle::ConstantTimeEq;

/// Length of the hash, bytes.
const LENGTH: usize = 32;

/// The SHA-256 of a certificate in DER form.
#[derive(Clone, Copy, Debug)]
pub struct Fingerprint([u8; LENGTH]);

impl Fingerprint {
    /// Of this certificate.
    #[must_use]
    pub fn of(certificate: &CertificateDer<'_>) -> Self {
        Self(Sha256::digest(certificate).into())
    }

    /// Of the first certificate in a PEM file; nothing where it cannot be read.
    #[must_use]
    pub fn of_file(path: &Path) -> Option<Self> {
        CertificateDer::from_pem_file(path).ok().map(|certificate| Self::of(&certificate))
    }
}

impl PartialEq for Fingerprint {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Fingerprint {}

impl fmt::Display for Fingerprint {
    /// Upper-case hex with colons, as browsers and `openssl` show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, byte) in self.0.iter().enumerate() {
            let colon = if n == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl FromStr for Fingerprint {
    type Err = String;

    /// Takes 64 hex digits, with or without colons and a leading `sha256:`.
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || {
            format!(
                "`{text}` is no SHA-256 fingerprint: 64 hex digits, with or without colons, as the gateway prints it"
            )
        };
        let text = text.trim();
        let digits = match text.split_at_checked("sha256:".len()) {
            Some((head, rest)) if head.eq_ignore_ascii_case("sha256:") => rest,
            _ => text,
        };
        let digits: Vec<u8> = digits.bytes().filter(|byte| *byte != b':').collect();
        if digits.len() != 2 * LENGTH {
            return Err(bad());
        }
        let mut bytes = [0; LENGTH];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| bad())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| bad())?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_given_back_in_every_form() {
        let one = Fingerprint::of(&CertificateDer::from(vec![1, 2, 3]));
        let shown = one.to_string();
        assert_eq!(shown.len(), 95);
        let plain = shown.replace(':', "").to_lowercase();
        for form in [shown.clone(), plain.clone(), format!("SHA256:{shown}")] {
            assert_eq!(form.parse(), Ok(one), "{form}");
        }
        for bad in ["", "sha256:", &plain[1..], &format!("{}zz", &plain[2..])] {
            assert!(bad.parse::<Fingerprint>().is_err(), "{bad}");
        }
        assert_ne!(one, Fingerprint::of(&CertificateDer::from(vec![1, 2, 4])));
    }
}
