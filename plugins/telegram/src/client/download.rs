//! Files on their way from Telegram, and from the disk of a local Bot API server.

use super::{Client, failed};
use crate::error::ApiError;
use jackfield_plugin_api::{SendError, serde_json::json};
use serde::Deserialize;
use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    fs::{self, File},
    io::{AsyncReadExt, AsyncWriteExt},
};

const ASK_PATIENCE: Duration = Duration::from_secs(20);
/// A download has no end of its own; this many seconds without a byte are one.
const STALL_MAX: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
struct Found {
    file_path: Option<String>,
    file_size: Option<u64>,
}

impl Client {
    /// Writes the file behind `file_id` to `path`, at most `bytes_max`; says how many bytes it has.
    pub(crate) async fn download(
        &self,
        file_id: &str,
        path: &Path,
        bytes_max: u64,
    ) -> Result<u64, SendError> {
        let found: Found = self
            .call("getFile", &json!({ "file_id": file_id }), ASK_PATIENCE)
            .await
            .map_err(|error| error.outcome(true))?;
        if found.file_size.is_some_and(|bytes| bytes > bytes_max) {
            return Err(too_large(bytes_max));
        }
        let Some(source) = found.file_path else {
            return Err(SendError::retryable("no_path", "Telegram named no path of the file"));
        };
        if Path::new(&source).is_absolute() {
            return self.copy(Path::new(&source), path, bytes_max).await;
        }
        self.stream(&source, path, bytes_max).await
    }

    async fn stream(&self, source: &str, path: &Path, bytes_max: u64) -> Result<u64, SendError> {
        let url = format!("{}/{source}", self.files);
        let lost = |error: reqwest::Error| failed(error).outcome(true);
        let asking = tokio::time::timeout(ASK_PATIENCE, self.http.get(url).send());
        let mut response = asking.await.map_err(|_| stalled())?.map_err(lost)?;
        if !response.status().is_success() {
            let code = response.status().as_u16();
            let text = format!("the file server answered {code}");
            // A path is good for an hour: asked for anew it may work.
            return Err(SendError::retryable("no_file", text));
        }
        let mut file = File::create_new(path).await.map_err(|error| unwritten(&error))?;
        let mut bytes = 0;
        loop {
            let chunk = tokio::time::timeout(STALL_MAX, response.chunk());
            let Some(chunk) = chunk.await.map_err(|_| stalled())?.map_err(lost)? else { break };
            bytes += chunk.len() as u64;
            if bytes > bytes_max {
                return Err(too_large(bytes_max));
            }
            file.write_all(&chunk).await.map_err(|error| unwritten(&error))?;
        }
        file.flush().await.map_err(|error| unwritten(&error))?;
        Ok(bytes)
    }

    /// A server that runs with `--local` names files on its own disk. Only what lies below the
    /// folder that the operator named is read: the server's word is no permission.
    async fn copy(&self, source: &Path, path: &Path, bytes_max: u64) -> Result<u64, SendError> {
        let source = inside(self.local_files.as_deref(), source).await?;
        let unread = |error: &io::Error| {
            SendError::retryable(
                "file_unreadable",
                format!("cannot read the server's file: {error}"),
            )
        };
        let file = File::open(&source).await.map_err(|error| unread(&error))?;
        if file.metadata().await.map_err(|error| unread(&error))?.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        let mut target = File::create_new(path).await.map_err(|error| unwritten(&error))?;
        let mut limited = file.take(bytes_max);
        let bytes = tokio::io::copy(&mut limited, &mut target).await.map_err(|e| unread(&e))?;
        target.flush().await.map_err(|error| unwritten(&error))?;
        Ok(bytes)
    }
}

async fn inside(root: Option<&Path>, source: &Path) -> Result<PathBuf, SendError> {
    let refused = |text: &str| SendError::permanent("not_allowed", text);
    let Some(root) = root else {
        return Err(refused(
            "the Bot API server keeps files on its own disk: name that folder in \
             `channels.telegram.local_files`",
        ));
    };
    let (root, source) = (fs::canonicalize(root).await, fs::canonicalize(source).await);
    match (root, source) {
        (Ok(root), Ok(source)) if source.starts_with(&root) => Ok(source),
        (Ok(_), Ok(_)) => Err(refused("the file lies outside `channels.telegram.local_files`")),
        _ => Err(refused("the file, or the folder `channels.telegram.local_files`, is not there")),
    }
}

fn too_large(bytes_max: u64) -> SendError {
    SendError::permanent("too_large", format!("the file has more than {bytes_max} bytes"))
}

fn stalled() -> SendError {
    ApiError::Unanswered("the file stopped coming".to_owned()).outcome(true)
}

fn unwritten(error: &io::Error) -> SendError {
    SendError::retryable("disk", format!("cannot write the file: {error}"))
}
