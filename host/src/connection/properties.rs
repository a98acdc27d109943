//! Whatever strangers send before anything is known of them, made at random: frames, `connect`
//! parameters, proofs, origins, proxy headers. `make fuzz` runs these for long.

use super::{handshake::connect_request, request, socket::Incoming};
use crate::{
    auth::{
        Peer,
        origin::{OriginVerdict, Origins},
        peer::TrustedProxies,
        proof,
    },
    protocol::{connect::ConnectParams, scope::Role},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::net::IpAddr;

const NOW: u64 = 1_700_000_000_000;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop_oneof!["req", "res", "event", "connect", "health", "id", "type"].prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        let names = prop_oneof!["type", "id", "method", "params", "[a-z_]{1,8}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(names, inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A `connect` as a terminal's screen sends it, signed by a key of these bytes.
fn connect(seed: [u8; 32], platform: &str, nonce: &str) -> Value {
    let key = SigningKey::from_bytes(&seed);
    let public = key.verifying_key().to_bytes();
    let mut value = json!({
        "minProtocol": 4, "maxProtocol": 4, "role": "operator", "caps": [],
        "client": {"id": "openclaw-tui", "mode": "ui", "version": "1", "platform": platform},
        "scopes": ["operator.read"], "auth": {"token": "t"},
        "device": {
            "id": crate::devices::token::hex(&Sha256::digest(public)), "signature": "",
            "publicKey": URL_SAFE_NO_PAD.encode(public), "signedAt": NOW, "nonce": nonce,
        },
    });
    let params: ConnectParams = serde_json::from_value(value.clone()).unwrap();
    let text = proof::payload_v3(params.device.as_ref().unwrap(), &params, Role::Operator);
    value["device"]["signature"] =
        json!(URL_SAFE_NO_PAD.encode(key.sign(text.as_bytes()).to_bytes()));
    value
}

fn proves(value: &Value) -> bool {
    let Ok(params) = serde_json::from_value::<ConnectParams>(value.clone()) else { return false };
    let Some(device) = &params.device else { return false };
    proof::verify(device, &params, Role::Operator, "nonce", NOW).is_ok()
}

proptest! {
    #[test]
    fn a_frame_is_taken_or_told_under_an_id(value in any_json()) {
        match request(value.clone()) {
            Ok((id, method, _)) => prop_assert!(!id.is_empty() && !method.is_empty()),
            Err((id, error)) => {
                prop_assert!(!id.is_empty());
                prop_assert!(error.message.starts_with("invalid request frame: "));
            }
        }
    }

    #[test]
    fn any_text_as_the_first_frame_ends_or_is_answered(text in any::<String>()) {
        prop_assert!(!matches!(connect_request(Incoming::Text(text)), Ok(Ok(_))));
    }

    #[test]
    fn connect_with_anything_in_a_place_is_taken_or_told(
        place in prop::sample::select(vec![
            "/minProtocol", "/client", "/client/id", "/client/platform", "/role", "/scopes",
            "/scopes/0", "/caps", "/auth", "/auth/token", "/device", "/device/nonce",
            "/device/signedAt", "/device/signature", "/device/publicKey",
        ]),
        odd in any_json(),
    ) {
        let mut params = connect([7; 32], "linux", "nonce");
        *params.pointer_mut(place).unwrap() = odd;
        let frame = json!({"type": "req", "id": "1", "method": "connect", "params": params});
        if let Ok(Err((id, error))) = connect_request(Incoming::Text(frame.to_string())) {
            prop_assert_eq!(id, "1");
            prop_assert!(error.message.starts_with("invalid connect params: "), "{}", error.message);
        }
        // Judging it must not fall over either, whatever was taken.
        proves(&frame["params"]);
    }

    #[test]
    fn a_proof_holds_for_what_was_signed_and_nothing_else(
        seed in any::<[u8; 32]>(),
        platform in "[a-z|]{1,10}",
        place in prop::sample::select(vec![
            "/client/platform", "/scopes/0", "/auth/token", "/device/nonce", "/device/id",
            "/device/signature", "/device/publicKey",
        ]),
        other in "[a-zA-Z0-9_|-]{1,90}",
    ) {
        let mut value = connect(seed, &platform, "nonce");
        prop_assert!(proves(&value));
        let spot = value.pointer_mut(place).unwrap();
        prop_assume!(!spot.as_str().unwrap().eq_ignore_ascii_case(&other));
        *spot = json!(other);
        prop_assert!(!proves(&value), "{place} can be changed");
    }

    #[test]
    fn only_private_or_configured_origins_come_in(
        scheme in prop::sample::select(vec!["http", "https", "ws", "file", ""]),
        host in prop_oneof![
            "[a-z0-9.-]{1,20}",
            Just("127.0.0.1.evil.test".to_owned()),
            Just("localhost.evil.test".to_owned()),
            Just("[::ffff:8.8.8.8]".to_owned()),
        ],
        rest in prop_oneof![Just(String::new()), ":[0-9]{1,6}", "/[a-z]{0,5}", "@127.0.0.1"],
        asked in "[a-z0-9.-]{1,20}(:[0-9]{1,5})?",
    ) {
        let origins = Origins { allowed: vec!["https://ok.example".into()], hosts: Vec::new() };
        let origin = format!("{scheme}://{host}{rest}");
        let peer = Peer { origin: Some(origin.clone()), host: Some(asked), ..Peer::local() };
        let own = |name: &str| {
            let ip = name.trim_matches(['[', ']']).parse::<IpAddr>().map(|ip| ip.to_canonical());
            let private = |ip: IpAddr| match ip {
                IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
                IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
            };
            let local = ["localhost", "local", "ts.net", "internal", "home.arpa", "lan"];
            ip.is_ok_and(private) || local.iter().any(|end| name == *end || name.ends_with(&format!(".{end}")))
                || !name.contains('.')
        };
        if origins.check(&peer) == OriginVerdict::Allowed {
            let url = url::Url::parse(&origin).unwrap();
            prop_assert!(own(url.host_str().unwrap()), "{origin} came in");
        }
    }

    #[test]
    fn behind_proxies_the_client_is_never_one_of_ours(
        hops in prop::collection::vec(prop_oneof![
            any::<[u8; 4]>().prop_map(|ip| IpAddr::from(ip).to_string()),
            any::<[u8; 16]>().prop_map(|ip| IpAddr::from(ip).to_string()),
            Just("127.0.0.1".to_owned()), Just("::1".to_owned()), Just("10.1.2.3".to_owned()),
            Just("::ffff:127.0.0.1".to_owned()), ".{0,12}",
        ], 0..6),
    ) {
        let proxies = TrustedProxies::parse(&["10.0.0.0/8".to_owned()]).unwrap();
        if let Some(client) = proxies.client(&hops.join(", ")) {
            prop_assert!(!client.is_loopback() && !proxies.contains(client), "{client}");
        }
    }
}
