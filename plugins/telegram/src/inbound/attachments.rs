//! The files of a message. Their handle is the `file_id`; the bytes are fetched when the core asks.

use super::wire::{File, Message, PaidFile};
use jackfield_plugin_api::attachment::Attachment;

/// The files, in a shape that says where their bytes are.
pub(super) fn read(message: &mut Message) -> Vec<Attachment> {
    let photo = largest(std::mem::take(&mut message.photo));
    let animation = message.animation.take();
    // An animation is repeated as a document for programs that know none.
    let document = message.document.take().filter(|_| animation.is_none());
    let paid = message.paid_media.take().map(|paid| paid.paid_media).unwrap_or_default();
    let paid = paid.into_iter().flat_map(|PaidFile { photo, video }| {
        let photo = largest(photo).map(|file| made(file, "image/jpeg"));
        [photo, video.map(|file| made(file, "video/mp4"))]
    });
    [
        photo.map(|file| made(file, "image/jpeg")),
        animation.map(|file| made(file, "video/mp4")),
        document.map(|file| made(file, "application/octet-stream")),
        message.video.take().map(|file| made(file, "video/mp4")),
        message.audio.take().map(|file| made(file, "audio/mpeg")),
        message.voice.take().map(|file| made(file, "audio/ogg")),
        message.video_note.take().map(|file| made(file, "video/mp4")),
        message.sticker.take().map(|file| {
            let mime = match (file.is_animated, file.is_video) {
                (true, _) => "application/x-tgsticker",
                (_, true) => "video/webm",
                _ => "image/webp",
            };
            made(file, mime)
        }),
    ]
    .into_iter()
    .chain(paid)
    .flatten()
    .collect()
}

/// A picture comes in several sizes; the largest is last, but that is nowhere promised.
fn largest(sizes: Vec<File>) -> Option<File> {
    sizes.into_iter().max_by_key(|size| u64::from(size.width) * u64::from(size.height))
}

fn made(file: File, usual: &str) -> Attachment {
    Attachment {
        mime: Some(file.mime_type.unwrap_or_else(|| usual.to_owned())),
        name: file.file_name,
        bytes: file.file_size,
        fetch: Some(file.file_id),
        ..Attachment::default()
    }
}
