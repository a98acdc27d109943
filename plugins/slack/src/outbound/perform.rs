//! Makes the calls for one thing to do, and says what became of it. Never tries again by itself.
//!
//! A message of several parts that fails in the middle goes on behind the last part that is posted
//! when the gateway tries again: `Progress` knows how far it came, or Slack's history does.

use super::{delete, history, pieces, post, reaction, status, thread, update};
use crate::{account::Workspace, error::ApiError, text};
use jackfield_plugin_api::{
    Outgoing, SendError,
    attachment::Attachment,
    id::MessageId,
    outbound::{Outbound, Receipt, Target},
    serde_json::Value,
};
use std::path::Path;

/// Does one thing.
pub(crate) async fn perform(workspace: &Workspace, out: Outgoing) -> Result<Receipt, SendError> {
    match &out.body {
        Outbound::Message { to, text, attachments, reply_to, .. } => {
            let begins =
                thread(to.thread.as_ref(), reply_to.as_ref(), workspace.settings.reply_in_thread);
            let message = Message {
                workspace,
                conversation: conversation(workspace, to).await?,
                to,
                thread: begins,
                key: &out.idem_key,
                pieces: pieces(text, attachments),
                files: attachments.iter().filter(|file| file.url.is_none()).collect(),
            };
            if message.pieces.is_empty() && message.files.is_empty() {
                let text = "nothing is left of the text once it is rendered";
                return Err(SendError::permanent("empty", text));
            }
            message.send(out.attempt).await
        }
        Outbound::Edit { to, message, text } => {
            let text = text::to_mrkdwn(text);
            let conversation = conversation(workspace, to).await?;
            let form = update(&conversation, message, &text);
            repeatable(workspace, "chat.update", form, &[]).await?;
            Ok(Receipt { message: Some(message.clone()), ..Receipt::default() })
        }
        Outbound::Delete { to, message } => {
            let form = delete(&conversation(workspace, to).await?, message);
            repeatable(workspace, "chat.delete", form, &["message_not_found"]).await
        }
        Outbound::React { to, message, emoji, added } => {
            let Some(name) = text::emoji_name(emoji) else {
                let text = format!("Slack has no reaction called `{emoji}`");
                return Err(SendError::permanent("unknown_emoji", text));
            };
            let form = reaction(&conversation(workspace, to).await?, message, name);
            let (method, fine) = if *added {
                ("reactions.add", "already_reacted")
            } else {
                ("reactions.remove", "no_reaction")
            };
            repeatable(workspace, method, form, &[fine]).await
        }
        Outbound::Typing { to: to @ Target { thread: Some(thread), .. }, on } => {
            let form = status(&conversation(workspace, to).await?, thread, *on);
            repeatable(workspace, "assistant.threads.setStatus", form, &[]).await
        }
        other => Err(SendError::unsupported(other.kind())),
    }
}

/// A message on its way.
pub(super) struct Message<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) conversation: String,
    to: &'a Target,
    pub(super) thread: Option<String>,
    pub(super) key: &'a str,
    pieces: Vec<String>,
    /// Those whose bytes go along.
    pub(super) files: Vec<&'a Attachment>,
}

impl Message<'_> {
    async fn send(self, attempt: u32) -> Result<Receipt, SendError> {
        let mut sent = self.so_far(attempt).await?;
        for (index, piece) in self.pieces.iter().enumerate().skip(sent.len()) {
            let form = post(&self.conversation, self.thread.as_deref(), piece, self.key, index);
            match self.workspace.bot.call("chat.postMessage", &form).await {
                Ok(answer) => sent.push(answer["ts"].as_str().unwrap_or_default().to_owned()),
                Err(error) => return Err(failed(self.workspace, error, ApiError::of_send).await),
            }
            if self.pieces.len() > 1 || !self.files.is_empty() {
                self.workspace.progress.note(self.key, &sent);
            }
        }
        if !self.files.is_empty() {
            sent.extend(self.share_files().await?);
            self.workspace.uploads.forget(self.key).await;
        }
        self.workspace.progress.forget(self.key);
        if let Some(thread) = &self.thread {
            self.workspace.threads.follow(&self.conversation, thread).await;
        }
        Ok(receipt(sent, &self.conversation, self.to))
    }

    /// Ids of the pieces that earlier attempts posted.
    async fn so_far(&self, attempt: u32) -> Result<Vec<String>, SendError> {
        if let Some(sent) = self.workspace.progress.of(self.key) {
            return Ok(sent);
        }
        let parts = self.pieces.len() + usize::from(!self.files.is_empty());
        if attempt <= 1 || parts <= 1 {
            return Ok(Vec::new());
        }
        // An earlier life may have posted some.
        let thread = self.thread.as_deref();
        match history::find(self.workspace, &self.conversation, thread, self.key).await {
            Ok(found) => {
                let ids = (0..).map_while(|piece| found.pieces.get(&piece).cloned());
                Ok(ids.collect())
            }
            Err(error) => Err(failed(self.workspace, error, ApiError::of_repeatable).await),
        }
    }
}

/// The name a file is shown by.
pub(super) fn name_of(file: &Attachment) -> String {
    let path = file.path.as_deref().map(Path::new);
    let own = path.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    file.name.clone().or(own).unwrap_or_else(|| "file".to_owned())
}

/// The conversation's own id; a person is written to in the direct chat with them.
pub(super) async fn conversation(workspace: &Workspace, to: &Target) -> Result<String, SendError> {
    let id = to.conversation.as_str();
    if !id.starts_with(['U', 'W']) {
        return Ok(id.to_owned());
    }
    if let Some(known) = workspace.direct.of(id) {
        return Ok(known);
    }
    let form = vec![("users", id.to_owned())];
    let opened = match workspace.bot.call("conversations.open", &form).await {
        Ok(answer) => answer["channel"]["id"].as_str().map(str::to_owned),
        Err(error) => return Err(failed(workspace, error, ApiError::of_repeatable).await),
    };
    let Some(opened) = opened else {
        let text = format!("Slack opened no direct chat with {id}");
        return Err(SendError::permanent("no_conversation", text));
    };
    workspace.direct.keep(id, &opened);
    Ok(opened)
}

/// A call that may be made twice; `fine` are refusals that say that it was done already.
async fn repeatable(
    workspace: &Workspace,
    method: &'static str,
    form: crate::client::Form,
    fine: &[&str],
) -> Result<Receipt, SendError> {
    match workspace.bot.call(method, &form).await {
        Ok(_) => Ok(Receipt::default()),
        Err(error) if fine.iter().any(|code| error.is(code)) => Ok(Receipt::default()),
        Err(error) => Err(failed(workspace, error, ApiError::of_repeatable).await),
    }
}

pub(super) async fn failed(
    workspace: &Workspace,
    error: ApiError,
    class: impl FnOnce(ApiError) -> SendError,
) -> SendError {
    workspace.note(&error).await;
    class(error)
}

pub(super) fn receipt(sent: Vec<String>, conversation: &str, to: &Target) -> Receipt {
    let parts: Vec<MessageId> = sent.into_iter().map(MessageId).collect();
    Receipt {
        message: parts.last().cloned(),
        parts: if parts.len() > 1 { parts } else { Vec::new() },
        conversation: (conversation != to.conversation.as_str()).then(|| conversation.into()),
        extra: Value::Null,
    }
}
