//! Bytes of files, up and down.
//!
//! Up: Slack names an address, takes the bytes there, and shares the file in a third call, which is
//! the only one that people can see. Down: with the bot's token, and only from Slack's own hosts.

use super::{Api, failed, text_header};
use crate::{config::is_this_machine, error::ApiError};
use jackfield_plugin_api::serde_json::{Value, json};
use reqwest::{Response, Url, header};
use std::{path::Path, time::Duration};
use tokio::{
    fs::{File, OpenOptions, remove_file},
    io::AsyncWriteExt,
};

/// Redirects followed on the way to a file.
const HOPS_MAX: usize = 4;
/// Files that are pages themselves; canvases are kept as such.
const PAGES: [&str; 2] = ["text/html", "application/vnd.slack-docs"];
/// Between two pieces of a file.
const STALL_PATIENCE: Duration = Duration::from_secs(30);

/// A file that Slack keeps, as far as it matters here.
pub(crate) struct Kept {
    pub(crate) mime: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) bytes: u64,
}

/// Whether a file stands in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shares {
    Nowhere,
    /// In this message, where Slack names it.
    In(Option<String>),
}

impl Api {
    /// Whether a file was shared in a conversation.
    pub(crate) async fn shares(&self, id: &str, conversation: &str) -> Result<Shares, ApiError> {
        let answer = self.call("files.info", &vec![("file", id.to_owned())]).await?;
        Ok(shares_of(&answer["file"], conversation))
    }

    /// Brings a file's bytes to Slack without showing it to anybody; returns its id.
    pub(crate) async fn upload(&self, path: &Path, name: &str) -> Result<String, ApiError> {
        let unreadable =
            |e: std::io::Error| ApiError::File(format!("`{name}` cannot be read: {e}"));
        let file = File::open(path).await.map_err(unreadable)?;
        let bytes = file.metadata().await.map_err(unreadable)?.len();
        if bytes == 0 {
            return Err(ApiError::File(format!(
                "`{name}` is empty, and Slack takes no empty file"
            )));
        }
        let form = vec![("filename", name.to_owned()), ("length", bytes.to_string())];
        let answer = self.call("files.getUploadURLExternal", &form).await?;
        let (Some(url), Some(id)) = (answer["upload_url"].as_str(), answer["file_id"].as_str())
        else {
            return Err(ApiError::Lost("it named no place for the file".to_owned()));
        };
        let url = self.own_address(url)?;
        let sent = self
            .http
            .post(url)
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header(header::CONTENT_LENGTH, bytes)
            .body(file)
            .send()
            .await
            .map_err(failed)?;
        if !sent.status().is_success() {
            return Err(ApiError::Lost(format!(
                "the bytes of `{name}` met status {}",
                sent.status()
            )));
        }
        Ok(id.to_owned())
    }

    /// Writes a file that Slack keeps to `path`, which must not exist yet.
    pub(crate) async fn download(
        &self,
        id: &str,
        path: &Path,
        bytes_max: u64,
    ) -> Result<Kept, ApiError> {
        let answer = self.call("files.info", &vec![("file", id.to_owned())]).await?;
        let file = &answer["file"];
        let text = |key: &str| file[key].as_str().map(str::to_owned);
        let url = text("url_private_download").or_else(|| text("url_private"));
        let Some(url) = url else {
            return Err(ApiError::File("Slack keeps no bytes of that file".to_owned()));
        };
        let size = file["size"].as_u64();
        if size.is_some_and(|size| size > bytes_max) {
            return Err(ApiError::TooLarge(bytes_max));
        }
        let response = self.follow(&url).await?;
        let page =
            text_header(&response, "content-type").is_some_and(|t| t.starts_with("text/html"));
        let mime = text("mimetype");
        if page && !mime.as_deref().is_some_and(|mime| PAGES.contains(&mime)) {
            // Slack answers with its login page where a token may not read files.
            let text = "Slack showed its login page instead of the file: the bot token needs the \
                        scope files:read";
            return Err(ApiError::File(text.to_owned()));
        }
        match store(response, path, bytes_max).await {
            Ok(bytes) => Ok(Kept { mime, name: text("name"), bytes }),
            Err(error) => {
                // Half a file is no file; that it is gone already is as good.
                let _ = remove_file(path).await;
                Err(error)
            }
        }
    }

    async fn follow(&self, url: &str) -> Result<Response, ApiError> {
        let mut url = self.own_address(url)?;
        for _ in 0..HOPS_MAX {
            let response = self.bearer(self.http.get(url.clone())).send().await.map_err(failed)?;
            if response.status().is_success() {
                return Ok(response);
            }
            let next =
                text_header(&response, "location").filter(|_| response.status().is_redirection());
            let Some(next) = next.and_then(|next| url.join(next).ok()) else {
                let text = format!("the file cannot be had: status {}", response.status());
                return Err(ApiError::File(text));
            };
            url = self.own_address(next.as_str())?;
        }
        Err(ApiError::File("the file is behind too many redirects".to_owned()))
    }

    /// The address, if it is Slack's: nobody else may see the token or a person's file.
    fn own_address(&self, address: &str) -> Result<Url, ApiError> {
        let foreign = || ApiError::File("that file is not on Slack's own hosts".to_owned());
        let url = Url::parse(address).map_err(|_| foreign())?;
        let base = Url::parse(self.base()).map_err(|_| foreign())?;
        let host = url.host_str().unwrap_or_default();
        let home = base.host_str().unwrap_or_default();
        let here = is_this_machine(host) && is_this_machine(home);
        let same = url.scheme() == base.scheme() && (host == home || here);
        let slack = url.scheme() == "https"
            && ["slack.com", "slack-edge.com", "slack-files.com"]
                .iter()
                .any(|own| host == *own || host.ends_with(&format!(".{own}")));
        if same || slack { Ok(url) } else { Err(foreign()) }
    }
}

/// What `files.completeUploadExternal` is told about one file.
pub(crate) fn shared(id: &str, title: &str) -> Value {
    json!({ "id": id, "title": title })
}

/// What Slack says of a file's places.
pub(crate) fn shares_of(file: &Value, conversation: &str) -> Shares {
    let mut messages =
        ["public", "private"].iter().map(|kind| &file["shares"][kind][conversation][0]);
    if let Some(ts) = messages.find_map(|message| message["ts"].as_str()) {
        return Shares::In(Some(ts.to_owned()));
    }
    let lists = ["channels", "groups", "ims"].iter().filter_map(|kind| file[kind].as_array());
    let there = lists.flatten().any(|listed| *listed == conversation);
    if there { Shares::In(None) } else { Shares::Nowhere }
}

async fn store(mut response: Response, path: &Path, bytes_max: u64) -> Result<u64, ApiError> {
    let unwritable = |e: std::io::Error| ApiError::File(format!("the file cannot be stored: {e}"));
    let mut file =
        OpenOptions::new().write(true).create_new(true).open(path).await.map_err(unwritable)?;
    let mut bytes = 0;
    loop {
        let chunk = tokio::time::timeout(STALL_PATIENCE, response.chunk());
        let chunk =
            chunk.await.map_err(|_| ApiError::Lost("the file stopped coming".to_owned()))?;
        let Some(chunk) = chunk.map_err(failed)? else { break };
        bytes += chunk.len() as u64;
        if bytes > bytes_max {
            return Err(ApiError::TooLarge(bytes_max));
        }
        file.write_all(&chunk).await.map_err(unwritable)?;
    }
    file.flush().await.map_err(unwritable)?;
    Ok(bytes)
}
