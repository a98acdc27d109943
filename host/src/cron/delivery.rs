//! Where the answer of a job or a heartbeat goes, and sending it there.

use super::job::{Delivery, DeliveryMode, DeliveryStatus};
use crate::{
    messages::{DeliveryError, Messages, Route as KeptRoute, SendRequest},
    store::{Store, StoreError, transcripts},
};

/// What became of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) status: DeliveryStatus,
    pub(super) error: Option<String>,
}

/// Why an answer has no way out.
pub(super) const NO_ROUTE: &str =
    "no delivery route: name a channel and a recipient, or write to the agent on a channel once";

/// A place on a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) channel: String,
    pub(super) account: Option<String>,
    pub(super) to: String,
    pub(super) thread: Option<String>,
}

/// Sends an answer where the job says, once per run.
pub(super) async fn deliver(
    messages: &Messages,
    store: &Store,
    delivery: Option<&Delivery>,
    run_id: &str,
    text: &str,
) -> Fate {
    let Some(delivery) = delivery.filter(|d| d.mode == DeliveryMode::Announce) else {
        return Fate { status: DeliveryStatus::NotRequested, error: None };
    };
    match route(messages, store, delivery).await {
        Ok(Some(route)) => send(messages, route, run_id, text).await,
        Ok(None) => not_delivered(NO_ROUTE),
        Err(error) => not_delivered(&error.to_string()),
    }
}

/// Sends a text, once per key.
pub(super) async fn send(messages: &Messages, route: Route, key: &str, text: &str) -> Fate {
    let request = SendRequest {
        channel: route.channel,
        account: route.account,
        to: route.to,
        thread: route.thread,
        text: text.to_owned(),
        attachments: Vec::new(),
        reply_to: None,
        silent: false,
        idem: Some(("cron".to_owned(), key.to_owned())),
    };
    match messages.send(request).await {
        Ok(_) => Fate { status: DeliveryStatus::Delivered, error: None },
        Err(error @ (DeliveryError::Unknown { .. } | DeliveryError::Pending { .. })) => {
            Fate { status: DeliveryStatus::Unknown, error: Some(error.to_string()) }
        }
        Err(error) => not_delivered(&error.to_string()),
    }
}

fn not_delivered(why: &str) -> Fate {
    Fate { status: DeliveryStatus::NotDelivered, error: Some(why.to_owned()) }
}

async fn route(
    messages: &Messages,
    store: &Store,
    delivery: &Delivery,
) -> Result<Option<Route>, StoreError> {
    let channel = delivery.channel.as_deref().filter(|c| *c != "last");
    if let (Some(channel), Some(to)) = (channel, &delivery.to) {
        return Ok(Some(Route {
            channel: channel.to_owned(),
            account: delivery.account_id.clone(),
            to: to.clone(),
            thread: None,
        }));
    }
    let (rows, _) = store.read(|c| transcripts::list(c, &transcripts::Filter::default())).await?;
    // Lists come with the latest change first, so the first that fits was used last.
    let kept = rows.iter().filter_map(|row| KeptRoute::read(row.route.as_ref()?));
    for route in kept {
        let fits = channel.is_none_or(|channel| channel == route.channel)
            && delivery.to.as_ref().is_none_or(|to| to == route.to.conversation.as_str());
        if fits && messages.still_admits(&route).await? {
            return Ok(Some(known(&route)));
        }
    }
    Ok(None)
}

/// A route as conversations keep it.
fn known(route: &KeptRoute) -> Route {
    Route {
        channel: route.channel.clone(),
        account: Some(route.to.account.as_str().to_owned()),
        to: route.to.conversation.as_str().to_owned(),
        thread: route.to.thread.as_ref().map(ToString::to_string),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_kept_route_is_read_back() {
        let read = |route| KeptRoute::read(&route).map(|route| known(&route));
        let route = json!({"channel": "line", "to": {"account": "work", "conversation": "ada"}});
        let expected = Route {
            channel: "line".into(),
            account: Some("work".into()),
            to: "ada".into(),
            thread: None,
        };
        assert_eq!(read(route), Some(expected));
        assert_eq!(read(json!({"channel": "line"})), None);
    }
}
