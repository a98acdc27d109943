//! The key that signs, in minisign's own file, without a password: its mode is what protects it.
//!
//! Must not know: where it is kept.

use super::{
    BASE64, Blake2b512, KeyId, PURE, PublicKey, Signature, SignatureError, decode, payload,
};
use crate::clock;
use base64::Engine;
use blake2::Digest;
use ed25519_dalek::{Signer, SigningKey};
use std::fmt;

/// No key derivation: the rest is not encrypted.
const OPEN: [u8; 2] = [0, 0];
/// The checksum's algorithm, BLAKE2b-256.
const CHECKSUM: [u8; 2] = *b"B2";
/// Where the key stands behind algorithms, salt and limits.
const BODY: usize = 54;

/// A key that signs.
pub struct SecretKey {
    id: KeyId,
    key: SigningKey,
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.id)
    }
}

impl SecretKey {
    /// A new one.
    #[must_use]
    pub fn generate() -> Self {
        let key = SigningKey::from_bytes(&clock::random_bytes());
        Self { id: KeyId(clock::random_bytes()), key }
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// When it is none, or has a password.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let bytes: [u8; 158] = decode(payload(text, "a secret key is two lines")?)?;
        if !bytes.starts_with(&PURE) {
            return Err(SignatureError::Form("a secret key of another algorithm"));
        }
        if bytes[2..4] != OPEN {
            return Err(SignatureError::Locked);
        }
        let (mut id, mut pair) = ([0; 8], [0; 64]);
        id.copy_from_slice(&bytes[BODY..BODY + 8]);
        pair.copy_from_slice(&bytes[BODY + 8..BODY + 72]);
        let key = SigningKey::from_keypair_bytes(&pair)
            .map_err(|_| SignatureError::Form("the two halves of the key do not fit"))?;
        Ok(Self { id: KeyId(id), key })
    }

    /// The file, to be kept from everybody else.
    #[must_use]
    pub fn file(&self) -> String {
        let mut bytes = Vec::with_capacity(158);
        bytes.extend([PURE, OPEN, CHECKSUM].concat());
        bytes.resize(BODY, 0);
        bytes.extend(self.id.0);
        bytes.extend(self.key.to_keypair_bytes());
        // The tool writes zeros too where nothing is encrypted.
        bytes.resize(158, 0);
        let line = BASE64.encode(bytes);
        format!("untrusted comment: minisign encrypted secret key\n{line}\n")
    }

    /// The key that verifies.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey { id: self.id, key: self.key.verifying_key() }
    }

    /// Signs the hash of `message`, and `comment` with it.
    ///
    /// # Errors
    /// When the comment is more than a line.
    pub fn sign(&self, message: &[u8], comment: &str) -> Result<Signature, SignatureError> {
        if comment.chars().any(char::is_control) {
            return Err(SignatureError::Form("a trusted comment is one line"));
        }
        let signature = self.key.sign(Blake2b512::digest(message).as_slice()).to_bytes();
        let globally = [&signature[..], comment.as_bytes()].concat();
        let comment_signature = self.key.sign(&globally).to_bytes();
        let comment = comment.to_owned();
        Ok(Signature { prehashed: true, key: self.id, signature, comment, comment_signature })
    }
}
