//! Which account a delivery is for, where several are installations of one app.
//!
//! Slack spreads an app's events over all its connections, whatever workspace they are of.

use crate::{
    account::Workspace,
    inbound::{Delivery, Fit, fit},
};
use jackfield_plugin_api::tracing;
use std::sync::Arc;

pub(super) enum Owner {
    One(Arc<Workspace>),
    /// An installation that no account is for.
    Nobody,
    /// An account that has not been introduced yet may be meant.
    Unsettled,
}

/// The account a delivery is for; `carrier` is the one whose connection or address it came on.
pub(super) fn owner(carrier: &Arc<Workspace>, delivery: &Delivery) -> Owner {
    let candidates = [Arc::clone(carrier)].into_iter().chain(carrier.siblings());
    let (mut untold, mut several, mut unsettled) = (None, false, false);
    for candidate in candidates {
        let Some(me) = candidate.me() else {
            unsettled = true;
            continue;
        };
        match fit(delivery, &me) {
            Fit::Ours => return Owner::One(candidate),
            Fit::Foreign => {}
            Fit::Untold => {
                several |= untold.is_some();
                untold.get_or_insert(candidate);
            }
        }
    }
    match untold {
        _ if unsettled => Owner::Unsettled,
        // The only account of its app; a guess between several would be somebody else's message.
        Some(candidate) if !several => Owner::One(candidate),
        _ => {
            let account = carrier.account.id().as_str();
            tracing::info!(
                account,
                "Slack sent something of an installation that no account is for"
            );
            Owner::Nobody
        }
    }
}
