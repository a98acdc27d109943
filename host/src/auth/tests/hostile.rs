//! Guesses, races and look-alikes: what a hostile caller tries at the door.

use super::*;
use crate::auth::throttle::Class;
use futures_util::future::join_all;

/// How one guess at the shared secret looks: from where it comes, and what else it carries.
type Way = fn(u32) -> (Peer, Value);

fn at(ip: &str) -> Peer {
    Peer { ip: ip.parse().unwrap(), direct_local: false, ..Peer::local() }
}

fn guess(n: u32) -> Value {
    json!({"token": format!("guess {n}")})
}

/// Ways that all count as one caller's.
const WAYS: [(&str, Way); 5] = [
    ("one address", |n| (at("192.0.2.7"), guess(n))),
    ("an address in two forms", |n| {
        (at(if n % 2 == 0 { "192.0.2.7" } else { "::ffff:192.0.2.7" }), guess(n))
    }),
    ("addresses of one network", |n| (at(&format!("2001:db8:1:2::{n:x}")), guess(n))),
    ("a password field", |n| (at("192.0.2.7"), json!({"password": format!("guess {n}")}))),
    ("a page on this machine", |n| {
        (Peer { origin: Some("http://localhost:1".into()), ..Peer::local() }, guess(n))
    }),
];

/// S08: of ten thousand guesses ten are looked at, one after the other and at once.
#[tokio::test]
async fn s08_ten_guesses_a_minute_are_looked_at_whatever_the_way() {
    for (what, way) in WAYS {
        let house = house().await;
        let (house, mut looked_at) = (&house, 0);
        let try_it = async |n: u32| {
            let (peer, auth) = way(n);
            let mut body = cli("cli", "");
            body["auth"] = auth;
            match house.bare(&peer, body).await.unwrap_err() {
                Refusal::Credential { reason: BadCredential::TokenMismatch { .. }, .. } => 1,
                Refusal::Credential { reason: BadCredential::RateLimited { .. }, .. } => 0,
                other => panic!("{what}: {other:?}"),
            }
        };
        looked_at += join_all((0..200).map(&try_it)).await.into_iter().sum::<u32>();
        for n in 200..10_000 {
            looked_at += try_it(n).await;
        }
        assert_eq!(looked_at, 10, "{what}");
        let mut right = cli("cli", TOKEN);
        right["auth"] = json!({"token": TOKEN});
        assert!(house.bare(&way(1).0, right.clone()).await.is_err(), "{what}: even the right one");
        assert!(house.bare(&at("198.51.100.1"), right).await.is_ok(), "{what}: nobody else");
    }
}

/// S08: a second wrong credential beside the guess does not make it free.
#[tokio::test]
async fn s08_a_guess_beside_a_bogus_token_counts() {
    for other in ["deviceToken", "bootstrapToken"] {
        let house = house().await;
        let node = if other == "bootstrapToken" { "node" } else { "operator" };
        let with = |token: &str| {
            let mut auth = json!({ other: "bogus" });
            auth["token"] = json!(token);
            json!({"auth": auth, "role": node, "scopes": []})
        };
        for n in 0..10 {
            assert!(house.try_in(&remote(), 4, with(&format!("guess {n}"))).await.is_err());
        }
        let right = house.try_in(&remote(), 4, with(TOKEN)).await.unwrap_err();
        let limited = BadCredential::RateLimited { retry_after_ms: 300_000 };
        assert!(
            matches!(&right, Refusal::Credential { reason, .. }
                if std::mem::discriminant(reason) == std::mem::discriminant(&limited)),
            "{other}: {right:?}"
        );
        assert!(house.auth.throttle.locked(&remote(), Class::SharedSecret).is_some(), "{other}");
    }
}

/// S10: a secret is compared as a keyed digest of one length, so neither how much of a guess is
/// right nor how long it is can show; the comparison itself takes the same time (`subtle`).
#[test]
fn s10_no_guess_is_nearly_right() {
    let secret = SharedSecret::new(&Secret::new(TOKEN));
    assert!(secret.matches(TOKEN));
    let long = format!("{TOKEN}{}", "x".repeat(1 << 16));
    for guess in
        ["", "t", &TOKEN[..TOKEN.len() - 1], &TOKEN.to_uppercase(), &long, " the-shared-token"]
    {
        assert!(!secret.matches(guess), "{:?}", &guess[..guess.len().min(20)]);
    }
    let shown = format!("{secret:?}{:?}", Secret::new(TOKEN));
    assert!(!shown.contains(TOKEN), "{shown}");
}

/// S14: what a device says of its platform is pinned; a look-alike is another platform.
#[tokio::test]
async fn s14_a_changed_or_look_alike_platform_must_be_approved_again() {
    let house = house().await;
    let auth = json!({"token": TOKEN});
    house.try_in(&Peer::local(), 3, json!({"auth": auth})).await.unwrap();
    for platform in ["darwin", "ｌｉｎｕｘ", "lınux", "linux\u{200b}"] {
        let client =
            json!({"id": "openclaw-tui", "mode": "ui", "version": "1", "platform": platform});
        let refused =
            house.try_in(&Peer::local(), 3, json!({"auth": auth, "client": client})).await;
        assert!(
            matches!(refused, Err(Refusal::Pairing { need: Need::Metadata, .. })),
            "{platform}"
        );
    }
}

fn node_with(code: &str) -> Value {
    json!({"auth": {"bootstrapToken": code}, "role": "node", "scopes": []})
}

/// S15: of many that come with one code at once, one gets in, and the others are not even known.
#[tokio::test]
async fn s15_one_code_is_one_device() {
    let house = house().await;
    let code = house.auth.devices().open_setup(Access::Full).token;
    let peers: Vec<Peer> = (1..=20).map(|n| at(&format!("192.0.2.{n}"))).collect();
    let tries =
        peers.iter().zip(1..).map(|(peer, seed)| house.try_in(peer, seed, node_with(&code)));
    let came = join_all(tries).await;
    assert_eq!(came.iter().filter(|one| one.is_ok()).count(), 1);
    assert_eq!(house.auth.devices().paired().len(), 1, "who lost the race is not paired");
    let late = house.auth.devices().open_setup(Access::Full).token;
    house.clock.advance(10 * 60 * 1000 + 1);
    let refused = house.try_in(&at("198.51.100.1"), 30, node_with(&late)).await.unwrap_err();
    assert!(matches!(refused, Refusal::Credential { reason: BadCredential::BootstrapInvalid, .. }));
}

/// S15: an approval is of exactly what was asked; who asks for more asks anew.
#[tokio::test]
async fn s15_a_request_that_grew_is_another_request() {
    let house = house().await;
    let ask = async |scopes: Value| {
        let change = json!({"auth": {"token": TOKEN}, "scopes": scopes});
        match house.try_in(&remote(), 7, change).await.unwrap_err() {
            Refusal::Pairing { request, superseded, .. } => (request.request_id, superseded),
            other => panic!("{other:?}"),
        }
    };
    let (first, _) = ask(json!(["operator.read"])).await;
    let (again, _) = ask(json!(["operator.read"])).await;
    assert_eq!(first, again, "the same is asked");
    let (wider, superseded) = ask(json!(["operator.admin"])).await;
    assert_ne!(first, wider);
    assert_eq!(superseded.map(|old| old.request_id), Some(first.clone()));
    assert!(house.auth.devices().pending().iter().all(|open| open.request_id != first));
}

/// S13: a page is no node.
#[tokio::test]
async fn s13_a_page_cannot_be_a_node() {
    let house = house().await;
    let page = Peer { origin: Some("http://localhost:1".into()), ..Peer::local() };
    for id in ["openclaw-control-ui", "openclaw-browser-copilot"] {
        let client = json!({"id": id, "mode": "ui", "version": "1", "platform": "linux"});
        let change =
            json!({"auth": {"token": TOKEN}, "role": "node", "scopes": [], "client": client});
        assert!(matches!(house.try_in(&page, 8, change).await, Err(Refusal::Role)), "{id}");
    }
}
