//! What can be done by name beside sending: threads, posts of a forum, pins.

use super::{Goal, Job, Manner, harmful, harmless};
use crate::{error::Failure, error::code, inbound::wire, outbound};
use jackfield_plugin_api::{
    SendError,
    outbound::{Receipt, Target},
    serde_json::{Value, json},
};

impl Job<'_> {
    pub(super) async fn action(
        &self,
        to: Option<&Target>,
        name: &str,
        params: &Value,
    ) -> Result<Receipt, SendError> {
        if !["pin", "unpin", "thread-create"].contains(&name) {
            return Err(SendError::unsupported(name));
        }
        let to = to.ok_or_else(|| SendError::permanent("no_target", "say in which channel"))?;
        let goal = self.goal(to).await?;
        let message = text(params, &["messageId", "message"]);
        if name == "thread-create" {
            let missing = || SendError::permanent("no_name", "a thread needs a `name`");
            let title = text(params, &["name", "threadName"]).ok_or_else(missing)?;
            if goal.forum {
                return self.post(to, &goal, title, params).await;
            }
            return self.thread(&goal, message, title).await;
        }
        let missing = || SendError::permanent("no_message", "say which message: `messageId`");
        let call = outbound::pin(&goal.channel, message.ok_or_else(missing)?, name == "pin");
        self.tell(&call, &goal).await.map(|()| Receipt::default()).map_err(harmless)
    }

    async fn thread(
        &self,
        goal: &Goal,
        message: Option<&str>,
        title: &str,
    ) -> Result<Receipt, SendError> {
        let known = self.bot.places().known(&goal.channel).cloned();
        let announcements = known.is_some_and(|known| known.announcements);
        let call = outbound::thread(&goal.channel, message, title, announcements);
        let made: Result<wire::Channel, Failure> = self.ask(&call, goal).await;
        let thread = match (made, message) {
            (Ok(thread), _) => {
                self.bot.places().note(&thread, None);
                thread.id
            }
            // A message has one thread, with its number; asking twice makes no second one.
            (Err(failure), Some(message)) if failure.has_code(code::THREAD_EXISTS) => {
                message.to_owned()
            }
            (Err(failure), Some(_)) => return Err(harmless(failure)),
            (Err(failure), None) => return Err(harmful(failure)),
        };
        let extra = json!({"threadId": thread});
        Ok(Receipt { conversation: Some(thread.into()), extra, ..Receipt::default() })
    }

    /// A post of a forum, with its first message.
    async fn post(
        &self,
        to: &Target,
        goal: &Goal,
        title: &str,
        params: &Value,
    ) -> Result<Receipt, SendError> {
        let missing = || {
            let text = "a post of a forum needs its first message: `content`";
            SendError::permanent("no_content", text)
        };
        let content = text(params, &["content", "text", "message"]).ok_or_else(missing)?;
        let parts = outbound::parts(content, &[], self.key)?;
        let tag = self.tag(goal, params)?;
        let manner = Manner { title: Some(title), tag: tag.as_deref(), ..Manner::default() };
        let receipt = self.message(to, &parts, manner).await?;
        let extra = json!({"threadId": receipt.conversation});
        Ok(Receipt { extra, ..receipt })
    }

    /// The tag that a post was given by name or number.
    fn tag(&self, goal: &Goal, params: &Value) -> Result<Option<String>, SendError> {
        let wanted = params.get("tag").or_else(|| params.pointer("/appliedTags/0"));
        let Some(wanted) = wanted.and_then(Value::as_str) else { return Ok(None) };
        let places = self.bot.places();
        let tag = places.known(&goal.channel).and_then(|forum| forum.tag(wanted));
        let unknown = || {
            let text = format!("the forum has no tag `{wanted}`");
            SendError::permanent("unknown_tag", text)
        };
        tag.map(|tag| Some(tag.to_owned())).ok_or_else(unknown)
    }
}

fn text<'a>(params: &'a Value, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| params.get(*key)?.as_str())
}
