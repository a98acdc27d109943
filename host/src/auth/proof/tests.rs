//! Recorded vectors and everything that must not pass.

use super::*;
use serde_json::json;

const KEY: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const ID: &str = "21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9";
const V3: &str =
    "LS3kLULldh0logUOfeCejqYj4ZBnfCLo8fmGGIBJsgB78gRUqRjXMiSA647rEQe4C_Jp23nQVfOwIr2xIrrYDg";
const V2: &str =
    "INe_MAIokSqOWy6a6_N7wx8dw_XiwZPoyM8iOklooAmL1RqUXx9hhy-qlc9HppYPy53H48T_xH9CCpQ3ZEaTAQ";
const V3_NODE: &str =
    "MehXCbkCi_R9uKvBFFEDax2Sr4mDxbIze0kpZprIvpzRRIfEF4DQOr5qb35UQ0QON7KDtw0HrY--91k6Mi_RAg";
const SIGNED_AT: u64 = 1_700_000_000_000;

fn params(signature: &str) -> ConnectParams {
    serde_json::from_value(json!({
        "minProtocol": 4, "maxProtocol": 4,
        "client": {"id": "openclaw-tui", "mode": "ui", "version": "1", "platform": " Linux ", "deviceFamily": "Linux"},
        "scopes": ["operator.read", "operator.write"],
        "auth": {"token": "tok-123", "password": "never signed"},
        "device": {"id": ID, "publicKey": KEY, "signature": signature, "signedAt": SIGNED_AT, "nonce": "nonce-abc"},
    }))
    .unwrap()
}

fn check(params: &ConnectParams, role: Role, now_ms: u64) -> Result<String, ProofError> {
    verify(params.device.as_ref().unwrap(), params, role, "nonce-abc", now_ms)
}

#[test]
fn recorded_proofs_pass_in_both_versions() {
    assert_eq!(check(&params(V3), Role::Operator, SIGNED_AT).as_deref(), Ok(KEY));
    assert_eq!(check(&params(V2), Role::Operator, SIGNED_AT).as_deref(), Ok(KEY));
}

#[test]
fn a_recorded_node_proof_passes_with_everything_optional_absent() {
    let mut node = params(V3_NODE);
    node.client = serde_json::from_value(
        json!({"id": "node-host", "mode": "node", "version": "1", "platform": "darwin"}),
    )
    .unwrap();
    node.scopes.clear();
    node.auth = None;
    assert_eq!(check(&node, Role::Node, SIGNED_AT).as_deref(), Ok(KEY));
}

#[test]
fn a_key_may_come_in_other_clothes() {
    let mut p = params(V3);
    p.device.as_mut().unwrap().public_key = format!("{}=", KEY.replace('_', "/").replace('-', "+"));
    assert_eq!(check(&p, Role::Operator, SIGNED_AT).as_deref(), Ok(KEY));
}

#[test]
fn the_first_failing_check_is_the_answer() {
    let change = |f: &dyn Fn(&mut ConnectParams)| {
        let mut p = params(V3);
        f(&mut p);
        check(&p, Role::Operator, SIGNED_AT).unwrap_err()
    };
    let device = |f: &dyn Fn(&mut DeviceProof)| change(&|p| f(p.device.as_mut().unwrap()));
    assert_eq!(device(&|d| d.id = "00".repeat(32)), ProofError::IdMismatch);
    assert_eq!(device(&|d| d.public_key = "!!".into()), ProofError::IdMismatch);
    assert_eq!(device(&|d| d.signed_at -= SKEW_MS + 1), ProofError::Stale);
    assert_eq!(device(&|d| d.signed_at += SKEW_MS + 1), ProofError::Stale);
    assert_eq!(device(&|d| d.nonce = "  ".into()), ProofError::NonceBlank);
    assert_eq!(device(&|d| d.nonce = "other".into()), ProofError::NonceMismatch);
    assert_eq!(device(&|d| d.signature = "AAAA".into()), ProofError::BadSignature);
    assert_eq!(device(&|d| d.signature = V3_NODE.into()), ProofError::BadSignature);
    assert_eq!(change(&|p| p.scopes.reverse()), ProofError::BadSignature);
    assert_eq!(
        change(&|p| p.auth.as_mut().unwrap().token = Some("other".into())),
        ProofError::BadSignature
    );
    assert_eq!(change(&|p| p.client.platform = "darwin".into()), ProofError::BadSignature);
}

#[test]
fn a_small_order_key_is_refused() {
    // The identity point: with it, a signature of zeros verifies under lenient rules.
    let mut raw = [0_u8; 32];
    raw[0] = 1;
    let mut p = params(V3);
    let device = p.device.as_mut().unwrap();
    device.public_key = URL_SAFE_NO_PAD.encode(raw);
    device.id = hex(&Sha256::digest(raw));
    let mut signature = [0_u8; 64];
    signature[0] = 1;
    device.signature = URL_SAFE_NO_PAD.encode(signature);
    assert!(check(&p, Role::Operator, SIGNED_AT).is_err());
}

/// S14: a signature has one form; adding the order of the group to its second half makes another
/// that lenient verifiers take.
#[test]
fn s14_a_signature_in_another_form_is_refused() {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut signature = URL_SAFE_NO_PAD.decode(V3).unwrap();
    let mut carry = 0_u16;
    for (byte, add) in signature[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        [*byte, _] = sum.to_le_bytes();
        carry = sum >> 8;
    }
    let other = params(&URL_SAFE_NO_PAD.encode(signature));
    assert_eq!(check(&other, Role::Operator, SIGNED_AT), Err(ProofError::BadSignature));
}

/// S14: a key that names no point of the curve.
#[test]
fn s14_a_key_that_is_none_is_refused() {
    let none = |n: &u8| VerifyingKey::from_bytes(&[*n; 32]).is_err();
    let raw = [(0..=255).find(none).expect("half of all texts name no point"); 32];
    let mut p = params(V3);
    let device = p.device.as_mut().unwrap();
    device.public_key = URL_SAFE_NO_PAD.encode(raw);
    device.id = hex(&Sha256::digest(raw));
    assert_eq!(check(&p, Role::Operator, SIGNED_AT), Err(ProofError::BadKey));
}
