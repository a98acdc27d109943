//! Files that clients send along: taken out of the request and kept where agents and channels find
//! them.

use super::{Core, MethodError};
use crate::{
    agent::File,
    messages::{FILES_MAX, Missing},
    protocol::ATTACHMENT_BYTES_MAX,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jackfield_plugin_api::attachment::Attachment;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// A file of a `send`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Upload {
    /// Its bytes, as base64 text.
    buffer: Option<String>,
    filename: Option<String>,
    content_type: Option<String>,
}

/// The files to send along: by their addresses, and one kept here.
///
/// # Errors
/// When an address is none, or the file cannot be kept.
pub async fn attachments(
    core: &Core,
    urls: impl Iterator<Item = &String>,
    upload: Upload,
) -> Result<Vec<Attachment>, MethodError> {
    let mut list = Vec::new();
    for url in urls {
        if !url.starts_with("http://") && !url.starts_with("https://") {
            let text = "mediaUrl must be a web address; send the bytes of a file as `buffer`";
            return Err(MethodError::Invalid(text.to_owned()));
        }
        list.push(Attachment { url: Some(url.clone()), ..Attachment::default() });
    }
    if let Some(buffer) = &upload.buffer {
        let bytes = decoded(buffer)
            .ok_or_else(|| MethodError::Invalid("buffer is not base64".to_owned()))?;
        let (name, mime) = (upload.filename.as_deref(), upload.content_type.as_deref());
        let File { name, mime, bytes, path, .. } = keep(core, name, mime, bytes).await?;
        list.push(Attachment { name, mime, bytes, path, ..Attachment::default() });
    }
    Ok(list)
}

/// The files of `attachments`, kept.
///
/// # Errors
/// When one is no file, or they are too many or too large; nothing is said then.
pub async fn kept(core: &Core, attachments: &[Value]) -> Result<Vec<File>, MethodError> {
    if attachments.len() > FILES_MAX {
        return Err(MethodError::Invalid(Missing::TooMany.to_string()));
    }
    let mut files = Vec::new();
    let mut left = ATTACHMENT_BYTES_MAX;
    for (index, attachment) in attachments.iter().enumerate() {
        let text = |name: &str| attachment[name].as_str().filter(|text| !text.is_empty());
        let content = text("content").ok_or_else(|| {
            MethodError::Invalid(format!("attachments[{index}].content must be base64 text"))
        })?;
        let (name, mime) = (text("fileName"), text("mimeType"));
        let bytes = decoded(content).ok_or_else(|| {
            MethodError::Invalid(format!("attachments[{index}].content is not base64"))
        })?;
        left = left.checked_sub(bytes.len() as u64).ok_or_else(|| {
            let text = format!("attachments may have {ATTACHMENT_BYTES_MAX} bytes in all");
            MethodError::Invalid(text)
        })?;
        files.push(keep(core, name, mime, bytes).await?);
    }
    Ok(files)
}

/// Keeps one file.
async fn keep(
    core: &Core,
    name: Option<&str>,
    mime: Option<&str>,
    bytes: Vec<u8>,
) -> Result<File, MethodError> {
    let size = bytes.len() as u64;
    let kept = core.messages.spool().keep_bytes(name, mime, bytes).await;
    let path = kept.map_err(|why| match why {
        Missing::Lack(_) => MethodError::Invalid(why.to_string()),
        other => MethodError::Unavailable(other.to_string()),
    })?;
    Ok(File {
        name: name.map(str::to_owned),
        mime: mime.map(str::to_owned),
        bytes: Some(size),
        path: Some(path.display().to_string()),
        missing: None,
    })
}

/// The bytes of base64 text, or of a `data:` address that holds some.
fn decoded(content: &str) -> Option<Vec<u8>> {
    let text = match content.strip_prefix("data:") {
        Some(rest) => rest.split_once(";base64,")?.1,
        None => content,
    };
    STANDARD.decode(text.trim()).ok()
}
