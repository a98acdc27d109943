//! Which installation of a Slack app a delivery is for. Pure.
//!
//! One app may be installed in several workspaces, and Slack sends what happens in all of them on the
//! app's connections and to its one address, as it pleases.

use super::{Delivery, Me};
use jackfield_plugin_api::serde_json::Value;

/// Whether a delivery is for one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    Ours,
    Foreign,
    /// It does not say so clearly.
    Untold,
}

/// Compares what a delivery says of its installation with who the account is.
pub(crate) fn fit(delivery: &Delivery, me: &Me) -> Fit {
    if is_of_another_app(delivery, me) {
        return Fit::Foreign;
    }
    match delivery {
        Delivery::Event(outer) => event(outer, me),
        Delivery::Command(fields) => by_team(&fields["team_id"], &fields["enterprise_id"], me),
        Delivery::Interactive(payload) => interactive(payload, me),
    }
}

/// Whether a delivery names another app than the bot's, as far as both are known.
pub(crate) fn is_of_another_app(delivery: &Delivery, me: &Me) -> bool {
    let (Delivery::Event(said) | Delivery::Command(said) | Delivery::Interactive(said)) = delivery;
    let named = &said["api_app_id"];
    named.is_string() && me.app.is_some() && !is(named, me.app.as_deref())
}

fn is(value: &Value, own: Option<&str>) -> bool {
    value.as_str().is_some() && value.as_str() == own
}

/// Slack names one installation that may see the event; in a channel that organisations share the
/// team alone may be another's.
fn event(outer: &Value, me: &Me) -> Fit {
    let named = outer["authorizations"].as_array().map_or(&[][..], Vec::as_slice);
    if named.is_empty() || me.team_id.is_none() {
        return by_team(&outer["team_id"], &outer["enterprise_id"], me);
    }
    let ours = |one: &Value| by_team(&one["team_id"], &one["enterprise_id"], me) == Fit::Ours;
    if named.iter().any(ours) { Fit::Ours } else { Fit::Foreign }
}

/// What was pressed stands in a message of the app's, so its author tells; a person of another
/// organisation may have pressed it.
fn interactive(payload: &Value, me: &Me) -> Fit {
    let (message, view) = (&payload["message"], &payload["view"]);
    if is(&message["bot_id"], me.bot.as_deref())
        || is(&message["user"], Some(&me.user))
        || is(&view["app_installed_team_id"], me.team_id.as_deref())
    {
        return Fit::Ours;
    }
    by_team(&payload["team"]["id"], &payload["enterprise"]["id"], me)
}

fn by_team(team: &Value, enterprise: &Value, me: &Me) -> Fit {
    if is(team, me.team_id.as_deref()) || is(enterprise, me.organisation.as_deref()) {
        Fit::Ours
    } else {
        Fit::Untold
    }
}
