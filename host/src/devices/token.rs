//! Device tokens: derived from a key and a random value, compared in constant time, never stored.
//!
//! A hello must hand a device its living token again, so a token has to be reproducible; a stolen
//! database must not reveal it. Hence token = HMAC-SHA-256(key, device, role, issue): the database
//! keeps `issue` and a hash, the key lies in a file of its own.

use super::{
    Devices,
    record::{Device, TokenRecord},
};
use crate::{
    clock,
    config::secret::write_private,
    protocol::scope::{Role, Scopes},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::path::Path;
use subtle::ConstantTimeEq;

/// The gateway's key for deriving tokens.
pub struct TokenKey([u8; 32]);

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey(***)")
    }
}

/// A token in the clear, on its way to its device.
#[derive(Clone)]
pub struct Issued {
    /// The token.
    pub token: String,
    /// Its role.
    pub role: Role,
    /// What it grants.
    pub scopes: Vec<String>,
    /// When this token was made.
    pub issued_at_ms: u64,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Issued({:?}, ***)", self.role)
    }
}

/// What a check of a device token found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenVerdict {
    /// It is the device's, and grants what is asked.
    Good,
    /// Unknown, ended, or another token.
    Mismatch,
    /// It is the device's, but grants less than is asked.
    ScopesTooSmall,
}

impl TokenKey {
    /// Reads the key file, or makes it (mode 0600) when there is none.
    ///
    /// # Errors
    /// When the file cannot be read or written, or is not a key.
    pub fn load(path: &Path) -> std::io::Result<Self> {
        match std::fs::read(path) {
            Ok(bytes) => bytes.try_into().map(Self).map_err(|_| {
                let text = format!(
                    "{} is not a 32-byte key; remove it to make a new one (all devices pair anew)",
                    path.display()
                );
                std::io::Error::new(std::io::ErrorKind::InvalidData, text)
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key = clock::random_bytes();
                write_private(path, &key)?;
                Ok(Self(key))
            }
            Err(error) => Err(error),
        }
    }

    /// A key given directly.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Makes the record of a new token. `before` is the first issue of the token it replaces.
    #[must_use]
    pub fn mint(
        &self,
        device: &str,
        role: Role,
        scopes: Scopes,
        now_ms: u64,
        before: Option<u64>,
    ) -> TokenRecord {
        let issue = URL_SAFE_NO_PAD.encode(clock::random_bytes::<16>());
        let hash = hash(&self.derive(device, role, &issue));
        TokenRecord {
            role,
            scopes: scopes.words().into_iter().map(str::to_owned).collect(),
            issue,
            hash,
            created_at_ms: before.unwrap_or(now_ms),
            rotated_at_ms: before.map(|_| now_ms),
            revoked_at_ms: None,
            last_used_at_ms: None,
        }
    }

    /// The token behind a record.
    #[must_use]
    pub fn reveal(&self, device: &str, record: &TokenRecord) -> Issued {
        Issued {
            token: self.derive(device, record.role, &record.issue),
            role: record.role,
            scopes: record.scopes.clone(),
            issued_at_ms: record.rotated_at_ms.unwrap_or(record.created_at_ms),
        }
    }

    /// Checks a presented token against a device's record.
    #[must_use]
    pub fn verify(&self, device: &Device, role: Role, token: &str, asked: Scopes) -> TokenVerdict {
        let Some(record) = device.living_token(role) else { return TokenVerdict::Mismatch };
        if !bool::from(hash(token).as_bytes().ct_eq(record.hash.as_bytes())) {
            return TokenVerdict::Mismatch;
        }
        let granted = Scopes::from_words(&record.scopes);
        if role == Role::Operator && !granted.covers(asked) {
            return TokenVerdict::ScopesTooSmall;
        }
        TokenVerdict::Good
    }

    fn derive(&self, device: &str, role: Role, issue: &str) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        for part in ["device-token", device, role.as_str(), issue] {
            mac.update(part.as_bytes());
            mac.update(b"|");
        }
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }
}

impl Devices {
    /// Whether `token` is the living token of any device that is an operator.
    #[must_use]
    pub fn knows_operator_token(&self, token: &str) -> bool {
        let given = hash(token);
        self.paired()
            .iter()
            .filter_map(|device| device.living_token(Role::Operator))
            .any(|record| given.as_bytes().ct_eq(record.hash.as_bytes()).into())
    }
}

/// Lower-case hex SHA-256, the form in which issued secrets are stored.
#[must_use]
pub fn hash(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_reproducible_from_its_record_and_the_key_alone() {
        let key = TokenKey::from_bytes([7; 32]);
        let scopes = Scopes::from_words(&["operator.read"]);
        let record = key.mint("d", Role::Operator, scopes, 5, None);
        let first = key.reveal("d", &record);
        assert_eq!(first.token, key.reveal("d", &record).token);
        assert_eq!(first.token.len(), 43);
        assert_eq!(hash(&first.token), record.hash);
        let other = TokenKey::from_bytes([8; 32]).reveal("d", &record);
        assert_ne!(first.token, other.token, "the record alone is not enough");
    }

    #[test]
    fn the_key_file_is_private_and_kept() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token.key");
        let first = TokenKey::load(&path).unwrap();
        let again = TokenKey::load(&path).unwrap();
        assert_eq!(first.0, again.0);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, b"short").unwrap();
        assert!(TokenKey::load(&path).unwrap_err().to_string().contains("not a 32-byte key"));
    }
}
