//! The rows: who connects, what is spoilt, and the answer that is recorded for it.

use super::{End, Said, invalid, unauthorized};
use harness::{Connect, Identity};
use serde_json::{Value, json};

pub(super) fn device() -> Connect {
    Connect::device(&Identity::number(1))
}

pub(super) fn page(mode: &str) -> Connect {
    Connect::cli().client("openclaw-control-ui", mode)
}

/// One attempt from this machine: what it is, who connects, what is spoilt, and the answer.
pub(super) type Row = (&'static str, Connect, fn(&mut Value), Said);

fn proof(message: &'static str, code: &'static str, reason: &'static str) -> Said {
    invalid(message, json!({"code": code, "reason": reason}))
}

pub(super) fn shapes() -> Vec<Row> {
    let same: fn(&mut Value) = |_| {};
    let mismatch = |min: u32, max: u32| Said {
        details: json!({
            "code": "PROTOCOL_MISMATCH", "clientMinProtocol": min, "clientMaxProtocol": max,
            "expectedProtocol": 4, "minimumProbeProtocol": 3,
        }),
        end: End::Close(1002, "protocol mismatch"),
        ..invalid("protocol mismatch", json!({}))
    };
    let versions = |min: u32, max: u32| {
        Connect::cli().with("minProtocol", json!(min)).with("maxProtocol", json!(max))
    };
    vec![
        (
            "a client without an id",
            Connect::cli(),
            |p| p["client"] = json!({"version": "1", "platform": "linux", "mode": "cli"}),
            invalid(
                "invalid connect params: at /client: must have required property 'id'",
                json!({}),
            ),
        ),
        (
            "an unknown mode",
            Connect::cli().client("cli", "spy"),
            same,
            invalid(
                "invalid connect params: at /client/mode: must be equal to one of the allowed values",
                json!({}),
            ),
        ),
        (
            "a proof without a nonce",
            device(),
            |p| {
                p["device"].as_object_mut().expect("a proof").remove("nonce");
            },
            invalid(
                "invalid connect params: at /device: must have required property 'nonce'",
                json!({}),
            ),
        ),
        ("an older client", versions(3, 3), same, mismatch(3, 3)),
        ("a newer client", versions(5, 6), same, mismatch(5, 6)),
        ("a probe too old", versions(1, 2).client("cli", "probe"), same, mismatch(1, 2)),
        (
            "an unknown role",
            Connect::cli().with("role", json!("king")),
            same,
            invalid("invalid role", json!({})),
        ),
    ]
}

/// Nothing that opens, and no device that could do without.
pub(super) fn without_device() -> Vec<Row> {
    let required = || Said {
        code: "NOT_PAIRED",
        ..invalid("device identity required", json!({"code": "DEVICE_IDENTITY_REQUIRED"}))
    };
    let node = Connect::cli().client("node-host", "node").with("role", json!("node"));
    let code = Connect::cli().auth(json!({"bootstrapToken": "x"}));
    let app = invalid(
        "control ui requires device identity (use HTTPS or localhost secure context)",
        json!({"code": "CONTROL_UI_DEVICE_IDENTITY_REQUIRED"}),
    );
    vec![
        ("neither secret nor device", Connect::cli().auth(json!({})), |_| {}, required()),
        ("a node without a device", node, |_| {}, required()),
        ("a setup code without a device", code, |_| {}, required()),
        ("an app without a device", Connect::cli().client("openclaw-tui", "ui"), |_| {}, app),
    ]
}

/// Wrong credentials, and none.
pub(super) fn credentials() -> Vec<Row> {
    let wrong = json!({"token": "wrong"});
    let mismatch = |message, retry| {
        let next = if retry { "retry_with_device_token" } else { "update_auth_credentials" };
        unauthorized(message, ["AUTH_TOKEN_MISMATCH", "token_mismatch", next], retry)
    };
    let at_cli = "unauthorized: gateway token mismatch (use this gateway's gateway.auth.token or pair the device)";
    let in_app = "unauthorized: gateway token mismatch (open the link the gateway printed, or enter its token in the settings)";
    let cli = || device().client("cli", "cli");
    let node = device().client("node-host", "node").with("role", json!("node")).scopes(&[]);
    let missing = unauthorized(
        "unauthorized: gateway token missing (use this gateway's gateway.auth.token or pair the device)",
        ["AUTH_TOKEN_MISSING", "token_missing", "update_auth_configuration"],
        false,
    );
    let own = unauthorized(
        "unauthorized: device token mismatch (rotate/reissue device token)",
        ["AUTH_DEVICE_TOKEN_MISMATCH", "device_token_mismatch", "update_auth_credentials"],
        false,
    );
    let setup = unauthorized(
        "unauthorized: setup code invalid, expired, revoked, or already used (create a new code; review `openclaw devices list`)",
        ["AUTH_BOOTSTRAP_TOKEN_INVALID", "bootstrap_token_invalid", "update_auth_credentials"],
        false,
    );
    vec![
        ("a device without a credential", cli().auth(json!({})), |_| {}, missing),
        ("a wrong token", Connect::cli().auth(wrong.clone()), |_| {}, mismatch(at_cli, false)),
        ("one with a device", cli().auth(wrong.clone()), |_| {}, mismatch(at_cli, true)),
        ("one in an app", device().auth(wrong), |_| {}, mismatch(in_app, true)),
        ("a wrong device token", device().auth(json!({"deviceToken": "wrong"})), |_| {}, own),
        ("an unknown setup code", node.auth(json!({"bootstrapToken": "wrong"})), |_| {}, setup),
    ]
}

pub(super) fn proofs() -> Vec<Row> {
    vec![
        (
            "another device's id",
            device(),
            |p| p["device"]["id"] = json!(Identity::number(2).device_id()),
            proof(
                "device identity mismatch",
                "DEVICE_AUTH_DEVICE_ID_MISMATCH",
                "device-id-mismatch",
            ),
        ),
        (
            "signed two minutes ago",
            device(),
            |p| {
                p["device"]["signedAt"] =
                    json!(p["device"]["signedAt"].as_u64().map(|t| t - 121_000));
            },
            proof(
                "device signature expired",
                "DEVICE_AUTH_SIGNATURE_EXPIRED",
                "device-signature-stale",
            ),
        ),
        (
            "signed in two minutes",
            device(),
            |p| {
                p["device"]["signedAt"] =
                    json!(p["device"]["signedAt"].as_u64().map(|t| t + 130_000));
            },
            proof(
                "device signature expired",
                "DEVICE_AUTH_SIGNATURE_EXPIRED",
                "device-signature-stale",
            ),
        ),
        (
            "a blank nonce",
            device(),
            |p| p["device"]["nonce"] = json!(" "),
            proof("device nonce required", "DEVICE_AUTH_NONCE_REQUIRED", "device-nonce-missing"),
        ),
        (
            "another connection's nonce",
            device(),
            |p| p["device"]["nonce"] = json!("0e3f3c3e-0000-4000-8000-000000000000"),
            proof("device nonce mismatch", "DEVICE_AUTH_NONCE_MISMATCH", "device-nonce-mismatch"),
        ),
        (
            "signed over another token",
            device(),
            |p| p["auth"]["token"] = json!("another"),
            proof("device signature invalid", "DEVICE_AUTH_SIGNATURE_INVALID", "device-signature"),
        ),
        (
            "more scopes than were signed",
            device().scopes(&["operator.read"]),
            |p| p["scopes"] = json!(["operator.admin"]),
            proof("device signature invalid", "DEVICE_AUTH_SIGNATURE_INVALID", "device-signature"),
        ),
    ]
}
