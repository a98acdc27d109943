//! Payloads made from Discord's public documentation, and what the gateway is told of them.

use super::{
    Ack, Me, ack, action, edited, file, is_whole, message, question, reaction, sent_at_ms, wire,
};
use crate::{
    places::{Places, Spot},
    tests::fixture,
};
use jackfield_plugin_api::{
    event::{ConversationKind, Event, InboundMessage},
    serde_json::{Value, json},
};

const OWN: &str = "80351110224678912";

fn places() -> Places {
    let mut places = Places::default();
    places.note_guild(&fixture("guild_create"), OWN);
    places
}

fn seen(payload: &wire::Message) -> Option<InboundMessage> {
    let places = places();
    let spot = places
        .spot(&payload.channel_id, payload.guild_id.as_deref())
        .unwrap_or_else(|| Places::direct_spot(&payload.channel_id));
    let names = |id: &str| places.name(id).map(str::to_owned);
    let guild = spot.guild.as_deref();
    let role = |id: &str| places.role_name(guild, id).map(str::to_owned);
    let roles = places.own_roles(guild);
    message(payload, &spot, Me { id: OWN, roles, channel_name: &names, role_name: &role })
}

#[test]
fn a_message_on_a_server_has_its_facts() {
    let payload: wire::Message = fixture("message_guild");
    let seen = seen(&payload).unwrap();
    assert_eq!(seen.text, "ask @Mason in #general about :party:\n[sticker: Wave]");
    assert!(seen.mentioned);
    assert_eq!(seen.sender.id.as_str(), "82198898841029460");
    assert_eq!(seen.sender.name.as_deref(), Some("NOT API SUPPORT"), "the name used there");
    assert_eq!(seen.sender.username.as_deref(), Some("nelly"));
    assert!(!seen.sender.own && !seen.sender.bot);
    assert_eq!(seen.place.kind, ConversationKind::Channel);
    assert_eq!(seen.place.conversation.as_str(), "41771983423143937");
    assert_eq!(seen.sent_at_ms, Some(1_499_794_044_250));
    let [cat] = &seen.attachments[..] else { panic!("one file") };
    assert_eq!((cat.name.as_deref(), cat.bytes), (Some("cat.png"), Some(12_345)));
    let handle = "41771983423143937/334385199974967042/334385199974967043";
    assert_eq!((cat.fetch.as_deref(), &cat.url), (Some(handle), &None), "a signed address expires");
    assert_eq!(file(&payload, "334385199974967043").unwrap().size, Some(12_345));
}

#[test]
fn a_reply_in_a_forum_post_quotes_and_addresses_us() {
    let seen = seen(&fixture("message_reply")).unwrap();
    assert!(seen.mentioned, "they answered us");
    let quote = seen.reply_to.unwrap();
    assert_eq!(quote.text.as_deref(), Some("Because."));
    assert_eq!(quote.sender.unwrap().as_str(), OWN);
    assert_eq!(seen.place.conversation.as_str(), "1045000000000000001", "the forum");
    assert_eq!(seen.place.thread.unwrap().as_str(), "1045000000000000010", "the post");
}

#[test]
fn everyone_is_not_us_and_our_role_is() {
    let mut payload: wire::Message = fixture("message_reply");
    payload.referenced_message = None;
    assert!(!seen(&payload).unwrap().mentioned, "@everyone alone");
    payload.mention_roles = vec!["41771983423143936".to_owned()];
    assert!(seen(&payload).unwrap().mentioned);
}

#[test]
fn a_post_begins_with_its_title() {
    let mut payload: wire::Message = fixture("message_reply");
    payload.id = payload.channel_id.clone();
    let first = seen(&payload).unwrap();
    assert!(first.text.starts_with("[post: My first post]\n"), "{}", first.text);
}

#[test]
fn a_message_without_a_word_for_us_is_none() {
    let mut payload: wire::Message = fixture("message_guild");
    payload.says = wire::Content::default();
    assert!(seen(&payload).is_some(), "we were mentioned");
    payload.mentions.clear();
    payload.mention_roles.clear();
    assert_eq!(seen(&payload), None, "without the intent the rest comes empty");
}

#[test]
fn discord_itself_is_no_person() {
    let mut payload: wire::Message = fixture("message_dm");
    payload.author.as_mut().unwrap().system = true;
    assert!(seen(&payload).unwrap().sender.bot);
}

#[test]
fn a_forward_says_what_was_forwarded_and_quotes_nothing() {
    let seen = seen(&fixture("message_dm")).unwrap();
    assert_eq!(seen.text, "[forwarded] the forwarded words");
    assert_eq!((seen.reply_to, seen.place.kind), (None, ConversationKind::Direct));
    assert_eq!(seen.attachments.len(), 1);
}

#[test]
fn notes_of_discords_own_are_no_messages_and_bots_are_marked() {
    let mut payload: wire::Message = fixture("message_guild");
    payload.kind = 7; // somebody joined
    assert_eq!(seen(&payload), None);
    payload.kind = 0;
    payload.webhook_id = Some("1".to_owned());
    assert!(seen(&payload).unwrap().sender.bot);
    payload.author.as_mut().unwrap().id = OWN.to_owned();
    assert!(seen(&payload).unwrap().sender.own);
}

#[test]
fn an_edit_is_one_only_when_somebody_edited() {
    let raw: Value = fixture("message_update");
    let mut payload: wire::Message = fixture("message_update");
    assert!(is_whole(&payload, &raw));
    assert!(!is_whole(&payload, &json!({"id": "1"})), "an update may hold no text");
    let spot = places().spot(&payload.channel_id, None).unwrap();
    let me = Me { id: OWN, roles: &[], channel_name: &|_| None, role_name: &|_| None };
    let Some(Event::Edited(now)) = edited(&payload, &spot, me) else { panic!("an edit") };
    assert_eq!(now.text, "corrected");
    payload.edited_timestamp = None;
    assert_eq!(edited(&payload, &spot, me), None, "a preview that was added");
}

#[test]
fn a_reaction_names_the_emoji_as_it_is_set() {
    let payload: wire::Reaction = fixture("reaction_add");
    let spot = places().spot(&payload.channel_id, None).unwrap();
    let Event::Reaction { sender, emoji, added, message, .. } =
        reaction(&payload, &spot, OWN, true)
    else {
        panic!("a reaction")
    };
    assert_eq!((emoji.as_str(), added), ("LUL:41771983429993937", true));
    assert_eq!((sender.name.as_deref(), sender.own), (Some("Nel"), false));
    assert_eq!(message.as_str(), "334385199974967042");
}

#[test]
fn commands_and_buttons_are_actions_with_an_answer_at_once() {
    let command: wire::Interaction = fixture("interaction_command");
    assert_eq!(ack(&command), Ack::Later(json!({"type": 5})));
    let spot = places().spot("41771983423143937", None).unwrap();
    let Some(Event::Action { name, value, sender, message, .. }) = action(&command, &spot, OWN)
    else {
        panic!("an action")
    };
    assert_eq!((name.as_str(), message), ("cardsearch", None));
    assert_eq!(value, json!({"cardname": "The Gitrog Monster", "deep": {"long": true}}));
    assert_eq!(sender.id.as_str(), "53908232506183680");

    let mut ours = command.clone();
    ours.data = json!({"name": "ask", "options": [{"name": "text", "type": 3, "value": "why"}]});
    let Some(Event::Message(asked)) = question(&ours, &spot, OWN, "ask") else {
        panic!("the command of the settings is a message")
    };
    assert_eq!((asked.text.as_str(), asked.mentioned), ("why", true));
    assert_eq!(asked.message.as_str(), ours.id);
    assert_eq!(question(&command, &spot, OWN, "ask"), None, "another command");

    let button: wire::Interaction = fixture("interaction_button");
    assert_eq!(ack(&button), Ack::Silent(json!({"type": 6})));
    let spot: Spot = Places::direct_spot("319674150115610528");
    let Some(Event::Action { name, value, message, .. }) = action(&button, &spot, OWN) else {
        panic!("an action")
    };
    assert_eq!((name.as_str(), value), ("colour", json!(["red", "blue"])));
    assert_eq!(message.unwrap().as_str(), "846539012393607178");

    let typing = wire::Interaction { kind: 4, ..command };
    assert_eq!(action(&typing, &spot, OWN), None);
    assert!(matches!(ack(&typing), Ack::Silent(_)));
}

#[test]
fn strange_payloads_cost_a_field_and_never_the_message() {
    let payload = json!({
        "id": "1", "channel_id": "2", "content": null, "type": 0, "attachments": null,
        "author": {"id": "3", "new_field": {}}, "mentions": [{"odd": true}, {"id": "4"}],
        "sticker_items": [{}],
    });
    let payload: wire::Message = jackfield_plugin_api::serde_json::from_value(payload).unwrap();
    assert_eq!(payload.mentions.len(), 1);
    assert_eq!(seen(&payload).unwrap().text, "", "in a direct chat even nothing is said to us");
    assert_eq!(sent_at_ms("not a number"), None);
}
