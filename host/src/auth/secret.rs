//! The gateway's shared secret, compared without telling how far a guess was right.

use crate::{clock, config::Secret};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// A secret kept as a keyed digest: comparisons take the same time whatever is given, length
/// included, and the text itself is not held in memory here.
#[derive(Clone)]
pub struct SharedSecret {
    key: [u8; 32],
    digest: [u8; 32],
}

impl std::fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedSecret(***)")
    }
}

impl SharedSecret {
    /// Takes a secret in.
    #[must_use]
    pub fn new(secret: &Secret) -> Self {
        let key = clock::random_bytes();
        Self { key, digest: digest(&key, secret.expose()) }
    }

    /// Whether `given` is the secret.
    #[must_use]
    pub fn matches(&self, given: &str) -> bool {
        self.digest.ct_eq(&digest(&self.key, given)).into()
    }
}

fn digest(key: &[u8; 32], text: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}
