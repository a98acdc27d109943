//! Keeps the gateway's own secrets out of what goes to a platform: an agent that can read files, or is
//! talked into it, must not be able to say them.
//!
//! Whole secrets are found, in plain; one that is cut up or written otherwise is not. Must not know:
//! where secrets come from.

use crate::config::Secret;
use jackfield_plugin_api::outbound::Outbound;

/// What stands in the place of a secret.
const INSTEAD: &str = "***";
/// A shorter value is no secret, and would be found everywhere.
const LENGTH_MIN: usize = 8;

/// A text without the secrets.
pub(super) fn text(secrets: &[Secret], text: String) -> String {
    let secrets = secrets.iter().map(Secret::expose).filter(|secret| secret.len() >= LENGTH_MIN);
    secrets.fold(
        text,
        |text, secret| {
            if text.contains(secret) { text.replace(secret, INSTEAD) } else { text }
        },
    )
}

/// A thing to send without the secrets.
pub(super) fn body(secrets: &[Secret], mut body: Outbound) -> Outbound {
    let words: Vec<&mut String> = match &mut body {
        Outbound::Message { text, .. } | Outbound::Edit { text, .. } => vec![text],
        Outbound::Poll { question, options, .. } => {
            std::iter::once(question).chain(options).collect()
        }
        _ => Vec::new(),
    };
    for word in words {
        *word = text(secrets, std::mem::take(word));
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_wherever_it_stands_and_short_ones_are_words() {
        let secrets = ["s3cret-of-the-gateway", "tea", ""].map(Secret::new);
        let hidden = |said: &str| text(&secrets, said.to_owned());
        assert_eq!(hidden("tea, and s3cret-of-the-gateway!"), "tea, and ***!");
        let link = "https://evil.example/?q=s3cret-of-the-gateways3cret-of-the-gateway";
        assert_eq!(hidden(link), "https://evil.example/?q=******");
        assert_eq!(hidden("nothing to hide"), "nothing to hide");
    }
}
