//! Signatures in minisign's format: what the ordinary `minisign` tool writes is read here, and what
//! is written here that tool verifies.
//!
//! A signature says which key made it, over the message or over its BLAKE2b-512 hash, and a second
//! one covers its trusted comment. Must not know: what is signed, which keys are trusted.

mod secret;
#[cfg(test)]
mod tests;

pub use secret::SecretKey;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use blake2::{Blake2b512, Digest};
use ed25519_dalek::{Signature as Bytes, VerifyingKey};
use std::fmt;

/// Largest file of a key or a signature, bytes.
pub(crate) const TEXT_BYTES_MAX: u64 = 8 << 10;
/// Algorithm of keys, and of signatures over the message itself.
const PURE: [u8; 2] = *b"Ed";
/// Algorithm of signatures over the message's hash.
const PREHASHED: [u8; 2] = *b"ED";
const TRUSTED: &str = "trusted comment: ";

/// Why a key or a signature will not do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not in the format.
    #[error("not in minisign's format: {0}")]
    Form(&'static str),
    /// The secret key needs a password.
    #[error("the key has a password; sign with the tool that made it: minisign -Sm plugin.toml")]
    Locked,
    /// Made by another key than the one it is checked with.
    #[error("made by key {0}")]
    OtherKey(KeyId),
    /// Not the signature of this message.
    #[error("does not match: the text or the signature was changed")]
    Mismatch,
}

/// Names a key, as the tool shows it: 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId([u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().rev().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A key that verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey {
    id: KeyId,
    key: VerifyingKey,
}

impl PublicKey {
    /// Reads a key: its line alone, or the file with its comment.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let bytes: [u8; 42] = decode(payload(text, "a key is one line of base64")?)?;
        if !bytes.starts_with(&PURE) {
            return Err(SignatureError::Form("a key of another algorithm"));
        }
        let (mut id, mut key) = ([0; 8], [0; 32]);
        id.copy_from_slice(&bytes[2..10]);
        key.copy_from_slice(&bytes[10..]);
        let key = VerifyingKey::from_bytes(&key)
            .map_err(|_| SignatureError::Form("no key of this algorithm"))?;
        Ok(Self { id: KeyId(id), key })
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Its line.
    #[must_use]
    pub fn line(&self) -> String {
        BASE64.encode([&PURE[..], &self.id.0, self.key.as_bytes()].concat())
    }

    /// The file: a comment with its name, and its line.
    #[must_use]
    pub fn file(&self) -> String {
        format!("untrusted comment: minisign public key {}\n{}\n", self.id, self.line())
    }
}

/// A signature as its file holds it, not verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    prehashed: bool,
    key: KeyId,
    signature: [u8; 64],
    comment: String,
    comment_signature: [u8; 64],
}

impl Signature {
    /// Reads a signature file.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let mut lines = text.lines();
        let head = lines.next().unwrap_or_default();
        if !head.starts_with("untrusted comment: ") {
            return Err(SignatureError::Form("it begins with an untrusted comment"));
        }
        let bytes: [u8; 74] = decode(lines.next().unwrap_or_default())?;
        let comment = lines
            .next()
            .and_then(|line| line.strip_prefix(TRUSTED))
            .ok_or(SignatureError::Form("the trusted comment is missing"))?;
        let comment_signature = decode(lines.next().unwrap_or_default())?;
        let prehashed = match [bytes[0], bytes[1]] {
            PREHASHED => true,
            PURE => false,
            _ => return Err(SignatureError::Form("a signature of another algorithm")),
        };
        let (mut key, mut signature) = ([0; 8], [0; 64]);
        key.copy_from_slice(&bytes[2..10]);
        signature.copy_from_slice(&bytes[10..]);
        let comment = comment.to_owned();
        Ok(Self { prehashed, key: KeyId(key), signature, comment, comment_signature })
    }

    /// The key that made it, by its own word.
    #[must_use]
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// The comment its maker signed too; to be believed only after [`Signature::verify`].
    #[must_use]
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// Proves that `key` made it over `message`, comment included.
    ///
    /// # Errors
    /// When it did not.
    pub fn verify(&self, key: &PublicKey, message: &[u8]) -> Result<(), SignatureError> {
        if key.id != self.key {
            return Err(SignatureError::OtherKey(self.key));
        }
        let hash;
        let message = if self.prehashed {
            hash = Blake2b512::digest(message);
            hash.as_slice()
        } else {
            message
        };
        let globally = [&self.signature[..], self.comment.as_bytes()].concat();
        let pairs = [(message, &self.signature), (&globally, &self.comment_signature)];
        let right = pairs.iter().all(|(message, signature)| {
            key.key.verify_strict(message, &Bytes::from_bytes(signature)).is_ok()
        });
        if right { Ok(()) } else { Err(SignatureError::Mismatch) }
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> String {
        let algorithm = if self.prehashed { PREHASHED } else { PURE };
        let line = BASE64.encode([&algorithm[..], &self.key.0, &self.signature].concat());
        let second = BASE64.encode(self.comment_signature);
        let head = "untrusted comment: signature from jackfield secret key";
        format!("{head}\n{line}\n{TRUSTED}{}\n{second}\n", self.comment)
    }
}

/// The line that holds the bytes: the only one, or the one after the comment.
fn payload<'a>(text: &'a str, otherwise: &'static str) -> Result<&'a str, SignatureError> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().ok_or(SignatureError::Form(otherwise))?;
    if first.starts_with("untrusted comment:") {
        return lines.next().ok_or(SignatureError::Form(otherwise));
    }
    Ok(first)
}

fn decode<const N: usize>(line: &str) -> Result<[u8; N], SignatureError> {
    let bytes =
        BASE64.decode(line.trim()).map_err(|_| SignatureError::Form("a line is not base64"))?;
    bytes.try_into().map_err(|_| SignatureError::Form("a line has another length"))
}
