//! The gate: may this sender reach the agent from there?
//!
//! Every kind of event passes here and nowhere else: [`Authorized`] has no other maker. Decided by
//! stable ids alone; names are never looked at. The step before: [`super::inbound`] found the event to
//! be new. The step after: it gets its conversation. Must not know: what happens to an event.

use super::policy::{ChannelPolicy, DmPolicy, GroupPolicy};
use jackfield_plugin_api::{
    event::{ConversationKind, Event, Place, Sender},
    id::{ConversationId, SenderId},
};

/// An event whose sender may reach the agent, with the facts the gate looked at.
pub(super) struct Authorized {
    event: Event,
    place: Place,
    sender: Sender,
    addressed: bool,
}

impl Authorized {
    pub(super) fn event(&self) -> &Event {
        &self.event
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn sender(&self) -> &Sender {
        &self.sender
    }

    /// False for a part of an album that nobody is addressed by: it counts only with one that is.
    pub(super) fn addressed(&self) -> bool {
        self.addressed
    }

    pub(super) fn into_event(self) -> Event {
        self.event
    }
}

/// Why an event goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Our own message came back.
    Own,
    /// An id is empty.
    NoId,
    /// A kind of event this version does not know.
    UnknownKind,
    /// The operator closed this kind of chat.
    Disabled,
    /// The sender or the group is not on the list.
    NotAllowed,
    /// Unknown, but may ask to be paired.
    Stranger,
    /// A bot that nobody listed: two assistants would talk for ever.
    Bot,
    /// Said in a group, but not to us.
    NotMentioned,
    /// A listed bot that asked too often in a row.
    Loop,
}

impl Refusal {
    /// The word that the tombstone keeps.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own message",
            Self::NoId => "empty id",
            Self::UnknownKind => "unknown kind",
            Self::Disabled => "disabled",
            Self::NotAllowed => "not allowed",
            Self::Stranger => "not paired",
            Self::Bot => "bot",
            Self::NotMentioned => "not mentioned",
            Self::Loop => "bots in a loop",
        }
    }
}

/// Decides. `approved` tells whether the operator approved this sender's pairing. An album counts as
/// addressed if any of its parts is, so a `part` alone is not refused for that.
pub(super) fn gate(
    policy: &ChannelPolicy,
    approved: impl FnOnce(&SenderId) -> rusqlite::Result<bool>,
    event: Event,
    part: bool,
) -> rusqlite::Result<Result<Authorized, Refusal>> {
    let (Some(place), Some(sender)) = (event.place().cloned(), event.sender().cloned()) else {
        return Ok(Err(Refusal::UnknownKind));
    };
    let addressed = place.kind == ConversationKind::Direct
        || match &event {
            Event::Message(message) | Event::Edited(message) => message.mentioned,
            _ => true,
        }
        || !mention_required(policy, &place.conversation);
    let may_wait = part && matches!(event, Event::Message(_));
    let refusal = refuses(policy, approved, &place, &sender)?
        .or_else(|| (!addressed && !may_wait).then_some(Refusal::NotMentioned));
    Ok(match refusal {
        Some(refusal) => Err(refusal),
        None => Ok(Authorized { event, place, sender, addressed }),
    })
}

/// Why nothing that this sender does there counts; addressed or not.
pub(super) fn refuses(
    policy: &ChannelPolicy,
    approved: impl FnOnce(&SenderId) -> rusqlite::Result<bool>,
    place: &Place,
    sender: &Sender,
) -> rusqlite::Result<Option<Refusal>> {
    if sender.own {
        return Ok(Some(Refusal::Own));
    }
    if sender.id.as_str().is_empty() || place.conversation.as_str().is_empty() {
        return Ok(Some(Refusal::NoId));
    }
    match place.kind {
        ConversationKind::Direct => direct(policy, approved, sender),
        _ => Ok(group(policy, place, sender)),
    }
}

fn direct(
    policy: &ChannelPolicy,
    approved: impl FnOnce(&SenderId) -> rusqlite::Result<bool>,
    sender: &Sender,
) -> rusqlite::Result<Option<Refusal>> {
    if policy.dm_policy == DmPolicy::Disabled {
        return Ok(Some(Refusal::Disabled));
    }
    if listed(&policy.allow_from, &sender.id) {
        return Ok(None);
    }
    if sender.bot {
        return Ok(Some(Refusal::Bot));
    }
    Ok(match policy.dm_policy {
        DmPolicy::Open => None,
        DmPolicy::Pairing if approved(&sender.id)? => None,
        DmPolicy::Pairing => Some(Refusal::Stranger),
        DmPolicy::Allowlist => Some(Refusal::NotAllowed),
        DmPolicy::Disabled => Some(Refusal::Disabled),
    })
}

/// Listed groups narrow the choice under every policy; listed senders too. Under `allowlist` a group
/// with nobody listed must at least be listed itself: two empty lists admit nobody.
fn group(policy: &ChannelPolicy, place: &Place, sender: &Sender) -> Option<Refusal> {
    let rule = policy.groups.get(place.conversation.as_str());
    if rule.is_some_and(|rule| !rule.allow) {
        return Some(Refusal::NotAllowed);
    }
    let sender_listed = listed(&policy.group_allow_from, &sender.id);
    if sender.bot && !sender_listed {
        return Some(Refusal::Bot);
    }
    let sender_fits = sender_listed || policy.group_allow_from.is_empty();
    let admitted = match policy.group_policy {
        GroupPolicy::Disabled => return Some(Refusal::Disabled),
        GroupPolicy::Open => sender_fits,
        GroupPolicy::Allowlist if rule.is_some() => sender_fits,
        GroupPolicy::Allowlist => policy.groups.is_empty() && sender_listed,
    };
    (!admitted).then_some(Refusal::NotAllowed)
}

fn mention_required(policy: &ChannelPolicy, group: &ConversationId) -> bool {
    policy
        .groups
        .get(group.as_str())
        .and_then(|rule| rule.require_mention)
        .unwrap_or(policy.require_mention)
}

fn listed(list: &[String], sender: &SenderId) -> bool {
    list.iter().any(|id| id == sender.as_str())
}

#[cfg(test)]
mod tests;
