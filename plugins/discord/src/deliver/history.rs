//! Our own messages, found again by what they say and when: Discord tells a nonce with the event of a
//! new message, and no history shows it afterwards.

use crate::{
    account::{Attempt, Bot, now_ms},
    client::Call,
    error::Failure,
    inbound::{
        poll_words, sent_at_ms,
        wire::{Message, User},
    },
    outbound::{self, Part},
    places::Kind,
};
use jackfield_plugin_api::serde_json::Value;

const PAGE: usize = 100;
const PAGES_MAX: usize = 3;
/// Our clock and Discord's may differ by this much.
const SKEW_MS: u64 = 60_000;
/// How far back is looked for a send whose beginning nobody remembers.
const BACK_MS: u64 = 24 * 3600 * 1000;
/// What is older may be another send of the same words, such as yesterday's.
const SAME_MS: u64 = 12 * 3600 * 1000;
/// Words that begin alike this far may be ours as Discord changed them.
const ALIKE_CHARS: usize = 24;

/// What a message of ours looks like in a history.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Look {
    pub(super) nonce: String,
    words: String,
    files: usize,
}

impl Look {
    pub(super) fn of_part(part: &Part) -> Self {
        let (nonce, words) = (part.nonce.clone(), bare(&part.text));
        Self { nonce, words, files: part.files.len() }
    }

    pub(super) fn of_poll(question: &str, options: &[String], key: &str) -> Self {
        let words = bare(question) + &bare(&options.concat());
        Self { nonce: outbound::nonce(key, 0), words, files: 0 }
    }

    pub(super) fn is(&self, message: &Message) -> bool {
        self.files == message.says.attachments.len() && self.words == words(message)
    }

    /// Whether a message may be this one with its words changed on the way.
    pub(super) fn is_like(&self, message: &Message) -> bool {
        let words = words(message);
        if self.words.is_empty() {
            return words.is_empty();
        }
        let same = self.words.chars().zip(words.chars()).take_while(|(a, b)| a == b).count();
        same >= ALIKE_CHARS.min(self.words.chars().count())
    }
}

/// Discord trims texts and drops what nobody sees, so only what is drawn is compared.
pub(super) fn bare(text: &str) -> String {
    let unseen = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{feff}');
    text.chars().filter(|c| !c.is_whitespace() && !c.is_control() && !unseen(*c)).collect()
}

fn words(message: &Message) -> String {
    let mut words = bare(&message.says.content);
    if let Some((question, answers)) = message.says.poll.as_ref().and_then(poll_words) {
        words += &bare(question);
        words += &bare(&answers.concat());
    }
    words
}

/// Since when a send can have gone out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since {
    /// Nothing older is looked at.
    from_ms: u64,
    /// Nothing older counts as found.
    same_ms: u64,
    /// The beginning is remembered, so what is found is not another send of the same words.
    pub(super) sure: bool,
}

impl Since {
    pub(super) fn of(attempt: Option<&Attempt>) -> Self {
        let back = |ms: u64| now_ms().saturating_sub(ms);
        attempt.map_or_else(
            || Self { from_ms: back(BACK_MS), same_ms: back(SAME_MS), sure: false },
            |attempt| {
                let from_ms = attempt.begun_ms.saturating_sub(SKEW_MS);
                Self { from_ms, same_ms: from_ms, sure: true }
            },
        )
    }

    /// The same, where nothing else can say the same words.
    pub(super) fn certain(self) -> Self {
        Self { sure: true, ..self }
    }

    pub(super) fn covers(&self, id: &str) -> bool {
        sent_at_ms(id).is_none_or(|ms| ms >= self.from_ms)
    }

    fn is_same(&self, id: &str) -> bool {
        sent_at_ms(id).is_none_or(|ms| ms >= self.same_ms)
    }
}

/// What was found of a send: its parts in their order, where each is known.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    pub(super) parts: Vec<Option<String>>,
    /// What is missing is provably not out.
    pub(super) telling: bool,
    /// What is there is provably of this send.
    pub(super) clear: bool,
}

/// Our own messages of a channel, oldest first.
#[derive(Debug, Default)]
pub(super) struct History {
    own: Vec<Message>,
    /// Everything since was seen.
    whole: bool,
}

impl History {
    /// Reads as far back as the send can lie.
    pub(super) async fn read(bot: &Bot, channel: &str, since: Since) -> Result<Self, Failure> {
        let own = own_id(bot).await?;
        let direct = bot.places().known(channel).is_some_and(|known| known.kind == Kind::Direct);
        let mut history = Self::default();
        let mut before = String::new();
        for _ in 0..PAGES_MAX {
            let call = Call::get(format!("channels/{channel}/messages?limit={PAGE}{before}"));
            let page: Vec<Message> = bot.rest.patiently(&call).await?;
            let size = page.len();
            let oldest = page.iter().min_by_key(|message| number(message)).map(|m| m.id.clone());
            history.take(page, &own, since);
            // Who may not read a server's history is told that there is none.
            let hidden = oldest.is_none() && before.is_empty() && !direct;
            let reached = size < PAGE || oldest.as_ref().is_some_and(|id| !since.covers(id));
            history.whole = reached && !hidden;
            match oldest {
                Some(oldest) if !reached => before = format!("&before={oldest}"),
                _ => break,
            }
        }
        Ok(history)
    }

    fn take(&mut self, page: Vec<Message>, own: &str, since: Since) {
        let of_us = |m: &Message| m.author.as_ref().is_some_and(|author| author.id == own);
        self.own.extend(page.into_iter().filter(|m| of_us(m) && since.covers(&m.id)));
        self.own.sort_by_key(number);
    }

    /// Leaves out what is known to be of other sends.
    pub(super) fn without(mut self, is_of_another: impl Fn(&str) -> bool) -> Self {
        self.own.retain(|message| !is_of_another(&message.id));
        self
    }

    /// Looks for the parts of a send, which went out in their order.
    pub(super) fn find(&self, looks: &[Look], since: Since) -> Found {
        let mut parts: Vec<Option<String>> = looks.iter().map(|look| self.by_nonce(look)).collect();
        if parts.iter().any(Option::is_some) {
            return Found { parts, telling: self.whole, clear: true };
        }
        let first = looks.first();
        let is_first = |message: &&Message| first.is_some_and(|look| look.is(message));
        let starts: Vec<&Message> = self.own.iter().filter(is_first).collect();
        let newest = starts.last().filter(|message| since.is_same(&message.id));
        let Some(newest) = newest else {
            let like = self.own.iter().any(|m| first.is_some_and(|look| look.is_like(m)));
            return Found { parts, telling: self.whole && !like, clear: false };
        };
        let mut later = self.own.iter().skip_while(|message| message.id != newest.id);
        for (part, look) in parts.iter_mut().zip(looks) {
            let found = later.find(|message| look.is(message));
            *part = found.map(|message| message.id.clone());
            if part.is_none() {
                break;
            }
        }
        let said = first.is_some_and(|look| !look.words.is_empty());
        // Everything since the first part was seen, however far back the rest reaches.
        Found { parts, telling: true, clear: since.sure || (starts.len() == 1 && said) }
    }

    /// Other servers than Discord's may show a nonce.
    fn by_nonce(&self, look: &Look) -> Option<String> {
        let nonce = |m: &Message| m.nonce.as_ref().and_then(Value::as_str).map(str::to_owned);
        let found = self.own.iter().find(|m| nonce(m).as_ref() == Some(&look.nonce));
        found.map(|message| message.id.clone())
    }
}

/// Who we are; asked for before the first login.
pub(super) async fn own_id(bot: &Bot) -> Result<String, Failure> {
    let own = bot.identity().user;
    if !own.is_empty() {
        return Ok(own);
    }
    Ok(bot.rest.patiently::<User>(&Call::get("users/@me")).await?.id)
}

fn number(message: &Message) -> u64 {
    message.id.parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Found, History, Look, Since};
    use crate::{inbound::wire::Message, outbound};
    use jackfield_plugin_api::serde_json::{Value, from_value, json};

    const SURE: Since = Since { from_ms: 0, same_ms: 0, sure: true };
    const UNSURE: Since = Since { sure: false, ..SURE };

    fn history(said: &[Value], whole: bool) -> History {
        let message = |(at, said): (usize, &Value)| {
            let mut message =
                json!({"id": at.to_string(), "channel_id": "c", "author": {"id": "me"}});
            message.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
            message
        };
        let page: Vec<Message> =
            said.iter().enumerate().rev().map(|said| from_value(message(said)).unwrap()).collect();
        let mut history = History { whole, ..History::default() };
        history.take(page, "me", SURE);
        history
    }

    fn looks(text: &str) -> Vec<Look> {
        outbound::parts(text, &[], "key").unwrap().iter().map(Look::of_part).collect()
    }

    fn says(text: &str) -> Value {
        json!({"content": text})
    }

    fn one(id: Option<&str>, telling: bool, clear: bool) -> Found {
        Found { parts: vec![id.map(str::to_owned)], telling, clear }
    }

    #[test]
    fn a_message_is_found_by_its_words() {
        let seen = history(&[says("before"), says("the answer"), says("after")], true);
        assert_eq!(seen.find(&looks(" the  answer\n"), SURE), one(Some("1"), true, true));
        assert_eq!(seen.find(&looks("something else"), SURE), one(None, true, false));
        let others = history(&[json!({"content": "the answer", "author": {"id": "other"}})], true);
        assert_eq!(others.find(&looks("the answer"), SURE), one(None, true, false));
        let part = history(&[says("x")], false);
        assert_eq!(
            part.find(&looks("the answer"), SURE),
            one(None, false, false),
            "not all was seen"
        );
        let file = history(&[json!({"content": "the answer", "attachments": [{"id": "1"}]})], true);
        assert!(file.find(&looks("the answer"), SURE).parts[0].is_none(), "that one has a file");
    }

    #[test]
    fn words_that_were_said_twice_prove_nothing_unless_the_beginning_is_known() {
        let seen = history(&[says("Good morning"), says("Good morning")], true);
        assert_eq!(seen.find(&looks("Good morning"), UNSURE), one(Some("1"), true, false));
        assert_eq!(seen.find(&looks("Good morning"), SURE), one(Some("1"), true, true));
        let once = history(&[says("Good morning")], true);
        assert_eq!(once.find(&looks("Good morning"), UNSURE), one(Some("0"), true, true));
        let old = Since { same_ms: u64::MAX, ..UNSURE };
        assert_eq!(once.find(&looks("Good morning"), old), one(None, false, false), "yesterday's");
    }

    #[test]
    fn words_that_discord_may_have_changed_are_not_called_absent() {
        let seen = history(&[says("The long answer to your question :smile:")], true);
        let found = seen.find(&looks("The long answer to your question <:smile:1>"), SURE);
        assert_eq!(found, one(None, false, false));
    }

    #[test]
    fn parts_are_found_in_their_order_and_a_nonce_settles_it() {
        let long = format!("{}\n{}\n{}", "a".repeat(1900), "b".repeat(1900), "c".repeat(1900));
        let seen = history(&[says(&"b".repeat(1900)), says(&"a".repeat(1900)), says("x")], true);
        let found = seen.find(&looks(&long), SURE);
        assert_eq!(found.parts, [Some("1".to_owned()), None, None], "an older `b` is another's");
        let marked = json!({"content": "changed", "nonce": outbound::nonce("key", 0)});
        assert_eq!(history(&[marked], true).find(&looks("x"), UNSURE), one(Some("0"), true, true));
    }
}
