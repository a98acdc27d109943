//! The proof that a caller holds its device's key: an Ed25519 signature over this connection's nonce.
//!
//! The signed text, version 3, joined by `|`: `v3`, device id, client id, client mode, role, scopes
//! joined by `,`, signed-at, token, nonce, platform, device family. Version 2 lacks the last two.

use crate::{
    devices::token::hex,
    protocol::{
        connect::{ConnectParams, DeviceProof},
        scope::Role,
    },
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use ed25519_dalek::{Signature, VerifyingKey, pkcs8::DecodePublicKey};
use sha2::{Digest, Sha256};

/// How far `signedAt` may lie from the gateway's clock, milliseconds.
const SKEW_MS: u64 = 120_000;

/// What is wrong with a proof, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofError {
    /// The id is not the hash of the key, or the key cannot be decoded.
    IdMismatch,
    /// Signed too long ago, or in the future.
    Stale,
    /// No nonce.
    NonceBlank,
    /// Another connection's nonce.
    NonceMismatch,
    /// The signature is not over this text by this key.
    BadSignature,
    /// The key is not usable.
    BadKey,
}

/// Checks a proof and answers the key in its canonical form (base64url of the raw 32 bytes).
///
/// # Errors
/// The first check that fails.
pub fn verify(
    proof: &DeviceProof,
    params: &ConnectParams,
    role: Role,
    nonce: &str,
    now_ms: u64,
) -> Result<String, ProofError> {
    let raw = decode_key(&proof.public_key).ok_or(ProofError::IdMismatch)?;
    if hex(&Sha256::digest(raw)) != proof.id {
        return Err(ProofError::IdMismatch);
    }
    if now_ms.abs_diff(proof.signed_at) > SKEW_MS {
        return Err(ProofError::Stale);
    }
    if proof.nonce.trim().is_empty() {
        return Err(ProofError::NonceBlank);
    }
    if proof.nonce != nonce {
        return Err(ProofError::NonceMismatch);
    }
    let signature = decode(&proof.signature)
        .and_then(|bytes| Signature::from_slice(&bytes).ok())
        .ok_or(ProofError::BadSignature)?;
    let key = VerifyingKey::from_bytes(&raw).map_err(|_| ProofError::BadKey)?;
    let signed = |text: String| key.verify_strict(text.as_bytes(), &signature).is_ok();
    if signed(payload_v3(proof, params, role)) || signed(payload_v2(proof, params, role)) {
        return Ok(URL_SAFE_NO_PAD.encode(raw));
    }
    Err(ProofError::BadSignature)
}

/// The text a version-2 proof signs.
#[must_use]
pub fn payload_v2(proof: &DeviceProof, params: &ConnectParams, role: Role) -> String {
    common("v2", proof, params, role)
}

/// The text a version-3 proof signs.
#[must_use]
pub fn payload_v3(proof: &DeviceProof, params: &ConnectParams, role: Role) -> String {
    let family = params.client.device_family.as_deref().unwrap_or_default();
    let metadata = [&params.client.platform, family].map(|t| t.trim().to_ascii_lowercase());
    format!("{}|{}|{}", common("v3", proof, params, role), metadata[0], metadata[1])
}

fn common(version: &str, proof: &DeviceProof, params: &ConnectParams, role: Role) -> String {
    let token = params.auth.as_ref().map(crate::protocol::connect::Credentials::signed_token);
    [
        version,
        &proof.id,
        &params.client.id.word(),
        &params.client.mode.word(),
        role.as_str(),
        &params.scopes.join(","),
        &proof.signed_at.to_string(),
        token.unwrap_or_default(),
        &proof.nonce,
    ]
    .join("|")
}

fn decode_key(text: &str) -> Option<[u8; 32]> {
    if text.contains("BEGIN PUBLIC KEY") {
        return VerifyingKey::from_public_key_pem(text.trim()).ok().map(|k| k.to_bytes());
    }
    decode(text)?.try_into().ok()
}

fn decode(text: &str) -> Option<Vec<u8>> {
    [&URL_SAFE_NO_PAD, &URL_SAFE, &STANDARD, &STANDARD_NO_PAD]
        .into_iter()
        .find_map(|engine| engine.decode(text.trim()).ok())
}

#[cfg(test)]
mod tests;
