//! No grant beyond the caller and the approval, whatever is asked.

use super::*;
use crate::{
    devices::{ApprovedVia, Ask, TokenKey},
    protocol::scope::Scope,
};
use proptest::prelude::*;

fn device(id: &str, roles: &[Role], scopes: Scopes) -> Device {
    let ask = Ask {
        device_id: id.to_owned(),
        public_key: "k".to_owned(),
        display_name: None,
        platform: "linux".to_owned(),
        device_family: None,
        client_id: "cli".to_owned(),
        client_mode: "cli".to_owned(),
        role: roles[0],
        roles: roles.to_vec(),
        scopes,
        remote_ip: None,
        browser_origin: None,
    };
    Device::new(&ask, ApprovedVia::Owner, 1)
}

fn rights(scopes: Scopes, own_device: Option<&str>) -> Rights {
    Rights { admin: scopes.allows(Scope::Admin), scopes, own_device: own_device.map(str::to_owned) }
}

fn scopes() -> impl Strategy<Value = Scopes> {
    proptest::collection::vec(0..Scope::ALL.len(), 0..5)
        .prop_map(|picked| picked.into_iter().map(|n| Scope::ALL[n]).collect())
}

fn words(scopes: Scopes) -> Vec<String> {
    scopes.words().into_iter().map(str::to_owned).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn what_is_minted_is_within_the_caller_and_the_approval(
        caller in scopes(),
        approved in scopes(),
        token in proptest::option::of(scopes()),
        asked in proptest::option::of(scopes()),
        own in proptest::option::of(prop_oneof![Just("d"), Just("other")]),
        role in prop_oneof![Just(Role::Operator), Just(Role::Node)],
    ) {
        let mut device = device("d", &[Role::Operator], approved);
        if let Some(token) = token {
            let record = TokenKey::from_bytes([1; 32]).mint("d", Role::Operator, token, 1, None);
            device.tokens.insert(Role::Operator, record);
        }
        let rights = rights(caller, own);
        let asked = asked.map(words);
        if let Ok(minted) = rights.mint(&device, role, asked.as_deref()) {
            prop_assert!(role == Role::Operator, "the device has no other role");
            prop_assert!(caller.covers(minted), "{caller:?} {minted:?}");
            prop_assert!(device.granted(role).covers(minted), "{approved:?} {minted:?}");
            prop_assert!(rights.admin || own != Some("other"));
        }
    }
}

#[test]
fn a_caller_with_its_own_token_decides_about_its_own_device_only() {
    let pairing = Scopes::from_words(&["operator.pairing", "operator.read"]);
    let other = device("other", &[Role::Operator], Scopes::from_words(&["operator.read"]));
    assert_eq!(
        rights(pairing, Some("d")).mint(&other, Role::Operator, None),
        Err("another device")
    );
    assert!(rights(pairing, None).mint(&other, Role::Operator, None).is_ok());
    let admin = Scopes::from_words(&["operator.admin"]);
    assert!(rights(admin, Some("d")).mint(&other, Role::Operator, None).is_ok());
}

#[test]
fn an_admin_device_is_out_of_reach_for_pairing_alone() {
    let target = device("d", &[Role::Operator], Scopes::from_words(&["operator.admin"]));
    let pairing = rights(Scopes::from_words(&["operator.pairing"]), None);
    assert_eq!(pairing.mint(&target, Role::Operator, None), Err("more than the caller holds"));
    assert_eq!(pairing.revoke(&target, Role::Operator), Err("no such token"));
    assert_eq!(pairing.mint(&target, Role::Node, None), Err("roles are an admin's business"));
    let made_up = [String::from("operator.everything")];
    let admin = rights(Scopes::from_words(&["operator.admin"]), None);
    assert_eq!(admin.mint(&target, Role::Operator, Some(&made_up)), Err("unknown scope"));
    assert_eq!(admin.mint(&target, Role::Node, None), Err("the device has no such role"));
}
