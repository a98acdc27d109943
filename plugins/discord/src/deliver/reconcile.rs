//! What became of a message whose sending nobody saw the end of.
//!
//! What came back over the socket is known at once. Within two minutes the same call is made again:
//! Discord recognises the nonce and answers with the message it has, or takes it now. Later its
//! memory of nonces is over, and our own messages there are looked through instead (`history`, for
//! posts of a forum `posts`). What none of them can tell stays unknown.

use super::{
    Job, deliver, follow_ups,
    history::{Found, History, Look, Since},
    posts::{self, Post},
    target::Goal,
};
use crate::{account::Bot, error::Failure, outbound};
use jackfield_plugin_api::{
    Outgoing, SendError,
    error::FailureClass,
    fetch::Reconciled,
    outbound::{Outbound, Receipt, Target},
    tokio::time::{Instant, sleep},
};
use std::{collections::HashMap, time::Duration};

/// Discord says that it knows a nonce for a few minutes.
const NONCE_LIFE: Duration = Duration::from_mins(2);

/// Before Discord is asked again that could not be asked.
const PAUSE: Duration = Duration::from_millis(500);

/// A send as it is looked for.
struct Sought<'a> {
    to: &'a Target,
    looks: Vec<Look>,
    /// The name it has if it is a post.
    name: String,
    /// What was there before: the message that an edit changed.
    before: Option<&'a str>,
}

/// Finds out, sending again only where that cannot make a second message.
pub(crate) async fn reconcile(bot: &Bot, out: &Outgoing) -> Reconciled {
    let Ok(sought) = sought(out) else { return Reconciled::NotSent };
    // The other kinds never end uncertain.
    let Some(sought) = sought else { return Reconciled::Unknown };
    if sought.looks.is_empty() {
        return repeat(bot, out).await; // an edit alone: the second time changes nothing
    }
    let heard: Option<Vec<String>> =
        sought.looks.iter().map(|look| bot.heard(&look.nonce)).collect();
    let Some(goal) = goal(bot, out, sought.to).await else { return Reconciled::Unknown };
    if let Some(heard) = heard.filter(|_| !goal.forum) {
        return Reconciled::Sent(sought.receipt(&goal, heard));
    }
    let attempt = bot.known_attempt(&out.idem_key);
    let fresh = attempt.as_ref().is_some_and(|attempt| attempt.first.elapsed() < NONCE_LIFE);
    if fresh && !goal.forum {
        return repeat(bot, out).await;
    }
    let since = Since::of(attempt.as_ref());
    match sought.find(bot, &out.idem_key, &goal, since).await {
        Ok(found) => sought.verdict(bot, &out.idem_key, &goal, found),
        Err(_) => Reconciled::Unknown,
    }
}

/// Where it was to go; while Discord cannot be asked, the question waits.
async fn goal(bot: &Bot, out: &Outgoing, to: &Target) -> Option<Goal> {
    let until = Instant::now() + out.timeout / 2;
    loop {
        let error = match Job::new(bot, out).goal(to).await {
            Ok(goal) => return Some(goal),
            Err(error) => error,
        };
        let wait = error.retry_after_ms.map_or(PAUSE, Duration::from_millis);
        if error.class != FailureClass::Retryable || Instant::now() + wait > until {
            return None;
        }
        sleep(wait).await;
    }
}

fn sought(out: &Outgoing) -> Result<Option<Sought<'_>>, SendError> {
    let key = &out.idem_key;
    Ok(Some(match &out.body {
        Outbound::Message { to, text, attachments, .. } => {
            let parts = outbound::parts(text, attachments, key)?;
            let looks = parts.iter().map(Look::of_part).collect();
            Sought { to, looks, name: outbound::post_name(&parts[0], None), before: None }
        }
        Outbound::Poll { to, question, options, .. } => {
            let looks = vec![Look::of_poll(question, options, key)];
            Sought { to, looks, name: String::new(), before: None }
        }
        // The edit itself may be repeated; what follows it are new messages.
        Outbound::Edit { to, message, text } => {
            let looks = follow_ups(text, key)?.1.iter().map(Look::of_part).collect();
            Sought { to, looks, name: String::new(), before: Some(message.as_str()) }
        }
        _ => return Ok(None),
    }))
}

/// The parts of a message that an earlier life got out, by nonce.
pub(super) async fn known(
    bot: &Bot,
    key: &str,
    goal: &Goal,
    (name, parts): (&str, &[outbound::Part]),
) -> Result<HashMap<String, String>, SendError> {
    let looks: Vec<Look> = parts.iter().map(Look::of_part).collect();
    let since = Since::of(None);
    let found = find(bot, key, goal, (name, &looks), since).await.map_err(super::harmless)?;
    if !found.telling {
        let text =
            "what of it is out already cannot be seen there: was Read Message History taken away?";
        return Err(SendError::uncertain("cannot_tell", text));
    }
    let nonces = looks.into_iter().map(|look| look.nonce);
    Ok(nonces.zip(found.parts).filter_map(|(nonce, id)| Some((nonce, id?))).collect())
}

async fn find(
    bot: &Bot,
    key: &str,
    goal: &Goal,
    (name, looks): (&str, &[Look]),
    since: Since,
) -> Result<Found, Failure> {
    let Some(first) = looks.first().filter(|_| goal.forum) else {
        let history = History::read(bot, &goal.channel, since).await?;
        return Ok(history.without(|id| bot.is_of_another(id, key)).find(looks, since));
    };
    let none = || vec![None; looks.len()];
    let post = match posts::find(bot, key, &goal.channel, (name, first), since).await? {
        Post::There(post) => post,
        Post::Absent => return Ok(Found { parts: none(), telling: true, clear: false }),
        Post::Unclear => return Ok(Found { parts: none(), telling: false, clear: false }),
    };
    // In a post of our own, what says the same is the same.
    let since = since.certain();
    let rest = History::read(bot, &post, since).await?.find(&looks[1..], since);
    let parts = std::iter::once(Some(post)).chain(rest.parts).collect();
    Ok(Found { parts, telling: rest.telling, clear: true })
}

impl Sought<'_> {
    async fn find(
        &self,
        bot: &Bot,
        key: &str,
        goal: &Goal,
        since: Since,
    ) -> Result<Found, Failure> {
        find(bot, key, goal, (&self.name, &self.looks), since).await
    }

    fn verdict(&self, bot: &Bot, key: &str, goal: &Goal, found: Found) -> Reconciled {
        let sent: Vec<String> = found.parts.iter().flatten().cloned().collect();
        if !sent.is_empty() && !found.clear {
            return Reconciled::Unknown;
        }
        if sent.len() == self.looks.len() {
            return Reconciled::Sent(self.receipt(goal, sent));
        }
        // The next attempt goes on behind them.
        for (look, message) in self.looks.iter().zip(&found.parts) {
            if let Some(message) = message {
                bot.note_part(key, &look.nonce, message);
            }
        }
        if found.telling { Reconciled::NotSent } else { Reconciled::Unknown }
    }

    fn receipt(&self, goal: &Goal, sent: Vec<String>) -> Receipt {
        let conversation = sent.first().filter(|_| goal.forum).map(|post| post.as_str().into());
        let all = self.before.map(str::to_owned).into_iter().chain(sent).collect();
        Receipt { conversation, ..super::receipt(all) }
    }
}

async fn repeat(bot: &Bot, out: &Outgoing) -> Reconciled {
    let until = Instant::now() + out.timeout / 2;
    loop {
        let error = match deliver(bot, out).await {
            Ok(receipt) => return Reconciled::Sent(receipt),
            Err(error) => error,
        };
        let wait = Duration::from_millis(error.retry_after_ms.unwrap_or(1000));
        match error.class {
            FailureClass::Permanent => return Reconciled::NotSent,
            _ if Instant::now() + wait > until => {
                return Reconciled::Unknown;
            }
            _ => sleep(wait).await,
        }
    }
}
