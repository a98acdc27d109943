//! Permissions: which of an agent's offers says what was decided. Pure.

use crate::{
    agent::{Decision, Question},
    config::agent::Permission,
};
use agent_client_protocol::v1::schema::{
    PermissionOption, PermissionOptionKind as Kind, RequestPermissionOutcome,
    RequestPermissionRequest, SelectedPermissionOutcome, ToolKind,
};

/// Who decides about a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decider {
    /// The configuration.
    Settled(Decision),
    /// A person.
    Person,
}

/// Who decides, by the policy.
pub(super) fn decider(policy: Permission, request: &RequestPermissionRequest) -> Decider {
    let reads = matches!(request.tool_call.fields.kind, Some(ToolKind::Read | ToolKind::Search));
    match policy {
        Permission::AllowAll => Decider::Settled(Decision::AllowOnce),
        Permission::Deny => Decider::Settled(Decision::Deny),
        Permission::AllowReads if reads => Decider::Settled(Decision::AllowOnce),
        Permission::AllowReads | Permission::Ask => Decider::Person,
    }
}

/// The offer that says what was decided. It is found by its kind: agents order and word theirs as they
/// like. A permission for good is never given when it was given once.
pub(super) fn outcome(offers: &[PermissionOption], decision: Decision) -> RequestPermissionOutcome {
    let kinds: &[Kind] = match decision {
        Decision::AllowOnce => &[Kind::AllowOnce],
        Decision::AllowAlways => &[Kind::AllowAlways, Kind::AllowOnce],
        Decision::Deny => &[Kind::RejectOnce, Kind::RejectAlways],
    };
    let found = kinds.iter().find_map(|kind| offers.iter().find(|offer| offer.kind == *kind));
    found.map_or(RequestPermissionOutcome::Cancelled, |offer| {
        let chosen = SelectedPermissionOutcome::new(offer.option_id.clone());
        RequestPermissionOutcome::Selected(chosen)
    })
}

/// The request as a question to a person.
pub(super) fn question(template: &Question, request: &RequestPermissionRequest) -> Question {
    let fields = &request.tool_call.fields;
    let input = fields.raw_input.as_ref();
    let command = input.and_then(|input| input.get("command")).and_then(|c| c.as_str());
    let title = fields.title.as_deref();
    let what = match (title, command) {
        (Some(title), Some(command)) if !title.contains(command) => format!("{title}: {command}"),
        (Some(title), _) => title.to_owned(),
        (None, Some(command)) => command.to_owned(),
        (None, None) => "use a tool".to_owned(),
    };
    Question {
        tool_call_id: request.tool_call.tool_call_id.to_string(),
        command: what,
        always: request.options.iter().any(|offer| offer.kind == Kind::AllowAlways),
        ..template.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_client_protocol::v1::schema::{ToolCallUpdate, ToolCallUpdateFields};

    fn offers(kinds: &[(&'static str, Kind)]) -> Vec<PermissionOption> {
        kinds.iter().map(|(id, kind)| PermissionOption::new(*id, *id, *kind)).collect()
    }

    fn chosen(offers: &[PermissionOption], decision: Decision) -> Option<String> {
        match outcome(offers, decision) {
            RequestPermissionOutcome::Selected(chosen) => Some(chosen.option_id.to_string()),
            _ => None,
        }
    }

    #[test]
    fn offers_are_found_by_what_they_mean() {
        let all = offers(&[
            ("never", Kind::RejectAlways),
            ("ever", Kind::AllowAlways),
            ("no", Kind::RejectOnce),
            ("yes", Kind::AllowOnce),
        ]);
        assert_eq!(chosen(&all, Decision::AllowOnce).as_deref(), Some("yes"));
        assert_eq!(chosen(&all, Decision::AllowAlways).as_deref(), Some("ever"));
        assert_eq!(chosen(&all, Decision::Deny).as_deref(), Some("no"));
        let only_ever = offers(&[("ever", Kind::AllowAlways)]);
        assert_eq!(chosen(&only_ever, Decision::AllowOnce), None, "once is not for good");
        assert_eq!(chosen(&only_ever, Decision::Deny), None);
    }

    #[test]
    fn the_policy_decides_or_a_person_does() {
        let request = |kind| {
            let fields = ToolCallUpdateFields::new().kind(kind);
            RequestPermissionRequest::new("s", ToolCallUpdate::new("c", fields), Vec::new())
        };
        let (read, run) = (request(ToolKind::Read), request(ToolKind::Execute));
        let settled = Decider::Settled;
        assert_eq!(decider(Permission::AllowReads, &read), settled(Decision::AllowOnce));
        assert_eq!(decider(Permission::AllowReads, &run), Decider::Person);
        assert_eq!(decider(Permission::Ask, &read), Decider::Person);
        assert_eq!(decider(Permission::Deny, &read), settled(Decision::Deny));
        assert_eq!(decider(Permission::AllowAll, &run), settled(Decision::AllowOnce));
    }
}
