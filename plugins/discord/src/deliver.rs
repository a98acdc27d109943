//! Makes one attempt at one thing, and looks for what became of an earlier one.
//!
//! Each message carries a nonce made of the gateway's key, so a second attempt within minutes gets
//! the first one's message from Discord instead of a second message. A send of several parts goes on
//! after the last part that is known to be out, from memory or from what our messages there say.
//!
//! Must not know: how calls are written (that is `outbound`).

mod action;
mod history;
mod posts;
mod reconcile;
mod target;

pub(crate) use reconcile::reconcile;

use crate::{
    account::Bot,
    client::Call,
    error::{Failure, Repeat, code},
    inbound::wire,
    outbound::{self, Manner, Part},
    text,
};
use jackfield_plugin_api::{
    Outgoing, SendError,
    id::MessageId,
    outbound::{Outbound, Receipt, Target},
    serde_json::json,
    tokio::time::Instant,
};
use std::{collections::HashMap, time::Duration};
use target::Goal;

/// The gateway's patience minus this is ours, so that an answer of ours still counts.
const MARGIN: Duration = Duration::from_millis(500);

/// Does one thing, once.
pub(crate) async fn deliver(bot: &Bot, out: &Outgoing) -> Result<Receipt, SendError> {
    let job = Job::new(bot, out);
    match &out.body {
        Outbound::Message { to, text, attachments, reply_to, silent } => {
            let parts = outbound::parts(text, attachments, &out.idem_key)?;
            let reply_to = reply_to.as_ref().map(MessageId::as_str);
            job.message(to, &parts, Manner { reply_to, silent: *silent, ..Manner::default() }).await
        }
        Outbound::Edit { to, message, text } => job.edit(to, message.as_str(), text).await,
        Outbound::Delete { to, message } => {
            let goal = job.goal(to).await?;
            let done = job.tell(&outbound::delete(&goal.channel, message.as_str()), &goal).await;
            match done {
                Err(failure) if failure.has_code(code::UNKNOWN_MESSAGE) => Ok(Receipt::default()),
                done => done.map(|()| Receipt::default()).map_err(harmless),
            }
        }
        Outbound::React { to, message, emoji, added } => {
            let goal = job.goal(to).await?;
            let call = outbound::react(&goal.channel, message.as_str(), emoji, *added);
            job.tell(&call, &goal).await.map(|()| Receipt::default()).map_err(harmless)
        }
        // Discord clears it by itself after ten seconds, or with the message.
        Outbound::Typing { on: false, .. } => Ok(Receipt::default()),
        Outbound::Typing { to, on: true } => {
            let goal = job.goal(to).await?;
            let call = outbound::typing(&goal.channel);
            job.tell(&call, &goal).await.map(|()| Receipt::default()).map_err(harmless)
        }
        Outbound::Poll { to, question, options, choices_max, duration_s } => {
            let goal = job.goal(to).await?;
            if goal.forum {
                let text = "a forum takes no poll as a post: name one of its posts as the thread";
                return Err(SendError::permanent("no_poll_here", text));
            }
            let poll = (question.as_str(), &options[..]);
            let key = &out.idem_key;
            let call = outbound::poll(&goal.channel, poll, *choices_max, *duration_s, key)?;
            bot.attempt(key);
            let sent: wire::Message = job.ask(&call, &goal).await.map_err(harmful)?;
            Ok(Receipt { extra: json!({"pollId": sent.id}), ..receipt(vec![sent.id]) })
        }
        Outbound::Action { to, name, params } => job.action(to.as_ref(), name, params).await,
        Outbound::Unknown => Err(SendError::unsupported(out.body.kind())),
    }
}

/// One attempt, with the time it has.
struct Job<'a> {
    bot: &'a Bot,
    key: &'a str,
    repeated: bool,
    until: Instant,
}

impl<'a> Job<'a> {
    fn new(bot: &'a Bot, out: &'a Outgoing) -> Self {
        let patience = out.timeout.saturating_sub(MARGIN).max(MARGIN);
        let until = Instant::now() + patience;
        Self { bot, key: &out.idem_key, repeated: out.attempt > 1, until }
    }

    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
    }

    async fn goal(&self, to: &Target) -> Result<Goal, SendError> {
        target::resolve(self.bot, to, self.left()).await
    }

    /// Sends every part that is not known to be out.
    async fn message(
        &self,
        to: &Target,
        parts: &[Part],
        manner: Manner<'_>,
    ) -> Result<Receipt, SendError> {
        let mut goal = self.goal(to).await?;
        let name = outbound::post_name(&parts[0], manner.title);
        let known = self.known(&goal, &name, parts).await?;
        let mut sent: Vec<String> = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            if let Some(message) = known.get(&part.nonce) {
                if goal.forum {
                    goal = Goal::made(message);
                }
                sent.push(message.clone());
                continue;
            }
            let manner = Manner { reply_to: manner.reply_to.filter(|_| at == 0), ..manner };
            if at == 0
                && !goal.forum
                && let Some(message) = self.answer(&goal, part, manner.reply_to).await?
            {
                self.bot.note_part(self.key, &part.nonce, &message);
                sent.push(message);
                continue;
            }
            let message = self.part(&mut goal, part, manner).await.map_err(|mut error| {
                if at > 0 {
                    error.text = format!("after {at} of {} parts: {}", parts.len(), error.text);
                }
                error
            })?;
            self.bot.note_part(self.key, &part.nonce, &message);
            sent.push(message);
        }
        Ok(Receipt { conversation: goal.created.map(Into::into), ..receipt(sent) })
    }

    /// The parts that an earlier attempt got out; `name` is that of a post.
    async fn known(
        &self,
        goal: &Goal,
        name: &str,
        parts: &[Part],
    ) -> Result<HashMap<String, String>, SendError> {
        let remembered = self.bot.known_attempt(self.key);
        let mut known = self.bot.attempt(self.key).parts;
        let back = parts.iter().filter_map(|p| Some((p.nonce.clone(), self.bot.heard(&p.nonce)?)));
        known.extend(back);
        // One part needs no look: Discord itself recognises it by its nonce.
        if !self.repeated || remembered.is_some() || parts.len() == 1 {
            return Ok(known);
        }
        known.extend(reconcile::known(self.bot, self.key, goal, (name, parts)).await?);
        Ok(known)
    }

    /// Sends one part and tells the message it became.
    async fn part(
        &self,
        goal: &mut Goal,
        part: &Part,
        manner: Manner<'_>,
    ) -> Result<String, SendError> {
        if goal.forum {
            let usual = self.bot.places().known(&goal.channel).and_then(|known| {
                let tag = known.usual_tag().filter(|_| manner.tag.is_none());
                tag.map(str::to_owned)
            });
            let manner = Manner { tag: manner.tag.or(usual.as_deref()), ..manner };
            let call = outbound::post(&goal.channel, part, manner);
            let thread: wire::Channel = self.ask(&call, goal).await.map_err(harmful)?;
            self.bot.places().note(&thread, None);
            // The first message of a post has the number of the post.
            *goal = Goal::made(&thread.id);
            return Ok(thread.id);
        }
        let call = outbound::create(&goal.channel, part, manner);
        let mut sent: Result<wire::Message, Failure> = self.ask(&call, goal).await;
        if manner.reply_to.is_some() && sent.as_ref().is_err_and(Failure::is_about_reply) {
            // The words matter more than what they hang on; nothing was sent yet.
            let plain = Manner { reply_to: None, ..manner };
            sent = self.ask(&outbound::create(&goal.channel, part, plain), goal).await;
        }
        let sent = sent.map_err(harmful)?;
        self.bot.echo(|echo| echo.sent(&sent.id));
        Ok(sent.id)
    }

    /// Answers a command that somebody used there and still waits for. Doing it twice does no harm.
    async fn answer(
        &self,
        goal: &Goal,
        part: &Part,
        reply_to: Option<&str>,
    ) -> Result<Option<String>, SendError> {
        let Some(command) = self.bot.command_for(self.key, &goal.channel, reply_to) else {
            return Ok(None);
        };
        let call = outbound::answer(&command.application, &command.token, part);
        match self.bot.rest.ask::<wire::Message>(&call, self.left()).await {
            Ok(sent) => Ok(Some(sent.id)),
            // It came too late, or was deleted: an ordinary message does as well.
            Err(Failure::Refused { .. } | Failure::Walled(_)) => {
                self.bot.give_command_up(self.key);
                Ok(None)
            }
            Err(failure) => Err(harmless(failure)),
        }
    }

    /// A text that outgrew one message: the message becomes its first part, the others follow it.
    async fn edit(&self, to: &Target, message: &str, words: &str) -> Result<Receipt, SendError> {
        let mut goal = self.goal(to).await?;
        let (first, parts) = follow_ups(words, self.key)?;
        let call = outbound::edit(&goal.channel, message, &first.text);
        let edited: Result<wire::Message, Failure> = self.ask(&call, &goal).await;
        edited.map_err(harmless)?;
        let mut sent = vec![message.to_owned()];
        let known = self.known(&goal, "", &parts).await?;
        for part in &parts {
            sent.push(match known.get(&part.nonce) {
                Some(message) => message.clone(),
                None => self.part(&mut goal, part, Manner::default()).await?,
            });
            self.bot.note_part(self.key, &part.nonce, sent.last().expect("one was sent"));
        }
        Ok(receipt(sent))
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        call: &Call,
        goal: &Goal,
    ) -> Result<T, Failure> {
        match self.bot.rest.ask(call, self.left()).await {
            Err(failure) if failure.has_code(code::THREAD_ARCHIVED) => {
                self.unarchive(goal).await?;
                self.bot.rest.ask(call, self.left()).await
            }
            answer => answer,
        }
    }

    async fn tell(&self, call: &Call, goal: &Goal) -> Result<(), Failure> {
        match self.bot.rest.tell(call, self.left()).await {
            Err(failure) if failure.has_code(code::THREAD_ARCHIVED) => {
                self.unarchive(goal).await?;
                self.bot.rest.tell(call, self.left()).await
            }
            answer => answer,
        }
    }

    /// What was refused only because the thread sleeps was not done: waking it and asking again is no
    /// second attempt.
    async fn unarchive(&self, goal: &Goal) -> Result<(), Failure> {
        self.bot.rest.tell(&outbound::unarchive(&goal.channel), self.left()).await
    }
}

/// A text that a message is changed to: what the message becomes, and what follows behind it.
fn follow_ups(words: &str, key: &str) -> Result<(Part, Vec<Part>), SendError> {
    let mut parts = outbound::parts(words, &[], key)?;
    // Drafts come many times and fit as they are; only their markup may outgrow a message, and
    // what follows behind one would be repeated with each.
    if parts.len() > 1 && text::length(words) <= text::LIMIT {
        parts.truncate(1);
        words.clone_into(&mut parts[0].text);
    }
    let first = parts.remove(0);
    Ok((first, parts))
}

fn harmful(failure: Failure) -> SendError {
    failure.outcome(Repeat::Harmful)
}

fn harmless(failure: Failure) -> SendError {
    failure.outcome(Repeat::Harmless)
}

fn receipt(sent: Vec<String>) -> Receipt {
    let message = sent.last().map(|id| id.as_str().into());
    let parts =
        if sent.len() > 1 { sent.into_iter().map(Into::into).collect() } else { Vec::new() };
    Receipt { message, parts, ..Receipt::default() }
}
