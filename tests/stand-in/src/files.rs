//! Files that come with messages: the feed names one, its bytes are fetched when the gateway asks.
//!
//! `file:<name> <words>` is a message with a file.

use jackfield_plugin_api::{
    Fetch, Fetched, SendError,
    attachment::Attachment,
    tokio::{
        fs,
        io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
        net::TcpStream,
    },
};

/// The file that a text announces, and its words.
pub(crate) fn announced(text: String) -> (Vec<Attachment>, String) {
    let Some((name, words)) = text.strip_prefix("file:").and_then(|rest| rest.split_once(' '))
    else {
        return (Vec::new(), text);
    };
    let file = Attachment {
        name: Some(name.to_owned()),
        fetch: Some(name.to_owned()),
        ..Attachment::default()
    };
    (vec![file], words.to_owned())
}

/// Brings a file from the platform.
pub(crate) async fn bring(server: &str, wanted: Fetch) -> Result<Fetched, SendError> {
    let broken = |error: std::io::Error| SendError::retryable("broken", error.to_string());
    let mut socket = TcpStream::connect(server).await.map_err(broken)?;
    socket.write_all(format!("GET {}\n", wanted.handle).as_bytes()).await.map_err(broken)?;
    let mut lines = BufReader::new(socket);
    let mut first = String::new();
    lines.read_line(&mut first).await.map_err(broken)?;
    let bytes = match first.trim_end().split_once(' ') {
        Some(("HAVE", bytes)) => bytes.parse::<u64>().unwrap_or(u64::MAX),
        Some(("GONE", _)) => return Err(SendError::permanent("gone", "the platform lost it")),
        _ => return Err(SendError::retryable("later", "the platform has not got it yet")),
    };
    if bytes > wanted.bytes_max {
        return Err(SendError::permanent("too_large", "the file is too large"));
    }
    let mut whole = Vec::new();
    lines.read_to_end(&mut whole).await.map_err(broken)?;
    let unwritten = |error: std::io::Error| SendError::permanent("unwritten", error.to_string());
    fs::write(&wanted.path, &whole).await.map_err(unwritten)?;
    Ok(Fetched { bytes, mime: Some("text/plain".to_owned()), name: None })
}
