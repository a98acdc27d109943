//! What an account noticed on its way in, for the words that tell a person what is wrong.

use jackfield_plugin_api::tokio::time::Instant;

/// What is known of Slack's signed requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Requests {
    /// None came.
    #[default]
    None,
    /// Some came, and none that the signing secret signs.
    Refused,
    /// The signing secret is proved right.
    Proved,
    /// The signing secret is right, and that of another app than the bot token's.
    Mixed,
}

#[derive(Default)]
pub(crate) struct Signs {
    /// Of any connection.
    pub(crate) round_trip: Option<Instant>,
    /// Of the last delivery.
    pub(crate) heard: Option<Instant>,
    /// Connections of the app beyond those from here, as Slack counted when the last one opened.
    pub(crate) strangers: u64,
    pub(crate) requests: Requests,
}

impl Signs {
    /// When something came in last, as the end of a sentence.
    pub(crate) fn last_event(&self) -> String {
        match self.heard {
            Some(at) => format!("last event {} s ago", at.elapsed().as_secs()),
            None => {
                "no event yet: if messages do not arrive, see the app's Event Subscriptions, and \
                     install it again after a change"
                    .to_owned()
            }
        }
    }

    /// Who else listens, as the end of a sentence.
    pub(crate) fn company(&self) -> String {
        match self.strangers {
            0 => String::new(),
            1 => "; Slack counted one more connection of this app, and whatever holds it gets a share \
                  of the messages"
                .to_owned(),
            more => format!(
                "; Slack counted {more} more connections of this app, and whatever holds them gets a \
                 share of the messages"
            ),
        }
    }
}
