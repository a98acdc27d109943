//! Files that come with messages: brought into the gateway's own folder before the turn that needs
//! them, within limits, and named with the reason when they cannot be had.
//!
//! Part of the journaled job: after the commit, after the gate, again after a restart until it is
//! done. Must not know: what an agent does with a file.

mod download;
mod reach;
mod spool;

pub(super) use reach::own_addresses;
pub use spool::{FILE_BYTES_MAX, FILES_MAX, Lack, Spool};

use super::pipe::Pipe;
use crate::agent::File;
use download::Downloads;
use jackfield_plugin_api::{
    attachment::Attachment,
    error::{FailureClass, SendError},
    event::Event,
    fetch::Fetch,
    id::AccountId,
};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::Duration,
};

/// Waits between attempts at one file while its plugin is away or the platform busy.
const PAUSES: [Duration; 4] = {
    let unit = if cfg!(test) { 1 } else { 1000 };
    let of = Duration::from_millis;
    [of(unit), of(2 * unit), of(4 * unit), of(8 * unit)]
};
/// Longest wait that a platform may ask for.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// Why a file is not there.
#[derive(Debug, thiserror::Error)]
pub enum Missing {
    /// More files than a message may have.
    #[error("a message may have {FILES_MAX} files")]
    TooMany,
    /// No room, or too large.
    #[error(transparent)]
    Lack(#[from] Lack),
    /// The platform, its plugin or another server refuses.
    #[error("{0}")]
    Refused(String),
    /// What was brought is no ordinary file in its place.
    #[error("what came is not an ordinary file")]
    NotAFile,
    /// Our own disk.
    #[error("it could not be stored ({0})")]
    Disk(#[from] std::io::Error),
}

/// The way of files to their place.
pub(super) struct Media {
    pub(super) spool: Spool,
    downloads: Downloads,
}

impl Media {
    /// `own`: channel → addresses that its operator configured, which may be private.
    pub(super) fn new(spool: Spool, own: HashMap<String, Vec<String>>) -> Self {
        Self { spool, downloads: Downloads::new(own) }
    }
}

/// The message that files came with.
pub(super) struct From<'a> {
    /// Its number in the journal, which names its files here.
    pub(super) seq: u64,
    /// Its channel.
    pub(super) channel: &'a str,
    /// Its account.
    pub(super) account: &'a AccountId,
}

impl Pipe {
    /// Brings the files of a message; each has a place or a reason.
    pub(super) async fn bring(&self, from: &From<'_>, event: &Event) -> Vec<File> {
        let Event::Message(message) = event else { return Vec::new() };
        let mut files = Vec::new();
        for (index, attachment) in message.attachments.iter().enumerate() {
            let mut file = File {
                name: attachment.name.clone(),
                mime: attachment.mime.clone(),
                bytes: attachment.bytes,
                ..File::default()
            };
            let brought = if index < FILES_MAX {
                self.bring_one(from, index, attachment, &mut file).await
            } else {
                Err(Missing::TooMany)
            };
            if let Err(why) = brought {
                self.counters.media_missing.add(1);
                tracing::warn!(seq = from.seq, channel = from.channel, %why, "a file is missing");
                file.missing = Some(why.to_string());
            }
            files.push(file);
        }
        files
    }

    async fn bring_one(
        &self,
        from: &From<'_>,
        index: usize,
        attachment: &Attachment,
        file: &mut File,
    ) -> Result<(), Missing> {
        let spool = &self.media.spool;
        let name = format!("{}-{index}", from.seq);
        let place = spool.place(&name, file.name.as_deref(), file.mime.as_deref());
        if !place.exists() {
            spool.make_room(attachment.bytes.unwrap_or(0)).await?;
            let mut draft = self.draft_place(from.channel, &name)?;
            if let Some(handle) = &attachment.fetch {
                draft = self.fetch(from, handle, &name, file).await?;
            } else if let Some(url) = &attachment.url {
                let mime = self.media.downloads.bring(from.channel, url, &draft).await?;
                file.mime = file.mime.take().or(mime);
            } else if let Some(path) = &attachment.path {
                spool.take_over(Path::new(path), &draft)?;
            } else {
                return Err(Missing::Refused("the channel says not where it is".to_owned()));
            }
            spool.keep(&draft, &place).await?;
        }
        file.bytes = Some(place.metadata()?.len());
        file.path = Some(place.display().to_string());
        Ok(())
    }

    /// Where a file grows before it is whole: a folder that the channel's plugin may write into.
    fn draft_place(&self, channel: &str, name: &str) -> Result<PathBuf, Missing> {
        let folder = self.senders.spool(channel);
        let folder = folder.unwrap_or_else(|| self.media.spool.folder().to_owned());
        spool::make_folder(&folder)?;
        let place = folder.join(format!("{name}.part"));
        remove_if_there(&place)?;
        Ok(place)
    }

    /// Lets the plugin bring a file and says where it put it.
    async fn fetch(
        &self,
        from: &From<'_>,
        handle: &str,
        name: &str,
        file: &mut File,
    ) -> Result<PathBuf, Missing> {
        let mut pauses = PAUSES.into_iter();
        loop {
            // Where the plugin may write is known once it is: after a start that can be later than this.
            let draft = self.draft_place(from.channel, name)?;
            let wanted = Fetch {
                account: from.account.clone(),
                handle: handle.to_owned(),
                path: draft.display().to_string(),
                bytes_max: FILE_BYTES_MAX,
            };
            let error = match self.senders.fetch(from.channel, wanted).await {
                Ok(fetched) => {
                    file.mime = file.mime.take().or(fetched.mime);
                    file.name = file.name.take().or(fetched.name);
                    return Ok(draft);
                }
                Err(error) => error,
            };
            let Some(wait) = again_after(&error, pauses.next()) else {
                return Err(Missing::Refused(error.text));
            };
            remove_if_there(&draft)?;
            tokio::select! {
                () = self.stop.cancelled() => return Err(Missing::Refused(error.text)),
                () = tokio::time::sleep(wait) => {}
            }
        }
    }
}

fn again_after(error: &SendError, pause: Option<Duration>) -> Option<Duration> {
    let asked = error.retry_after_ms.map_or(Duration::ZERO, Duration::from_millis);
    let pause = pause.filter(|_| error.class == FailureClass::Retryable)?;
    (asked <= WAIT_MAX).then(|| pause.max(asked))
}

fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
