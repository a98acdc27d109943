//! Files on their way out: brought to Slack unseen, then shown, all in one message.
//!
//! Slack shows them after its answer, in its own time, so the message is waited for: what follows must
//! stand below it, and only then has it an id. Until the last call nobody sees anything, so only that
//! one is not repeated blindly; whether it was heard, Slack tells of the file itself.

use super::{
    perform::{Message, failed},
    share, shared_in,
};
use crate::{
    account::Workspace,
    client::files::{self, Shares},
    error::ApiError,
};
use jackfield_plugin_api::{SendError, serde_json::Value, tokio::time::sleep, tracing};
use std::{path::Path, time::Duration};

/// Looks for the message that a file stands in, after a pause each: in parts of the pace for a look.
const WAITS: [u32; 3] = [1, 4, 8];
const PARTS: u32 = 4;

/// Ids of files and the names they are shown by.
type Brought = Vec<(String, String)>;

impl Message<'_> {
    /// Shows all files; the id of their message, if Slack has named it by then.
    pub(super) async fn share_files(&self) -> Result<Option<String>, SendError> {
        let uploads = &self.workspace.uploads;
        let mut brought = self.brought_before();
        if let Some(files) = &brought
            && let Shares::In(ts) = self.shares(&files[0].0).await
        {
            return Ok(ts);
        }
        loop {
            let again = brought.is_some();
            let files = match brought.take() {
                Some(files) => files,
                None => self.bring().await?,
            };
            let ids: Vec<String> = files.iter().map(|(id, _)| id.clone()).collect();
            uploads.note(self.key, &ids).await;
            let shown: Value = files.iter().map(|(id, name)| files::shared(id, name)).collect();
            let form = share(&self.conversation, self.thread.as_deref(), &shown);
            return match self.workspace.bot.call("files.completeUploadExternal", &form).await {
                Ok(answer) => Ok(match shared_in(&answer, &self.conversation) {
                    Some(ts) => Some(ts),
                    None => self.shown(&ids[0]).await,
                }),
                Err(error @ ApiError::Refused(_))
                    if again && !error.is_doubtful() && !error.is_rejection() =>
                {
                    // What an earlier attempt brought is there by now, or does not wait for ever.
                    if let Shares::In(ts) = self.shares(&ids[0]).await {
                        return Ok(ts);
                    }
                    tracing::info!(%error, "files are brought anew");
                    uploads.forget(self.key).await;
                    continue;
                }
                Err(error) => Err(failed(self.workspace, error, ApiError::of_send).await),
            };
        }
    }

    /// What an earlier attempt brought, if that is all of it.
    fn brought_before(&self) -> Option<Brought> {
        let ids = self.workspace.uploads.of(self.key)?;
        let names = self.files.iter().map(|file| super::perform::name_of(file));
        let whole = !ids.is_empty() && ids.len() == self.files.len();
        whole.then(|| ids.into_iter().zip(names).collect())
    }

    async fn bring(&self) -> Result<Brought, SendError> {
        let mut brought = Vec::with_capacity(self.files.len());
        for file in &self.files {
            let Some(path) = &file.path else {
                let text = "a file without bytes on this machine cannot be sent";
                return Err(SendError::permanent("no_bytes", text));
            };
            let name = super::perform::name_of(file);
            match self.workspace.bot.upload(Path::new(path), &name).await {
                Ok(id) => brought.push((id, name)),
                Err(error) => {
                    return Err(failed(self.workspace, error, ApiError::of_repeatable).await);
                }
            }
        }
        Ok(brought)
    }

    async fn shares(&self, id: &str) -> Shares {
        self.workspace.bot.shares(id, &self.conversation).await.unwrap_or(Shares::Nowhere)
    }

    /// The message that shows a file, once Slack has named it.
    async fn shown(&self, id: &str) -> Option<String> {
        for wait in WAITS {
            sleep(part(self.workspace, wait)).await;
            match self.workspace.bot.shares(id, &self.conversation).await {
                Ok(Shares::In(Some(ts))) => return Some(ts),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
        None
    }
}

/// Whether files that an attempt brought were shared; `None` when nobody can tell.
pub(super) async fn find(
    workspace: &Workspace,
    conversation: &str,
    key: &str,
) -> Result<Option<Shares>, ApiError> {
    let Some(ids) = workspace.uploads.of(key) else { return Ok(None) };
    let Some(first) = ids.first() else { return Ok(None) };
    let mut found = workspace.bot.shares(first, conversation).await?;
    for wait in WAITS {
        if matches!(found, Shares::In(Some(_))) {
            break;
        }
        sleep(part(workspace, wait)).await;
        found = workspace.bot.shares(first, conversation).await?;
    }
    if matches!(found, Shares::In(_)) {
        workspace.uploads.forget(key).await;
    }
    Ok(Some(found))
}

fn part(workspace: &Workspace, parts: u32) -> Duration {
    workspace.pace.second_look * parts / PARTS
}
