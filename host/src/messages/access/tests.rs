//! The access matrix.

use super::{Refusal, gate};
use crate::messages::{
    policy::{ChannelPolicy, DmPolicy, GroupPolicy, GroupRule},
    tests::FORMS,
};
use jackfield_plugin_api::event::{ConversationKind, Event, InboundMessage, Place, Sender};

fn place(kind: ConversationKind, id: &str) -> Place {
    Place { conversation: id.into(), kind, title: Some("42".into()), thread: None }
}

fn sender(id: &str) -> Sender {
    Sender {
        id: id.into(),
        name: Some("42".into()),
        username: Some("42".into()),
        bot: false,
        own: false,
    }
}

fn message(place: Place, sender: Sender, mentioned: bool) -> Event {
    Event::Message(InboundMessage {
        place,
        sender,
        message: "m".into(),
        text: "hi".into(),
        attachments: vec![],
        reply_to: None,
        mentioned,
        sent_at_ms: None,
    })
}

/// Decides with sender `approved` as the only one whose pairing was approved.
fn decide(policy: &ChannelPolicy, event: Event) -> Option<Refusal> {
    gate(policy, |id| Ok(id.as_str() == "approved"), event, false).unwrap().err()
}

fn dm(policy: &ChannelPolicy, from: &str) -> Option<Refusal> {
    decide(policy, message(place(ConversationKind::Direct, "chat"), sender(from), false))
}

fn said(policy: &ChannelPolicy, group: &str, from: &str, mentioned: bool) -> Option<Refusal> {
    decide(policy, message(place(ConversationKind::Group, group), sender(from), mentioned))
}

#[test]
fn direct_policies() {
    let allow_from = vec!["42".to_owned(), "*".to_owned()];
    let with = |dm_policy| ChannelPolicy {
        dm_policy,
        allow_from: allow_from.clone(),
        ..ChannelPolicy::default()
    };
    for (policy, listed, approved, stranger) in [
        (DmPolicy::Pairing, None, None, Some(Refusal::Stranger)),
        (DmPolicy::Allowlist, None, Some(Refusal::NotAllowed), Some(Refusal::NotAllowed)),
        (DmPolicy::Open, None, None, None),
        (
            DmPolicy::Disabled,
            Some(Refusal::Disabled),
            Some(Refusal::Disabled),
            Some(Refusal::Disabled),
        ),
    ] {
        let rules = with(policy);
        assert_eq!(dm(&rules, "42"), listed, "{policy:?}");
        assert_eq!(dm(&rules, "approved"), approved, "{policy:?}");
        assert_eq!(dm(&rules, "7"), stranger, "{policy:?}");
    }
}

#[test]
fn only_the_exact_id_counts() {
    let rules = ChannelPolicy {
        dm_policy: DmPolicy::Allowlist,
        allow_from: vec!["Ab42".into()],
        ..ChannelPolicy::default()
    };
    assert_eq!(dm(&rules, "Ab42"), None);
    // Names of the test sender are "42" throughout; none of them may open the gate.
    for near in ["ab42", "Ab4", "Ab421", "user:Ab42", "Ａb42", " Ab42", "Ab42\u{200b}", "chat"] {
        assert_eq!(dm(&rules, near), Some(Refusal::NotAllowed), "{near:?}");
    }
    assert_eq!(dm(&rules, ""), Some(Refusal::NoId));
}

#[test]
fn group_policies() {
    let rule = |allow| GroupRule { allow, require_mention: None };
    let mut rules = ChannelPolicy::default();
    assert_eq!(
        said(&rules, "g", "42", true),
        Some(Refusal::NotAllowed),
        "empty lists admit nobody"
    );
    rules.group_allow_from = vec!["42".into()];
    assert_eq!(said(&rules, "g", "42", true), None);
    assert_eq!(said(&rules, "g", "approved", true), Some(Refusal::NotAllowed));
    rules.groups.insert("g".into(), rule(true));
    assert_eq!(said(&rules, "g", "42", true), None);
    assert_eq!(said(&rules, "other", "42", true), Some(Refusal::NotAllowed));
    rules.group_allow_from.clear();
    assert_eq!(said(&rules, "g", "anybody", true), None);
    rules.group_policy = GroupPolicy::Open;
    assert_eq!(said(&rules, "other", "anybody", true), None);
    rules.groups.insert("g".into(), rule(false));
    assert_eq!(said(&rules, "g", "anybody", true), Some(Refusal::NotAllowed));
    rules.group_allow_from = vec!["42".into()];
    assert_eq!(said(&rules, "other", "anybody", true), Some(Refusal::NotAllowed));
    rules.group_policy = GroupPolicy::Disabled;
    assert_eq!(said(&rules, "other", "42", true), Some(Refusal::Disabled));
}

#[test]
fn groups_are_quiet_unless_addressed() {
    let mut rules = ChannelPolicy { group_policy: GroupPolicy::Open, ..ChannelPolicy::default() };
    assert_eq!(said(&rules, "g", "1", false), Some(Refusal::NotMentioned));
    rules.groups.insert("g".into(), GroupRule { allow: true, require_mention: Some(false) });
    assert_eq!(said(&rules, "g", "1", false), None);
    rules.require_mention = false;
    rules.groups.insert("g".into(), GroupRule { allow: true, require_mention: Some(true) });
    assert_eq!(said(&rules, "g", "1", false), Some(Refusal::NotMentioned));
    assert_eq!(said(&rules, "h", "1", false), None);
}

#[test]
fn every_kind_of_event_passes_the_same_gate() {
    let rules = ChannelPolicy::default();
    let (at, who) = (place(ConversationKind::Direct, "c"), sender("7"));
    let edited = match message(at.clone(), who.clone(), true) {
        Event::Message(message) => Event::Edited(message),
        other => other,
    };
    for event in [
        edited,
        Event::Deleted { place: at.clone(), sender: who.clone(), message: "m".into() },
        Event::Reaction {
            place: at.clone(),
            sender: who.clone(),
            message: "m".into(),
            emoji: "x".into(),
            added: true,
        },
        Event::Action {
            place: at,
            sender: who,
            name: "go".into(),
            value: serde_json::Value::Null,
            message: None,
        },
    ] {
        assert_eq!(decide(&rules, event), Some(Refusal::Stranger));
    }
    assert_eq!(decide(&rules, Event::Unknown), Some(Refusal::UnknownKind));
}

#[test]
fn bots_and_our_own_voice_are_not_answered() {
    let mut rules = ChannelPolicy {
        dm_policy: DmPolicy::Open,
        group_policy: GroupPolicy::Open,
        ..ChannelPolicy::default()
    };
    let from = |bot, own, kind| message(place(kind, "c"), Sender { bot, own, ..sender("b") }, true);
    for kind in [ConversationKind::Direct, ConversationKind::Group, ConversationKind::Channel] {
        assert_eq!(decide(&rules, from(true, false, kind)), Some(Refusal::Bot));
        assert_eq!(decide(&rules, from(false, true, kind)), Some(Refusal::Own));
    }
    rules.allow_from = vec!["b".into()];
    rules.group_allow_from = vec!["b".into()];
    assert_eq!(decide(&rules, from(true, false, ConversationKind::Direct)), None);
    assert_eq!(decide(&rules, from(true, false, ConversationKind::Group)), None);
    assert_eq!(decide(&rules, from(true, true, ConversationKind::Direct)), Some(Refusal::Own));
}

#[test]
fn the_operators_keys_are_read_beside_the_plugins() {
    let rules: ChannelPolicy = serde_json::from_value(serde_json::json!({
        "listen": "127.0.0.1:1", "dm_policy": "open", "groups": { "g": { "require_mention": false } }
    }))
    .unwrap();
    assert_eq!(rules.dm_policy, DmPolicy::Open);
    assert_eq!(rules.group_policy, GroupPolicy::Allowlist);
    assert!(rules.require_mention);
    assert_eq!(rules.groups["g"], GroupRule { allow: true, require_mention: Some(false) });
}

/// What looks like an id, or contains it, and is another one.
fn near(id: &str) -> Vec<String> {
    let wide: String = id
        .chars()
        .map(|c| match c.to_digit(10) {
            Some(digit) => char::from_u32(0xFF10 + digit).expect("a full-width digit"),
            None => c,
        })
        .collect();
    let mut near = vec![
        id.to_lowercase(),
        id.to_uppercase(),
        wide,
        format!("{id}0"),
        id[..id.len() - 1].to_owned(),
        id[1..].to_owned(),
        format!(" {id}"),
        format!("{id}\n"),
        format!("{id}\u{200b}"),
        format!("user:{id}"),
        format!("chat:{id}"),
        format!("@{id}"),
        "*".to_owned(),
        "chat".to_owned(),
    ];
    near.retain(|other| other != id);
    near
}

#[test]
fn only_the_exact_id_is_let_in_whatever_form_it_has() {
    for id in FORMS {
        let rules = ChannelPolicy {
            dm_policy: DmPolicy::Allowlist,
            allow_from: vec![id.to_owned()],
            group_allow_from: vec![id.to_owned()],
            ..ChannelPolicy::default()
        };
        assert_eq!(dm(&rules, id), None, "{id}");
        assert_eq!(said(&rules, "g", id, true), None, "{id}");
        for other in near(id) {
            assert_eq!(dm(&rules, &other), Some(Refusal::NotAllowed), "{other:?} is not {id}");
            assert_eq!(said(&rules, "g", &other, true), Some(Refusal::NotAllowed), "{other:?}");
        }
        // Neither a name, nor a title, nor the chat's own id speaks for a sender.
        let named = Sender { name: Some(id.into()), username: Some(id.into()), ..sender("other") };
        let place = place(ConversationKind::Direct, id);
        let refused = decide(&rules, message(place, named, true));
        assert_eq!(refused, Some(Refusal::NotAllowed), "{id}");
    }
}

#[test]
fn a_list_that_is_empty_or_missing_lets_nobody_in() {
    for id in FORMS {
        for dm_policy in [DmPolicy::Allowlist, DmPolicy::Disabled] {
            let rules = ChannelPolicy { dm_policy, ..ChannelPolicy::default() };
            assert!(dm(&rules, id).is_some(), "{id}");
        }
        let rules: ChannelPolicy = serde_json::from_value(serde_json::json!({})).unwrap();
        assert_eq!(dm(&rules, id), Some(Refusal::Stranger), "{id}");
        assert_eq!(said(&rules, "g", id, true), Some(Refusal::NotAllowed), "{id}");
    }
}

#[test]
fn being_paired_counts_in_direct_chats_alone() {
    let mut rules = ChannelPolicy::default();
    rules.groups.insert("g".into(), GroupRule { allow: true, require_mention: Some(false) });
    rules.group_allow_from = vec!["42".into()];
    assert_eq!(dm(&rules, "approved"), None);
    assert_eq!(said(&rules, "g", "approved", true), Some(Refusal::NotAllowed));
    rules.group_policy = GroupPolicy::Open;
    assert_eq!(said(&rules, "h", "approved", true), Some(Refusal::NotAllowed));
    // Buttons and commands of a group pass the same lists.
    let pressed = Event::Action {
        place: place(ConversationKind::Group, "g"),
        sender: sender("approved"),
        name: "config".into(),
        value: serde_json::Value::Null,
        message: None,
    };
    assert_eq!(decide(&rules, pressed), Some(Refusal::NotAllowed));
}

proptest::proptest! {
    #[test]
    fn one_id_never_passes_for_another(listed in ".{1,40}", from in ".{1,40}") {
        let rules = ChannelPolicy {
            dm_policy: DmPolicy::Allowlist,
            allow_from: vec![listed.clone()],
            ..ChannelPolicy::default()
        };
        proptest::prop_assert_eq!(dm(&rules, &from).is_none(), listed == from);
    }
}
