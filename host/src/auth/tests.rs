//! Who comes in, with what, and what a device must ask for first.

mod hostile;

use super::*;
use crate::{
    auth::refusal::{Advised, BadCredential},
    config::Secret,
    devices::{ApprovedVia, Need, TokenKey, setup::Access},
    protocol::connect::{ConnectParams, DeviceProof},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use sha2::Digest;
use std::net::IpAddr;

const TOKEN: &str = "the-shared-token";
const NONCE: &str = "nonce";

struct House {
    auth: Arc<Auth>,
    clock: Clock,
    dir: tempfile::TempDir,
}

async fn house() -> House {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let clock = Clock::system();
    let devices =
        Devices::load(store.clone(), clock.clone(), TokenKey::from_bytes([1; 32])).await.unwrap();
    let settings = Settings {
        mode: AuthMode::Token,
        secret: Some(SharedSecret::new(&Secret::new(TOKEN))),
        auto_approve_local: true,
        origins: origin::Origins::default(),
    };
    let auth = Auth::load(settings, devices, store, clock.clone()).await.unwrap();
    House { auth, clock, dir }
}

fn remote() -> Peer {
    Peer { ip: IpAddr::from([192, 0, 2, 7]), direct_local: false, ..Peer::local() }
}

/// A connect signed by the device with this seed.
fn signed(seed: u8, change: Value, now_ms: u64) -> ConnectParams {
    let mut body = json!({
        "minProtocol": 4, "maxProtocol": 4, "scopes": ["operator.read"],
        "client": {"id": "openclaw-tui", "mode": "ui", "version": "1", "platform": "linux"},
    });
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    let mut params: ConnectParams = serde_json::from_value(body).unwrap();
    let key = SigningKey::from_bytes(&[seed; 32]);
    let raw = key.verifying_key().to_bytes();
    let role = Role::parse(params.role.as_deref().unwrap_or("operator")).unwrap();
    let mut proof = DeviceProof {
        id: crate::devices::token::hex(&sha2::Sha256::digest(raw)),
        public_key: URL_SAFE_NO_PAD.encode(raw),
        signature: String::new(),
        signed_at: now_ms,
        nonce: NONCE.to_owned(),
    };
    let text = proof::payload_v3(&proof, &params, role);
    proof.signature = URL_SAFE_NO_PAD.encode(key.sign(text.as_bytes()).to_bytes());
    params.device = Some(proof);
    params
}

impl House {
    async fn try_in(&self, peer: &Peer, seed: u8, change: Value) -> Result<Admission, Refusal> {
        self.auth.admit(peer, NONCE, &signed(seed, change, self.clock.now_ms())).await
    }

    async fn bare(&self, peer: &Peer, body: Value) -> Result<Admission, Refusal> {
        let params: ConnectParams = serde_json::from_value(body).unwrap();
        self.auth.admit(peer, NONCE, &params).await
    }
}

fn cli(mode: &str, token: &str) -> Value {
    json!({"minProtocol": 4, "maxProtocol": 4, "scopes": ["operator.admin"], "auth": {"token": token},
           "client": {"id": "cli", "mode": mode, "version": "1", "platform": "linux"}})
}

#[tokio::test]
async fn a_local_command_line_keeps_its_scopes_and_others_lose_them() {
    let house = house().await;
    let scopes = |a: Admission| a.principal.scope_words;
    assert_eq!(
        scopes(house.bare(&Peer::local(), cli("cli", TOKEN)).await.unwrap()),
        ["operator.admin"]
    );
    assert!(scopes(house.bare(&Peer::local(), cli("probe", TOKEN)).await.unwrap()).is_empty());
    assert!(scopes(house.bare(&remote(), cli("cli", TOKEN)).await.unwrap()).is_empty());
    let page = Peer { origin: Some("http://localhost:1".into()), ..Peer::local() };
    assert!(scopes(house.bare(&page, cli("cli", TOKEN)).await.unwrap()).is_empty());
}

#[tokio::test]
async fn without_a_device_nothing_else_comes_in() {
    let house = house().await;
    let mut node = cli("cli", TOKEN);
    node["role"] = json!("node");
    assert!(matches!(house.bare(&Peer::local(), node).await, Err(Refusal::DeviceRequired)));
    let mut none = cli("cli", "");
    none["auth"] = json!({});
    assert!(matches!(house.bare(&Peer::local(), none).await, Err(Refusal::DeviceRequired)));
    let mut tui = cli("cli", TOKEN);
    tui["client"]["id"] = json!("openclaw-tui");
    assert!(matches!(house.bare(&Peer::local(), tui).await, Err(Refusal::UiWithoutDevice)));
}

#[tokio::test]
async fn a_local_device_is_approved_on_the_spot_and_comes_back_by_its_own_token() {
    let house = house().await;
    let first = house.try_in(&Peer::local(), 1, json!({"auth": {"token": TOKEN}})).await.unwrap();
    let token = first.hand_over.token.unwrap().token;
    let again = house.try_in(&remote(), 1, json!({"auth": {"deviceToken": token}})).await.unwrap();
    assert_eq!(again.principal.method, Method::DeviceToken);
    assert_eq!(again.hand_over.token.unwrap().token, token, "the living token is handed out again");
    let in_token = house.try_in(&remote(), 1, json!({"auth": {"token": token}})).await.unwrap();
    assert_eq!(in_token.principal.method, Method::DeviceToken);
    let wide = json!({"auth": {"deviceToken": token}, "scopes": ["operator.admin"]});
    let refused = house.try_in(&remote(), 1, wide).await.unwrap_err();
    assert!(matches!(refused, Refusal::Credential { reason: BadCredential::ScopeMismatch, .. }));
}

#[tokio::test]
async fn a_remote_device_waits_for_a_person_and_never_gets_more_than_approved() {
    let house = house().await;
    let ask = json!({"auth": {"token": TOKEN}});
    let Err(Refusal::Pairing { need: Need::Pairing, request, is_new: true, .. }) =
        house.try_in(&remote(), 2, ask.clone()).await
    else {
        panic!("a stranger must wait");
    };
    house.auth.devices().approve(&request.request_id).await.unwrap();
    let admitted = house.try_in(&remote(), 2, ask).await.unwrap();
    assert_eq!(admitted.principal.scope_words, ["operator.read"]);
    let wide = json!({"auth": {"token": TOKEN}, "scopes": ["operator.admin"]});
    assert!(matches!(
        house.try_in(&remote(), 2, wide).await,
        Err(Refusal::Pairing { need: Need::Scopes, .. })
    ));
}

#[tokio::test]
async fn a_known_device_in_another_role_or_shape_must_ask_even_locally() {
    let house = house().await;
    house.try_in(&Peer::local(), 3, json!({"auth": {"token": TOKEN}})).await.unwrap();
    let node = json!({"auth": {"token": TOKEN}, "role": "node", "scopes": []});
    assert!(matches!(
        house.try_in(&Peer::local(), 3, node).await,
        Err(Refusal::Pairing { need: Need::Role, .. })
    ));
    let other = json!({"auth": {"token": TOKEN},
        "client": {"id": "openclaw-tui", "mode": "ui", "version": "1", "platform": "darwin"}});
    assert!(matches!(
        house.try_in(&Peer::local(), 3, other).await,
        Err(Refusal::Pairing { need: Need::Metadata, .. })
    ));
}

#[tokio::test]
async fn a_wrong_token_tells_a_device_to_try_its_own() {
    let house = house().await;
    let refused =
        house.try_in(&remote(), 4, json!({"auth": {"token": "wrong"}})).await.unwrap_err();
    let Refusal::Credential { reason, .. } = refused else { panic!("not a credential refusal") };
    assert_eq!(
        reason,
        BadCredential::TokenMismatch { retry_with_device_token: true, advised: Advised::Interface }
    );
    let missing = house.try_in(&remote(), 4, json!({})).await.unwrap_err();
    assert!(matches!(missing, Refusal::Credential { reason: BadCredential::TokenMissing(_), .. }));
    let bad = house
        .try_in(&remote(), 4, json!({"auth": {"deviceToken": "x", "token": "y"}}))
        .await
        .unwrap_err();
    assert!(matches!(bad, Refusal::Credential { reason: BadCredential::DeviceTokenMismatch, .. }));
}

#[tokio::test]
async fn guessing_ends_in_a_lockout_that_even_the_right_token_does_not_open() {
    let house = house().await;
    for _ in 0..10 {
        assert!(house.bare(&remote(), cli("cli", "wrong")).await.is_err());
    }
    let refused = house.bare(&remote(), cli("cli", TOKEN)).await.unwrap_err();
    assert!(matches!(
        refused,
        Refusal::Credential { reason: BadCredential::RateLimited { .. }, .. }
    ));
    let again = Auth::load(
        house.auth.settings.clone(),
        house.auth.devices.clone(),
        house.auth.store.clone(),
        house.clock.clone(),
    );
    let restarted =
        House { auth: again.await.unwrap(), clock: house.clock.clone(), dir: house.dir };
    let refused = restarted.bare(&remote(), cli("cli", TOKEN)).await.unwrap_err();
    assert!(
        matches!(refused, Refusal::Credential { reason: BadCredential::RateLimited { .. }, .. }),
        "a restart does not end it"
    );
    assert!(
        restarted.bare(&Peer::local(), cli("cli", TOKEN)).await.is_ok(),
        "others are not affected"
    );
}

#[tokio::test]
async fn a_setup_code_opens_once_for_a_node() {
    let house = house().await;
    let code = house.auth.devices().open_setup(Access::Full);
    let ask = json!({"auth": {"bootstrapToken": code.token}, "role": "node", "scopes": []});
    let operator = json!({"auth": {"bootstrapToken": code.token}});
    assert!(house.try_in(&remote(), 5, operator).await.is_err(), "not for operators");
    let admitted = house.try_in(&remote(), 5, ask.clone()).await.unwrap();
    assert_eq!(admitted.principal.role, Role::Node);
    assert_eq!(admitted.hand_over.further.len(), 1);
    assert_eq!(house.auth.devices().paired()[0].approved_via, ApprovedVia::Bootstrap);
    let second = house.try_in(&remote(), 6, ask).await.unwrap_err();
    assert!(matches!(second, Refusal::Credential { reason: BadCredential::BootstrapInvalid, .. }));
}

#[tokio::test]
async fn versions_roles_and_workers() {
    let house = house().await;
    let with = |change: Value| {
        let mut body = cli("cli", TOKEN);
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    for (change, admitted) in [
        (json!({"minProtocol": 3, "maxProtocol": 9}), true),
        (json!({"minProtocol": 3, "maxProtocol": 3}), false),
        (json!({"minProtocol": 5, "maxProtocol": 6}), false),
    ] {
        assert_eq!(house.bare(&Peer::local(), with(change)).await.is_ok(), admitted);
    }
    assert!(matches!(
        house.bare(&Peer::local(), with(json!({"role": "king"}))).await,
        Err(Refusal::Role)
    ));
    assert!(matches!(
        house.bare(&Peer::local(), with(json!({"role": "worker"}))).await,
        Err(Refusal::Worker)
    ));
    let mut probe = cli("probe", TOKEN);
    probe["minProtocol"] = json!(3);
    probe["maxProtocol"] = json!(3);
    assert!(house.bare(&Peer::local(), probe).await.is_ok());
}
