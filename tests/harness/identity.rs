//! A device's key and the proofs it signs.

use crate::digest::sha256_hex;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer, SigningKey};

/// An Ed25519 device identity.
#[derive(Clone)]
pub struct Identity {
    key: SigningKey,
}

impl Identity {
    /// The identity with this number: plays that need several devices count them.
    #[must_use]
    pub fn number(n: u8) -> Self {
        Self::from_seed([n; 32])
    }

    /// The identity of this secret seed.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self { key: SigningKey::from_bytes(&seed) }
    }

    /// The raw public key in base64url, as the wire carries it.
    #[must_use]
    pub fn public_key(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.key.verifying_key().to_bytes())
    }

    /// The device id: the lower-case hexadecimal SHA-256 of the raw public key.
    #[must_use]
    pub fn device_id(&self) -> String {
        sha256_hex(&self.key.verifying_key().to_bytes())
    }

    /// The signature over a proof's text, in base64url.
    #[must_use]
    pub fn sign(&self, payload: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.key.sign(payload.as_bytes()).to_bytes())
    }
}
