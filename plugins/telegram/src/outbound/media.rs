//! Files → calls: alone, or together as an album where Telegram shows them together.

use super::{Call, Frame, Params, marked_call};
use crate::{client::Upload, text::Piece};
use jackfield_plugin_api::{
    SendError,
    attachment::Attachment,
    serde_json::{Value, json},
};
use std::path::{Path, PathBuf};

const ALBUM_MAX: usize = 10;
/// Larger pictures are taken as files only.
const PHOTO_BYTES_MAX: u64 = 10 << 20;

/// The family of albums that pictures and videos make together.
const PICTURES: u8 = 0;

/// How Telegram shows a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Photo,
    Video,
    Animation,
    Audio,
    Voice,
    Document,
}

impl Kind {
    /// The call that sends one, and the field of the file.
    fn method(self) -> (&'static str, &'static str) {
        match self {
            Self::Photo => ("sendPhoto", "photo"),
            Self::Video => ("sendVideo", "video"),
            Self::Animation => ("sendAnimation", "animation"),
            Self::Audio => ("sendAudio", "audio"),
            Self::Voice => ("sendVoice", "voice"),
            Self::Document => ("sendDocument", "document"),
        }
    }

    /// Files of the same family make an album; `None` goes alone.
    fn family(self) -> Option<u8> {
        match self {
            Self::Photo | Self::Video => Some(PICTURES),
            Self::Audio => Some(1),
            Self::Document => Some(2),
            Self::Animation | Self::Voice => None,
        }
    }
}

/// A file to send.
struct File<'a> {
    kind: Kind,
    source: Source,
    given: &'a Attachment,
}

enum Source {
    Path(PathBuf),
    /// An address that Telegram fetches itself, or a `file_id` of its own.
    Text(String),
}

/// Adds the calls for the files. The caption goes to the first file; only the first call of all
/// answers a message.
pub(super) fn plan(
    frame: &Frame,
    caption: Option<Piece>,
    attachments: &[Attachment],
    calls: &mut Vec<Call>,
) -> Result<(), SendError> {
    let files = attachments.iter().map(File::read).collect::<Result<Vec<_>, _>>()?;
    let mut caption = caption;
    let mut rest = files.as_slice();
    while let Some(first) = rest.first() {
        let together = match first.kind.family() {
            Some(family) => {
                let same = |file: &&File<'_>| file.kind.family() == Some(family);
                rest.iter().take(ALBUM_MAX).take_while(same).count()
            }
            None => 1,
        };
        let (now, later) = rest.split_at(together);
        let params = frame.params(calls.is_empty());
        calls.push(match now {
            [file] => single(file, file.kind, params, caption.take()),
            album => group(album, None, &params, caption.take().as_ref()),
        });
        rest = later;
    }
    Ok(())
}

fn single(file: &File<'_>, kind: Kind, mut params: Params, caption: Option<Piece>) -> Call {
    let (method, field) = kind.method();
    let mut uploads = Vec::new();
    match &file.source {
        Source::Path(path) => uploads.push(file.upload(field, path)),
        Source::Text(text) => {
            params.insert(field.to_owned(), text.clone().into());
        }
    }
    if kind == Kind::Video {
        params.insert("supports_streaming".to_owned(), true.into());
    }
    let as_document = matches!(kind, Kind::Photo | Kind::Voice).then(|| {
        let mut params = params.clone();
        params.remove(field);
        Box::new(single(file, Kind::Document, params, caption.clone()))
    });
    let call = match &caption {
        Some(piece) => marked_call(method, params, "caption", piece),
        None => Call { method, params, ..Call::default() },
    };
    Call { uploads, as_document, ..call }
}

/// An album; `kind` shows every file as such.
fn group(files: &[File<'_>], kind: Option<Kind>, params: &Params, caption: Option<&Piece>) -> Call {
    let mut uploads = Vec::new();
    let mut media = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let source = match &file.source {
            Source::Path(path) => {
                let field = format!("file{index}");
                uploads.push(file.upload(&field, path));
                format!("attach://{field}")
            }
            Source::Text(text) => text.clone(),
        };
        let kind = kind.unwrap_or(file.kind);
        let mut item = json!({ "type": kind.method().1, "media": source });
        if kind == Kind::Video {
            item["supports_streaming"] = true.into();
        }
        media.push(item);
    }
    // Telegram shows an album's words under it only where one file alone has them: under pictures
    // that is the first, under anything else the last.
    let spoken = match files.first().and_then(|file| kind.unwrap_or(file.kind).family()) {
        Some(PICTURES) => 0,
        _ => media.len() - 1,
    };
    let with = |media: Vec<Value>| {
        let mut params = params.clone();
        params.insert("media".to_owned(), media.into());
        params
    };
    let mut call = Call { method: "sendMediaGroup", uploads, ..Call::default() };
    if let Some(piece) = caption {
        let mut plain = media.clone();
        plain[spoken]["caption"] = piece.plain.clone().into();
        media[spoken]["caption"] = piece.html.clone().into();
        media[spoken]["parse_mode"] = "HTML".into();
        call.plain = Some(with(plain));
    }
    call.params = with(media);
    if kind.is_none() && files.iter().any(|file| file.kind == Kind::Photo) {
        call.as_document = Some(Box::new(group(files, Some(Kind::Document), params, caption)));
    }
    call
}

impl<'a> File<'a> {
    fn read(given: &'a Attachment) -> Result<Self, SendError> {
        let source = match (&given.path, &given.url, &given.fetch) {
            (Some(path), ..) => Source::Path(path.into()),
            (None, Some(url), _) if is_public(url) => Source::Text(url.clone()),
            (None, None, Some(file_id)) => Source::Text(file_id.clone()),
            _ => {
                let text =
                    "a file needs a path, or an address that begins with http:// or https://";
                return Err(SendError::permanent("bad_file", text));
            }
        };
        Ok(Self { kind: kind(given), source, given })
    }

    fn upload(&self, field: &str, path: &Path) -> Upload {
        let own = path.file_name().and_then(|name| name.to_str());
        Upload {
            field: field.to_owned(),
            path: path.to_owned(),
            name: self.given.name.as_deref().or(own).unwrap_or("file").to_owned(),
            mime: self.given.mime.clone(),
        }
    }
}

fn is_public(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// By its type; by the end of its name where nobody told the type.
fn kind(given: &Attachment) -> Kind {
    let address = given.url.as_deref().and_then(|url| url.split(['?', '#']).next());
    let name = given.name.as_deref().or(given.path.as_deref()).or(address).unwrap_or_default();
    let end = name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).unwrap_or_default();
    let mime = given.mime.as_deref().map(|mime| mime.split(';').next().unwrap_or(mime).trim());
    let kind = match (mime, end.as_str()) {
        (Some("image/jpeg" | "image/png" | "image/webp"), _)
        | (None, "jpg" | "jpeg" | "png" | "webp") => Kind::Photo,
        (Some("image/gif"), _) | (None, "gif") => Kind::Animation,
        (Some("video/mp4" | "video/quicktime"), _) | (None, "mp4" | "mov") => Kind::Video,
        (Some("audio/mpeg" | "audio/mp4" | "audio/x-m4a"), _) | (None, "mp3" | "m4a") => {
            Kind::Audio
        }
        (Some("audio/ogg"), _) | (None, "ogg" | "oga" | "opus") => Kind::Voice,
        _ => Kind::Document,
    };
    let large = given.bytes.is_some_and(|bytes| bytes > PHOTO_BYTES_MAX);
    if kind == Kind::Photo && large { Kind::Document } else { kind }
}
