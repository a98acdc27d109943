//! Files from Discord's own store, written to disk as they come and no further than allowed.

use super::{Rest, failure};
use jackfield_plugin_api::{
    SendError,
    error::FailureClass,
    tokio::{
        fs::{File, remove_file},
        io::AsyncWriteExt,
    },
};
use std::time::Duration;

/// A file may take long; a silent server may not.
const PATIENCE: Duration = Duration::from_mins(2);

/// What came.
pub(crate) struct Downloaded {
    pub(crate) bytes: u64,
    pub(crate) mime: Option<String>,
}

impl Rest {
    /// Writes what stands at `url` to the new file `path`; nothing is left there after a failure.
    /// The token is not sent along: the address is signed itself.
    pub(crate) async fn download(
        &self,
        url: &str,
        path: &str,
        bytes_max: u64,
    ) -> Result<Downloaded, SendError> {
        let done = self.stream(url, path, bytes_max).await;
        if done.is_err() {
            remove_file(path).await.ok();
        }
        done
    }

    async fn stream(&self, url: &str, path: &str, bytes_max: u64) -> Result<Downloaded, SendError> {
        let offline =
            |error: reqwest::Error| SendError::retryable("offline", failure(&error).to_string());
        let too_large = || {
            let text = format!("the file is larger than {bytes_max} bytes");
            SendError::permanent("too_large", text)
        };
        let mut answer = self.http.get(url).timeout(PATIENCE).send().await.map_err(offline)?;
        let status = answer.status();
        if !status.is_success() {
            let class = if status.is_client_error() {
                FailureClass::Permanent
            } else {
                FailureClass::Retryable
            };
            let text = format!("Discord's file store answered {status}");
            return Err(SendError { class, ..SendError::permanent("not_found", text) });
        }
        if answer.content_length().is_some_and(|bytes| bytes > bytes_max) {
            return Err(too_large());
        }
        let mime = answer.headers().get(reqwest::header::CONTENT_TYPE);
        let mime = mime.and_then(|mime| mime.to_str().ok()).map(str::to_owned);
        let disk = |error: std::io::Error| SendError::retryable("disk", error.to_string());
        let mut file = File::create_new(path).await.map_err(disk)?;
        let mut bytes = 0;
        while let Some(piece) = answer.chunk().await.map_err(offline)? {
            bytes += piece.len() as u64;
            if bytes > bytes_max {
                return Err(too_large());
            }
            file.write_all(&piece).await.map_err(disk)?;
        }
        file.flush().await.map_err(disk)?;
        Ok(Downloaded { bytes, mime })
    }
}
