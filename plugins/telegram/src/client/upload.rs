//! Files on their way to Telegram: streamed from disk, never held in memory.

use crate::error::ApiError;
use jackfield_plugin_api::serde_json::{Map, Value};
use reqwest::{
    Body,
    multipart::{Form, Part},
};
use std::path::PathBuf;
use tokio::fs::File;

/// One file of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upload {
    /// The form's field.
    pub(crate) field: String,
    /// Where the bytes are.
    pub(crate) path: PathBuf,
    /// The name that people see.
    pub(crate) name: String,
    /// MIME type.
    pub(crate) mime: Option<String>,
}

/// A form of the parameters and the files.
pub(super) async fn form(
    params: &Map<String, Value>,
    uploads: &[Upload],
) -> Result<Form, ApiError> {
    let mut form = Form::new();
    for (name, value) in params {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        form = form.text(name.clone(), text);
    }
    for upload in uploads {
        form = form.part(upload.field.clone(), part(upload).await?);
    }
    Ok(form)
}

async fn part(upload: &Upload) -> Result<Part, ApiError> {
    let unreadable = |error: std::io::Error| {
        ApiError::File(format!("cannot read the file `{}` to send: {error}", upload.name))
    };
    let file = File::open(&upload.path).await.map_err(unreadable)?;
    let bytes = file.metadata().await.map_err(unreadable)?.len();
    let part = Part::stream_with_length(Body::from(file), bytes).file_name(upload.name.clone());
    match &upload.mime {
        Some(mime) => part
            .mime_str(mime)
            .map_err(|_| ApiError::File(format!("`{mime}` is not a type of a file"))),
        None => Ok(part),
    }
}
