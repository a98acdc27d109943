//! The canvas: files under one folder that an agent edits and a page shows, handed out by capability.
//!
//! Whatever lies there is hostile: it is opened without following anything out of the folder, and
//! only for who holds the capability of a living connection. Must not know: HTTP, who connects.

pub mod a2ui;
pub mod capability;
pub mod live;
pub mod root;

pub use capability::{Capabilities, Grant};
pub use live::Live;
pub use root::{Document, Missing, Root};

use crate::{clock::Clock, config::canvas::CanvasSection, events::ConnNumber};
use std::{io, path::PathBuf};

/// The surface's name on the wire.
pub const SURFACE: &str = "canvas";
/// Below it every capability has a corner of its own.
pub const CORNERS: &str = "/__openclaw__/cap/";

/// The room's face.
#[derive(Debug)]
pub struct Canvas {
    /// Who may look.
    pub capabilities: Capabilities,
    /// What there is.
    pub root: Root,
    /// When it changes; absent when pages are not to reload by themselves.
    pub live: Option<Live>,
}

impl Canvas {
    /// Opens the folder, making it when missing; `None` when the canvas is off.
    ///
    /// # Errors
    /// When the folder cannot be made or opened.
    pub fn open(
        settings: &CanvasSection,
        default_root: PathBuf,
        clock: Clock,
    ) -> io::Result<Option<Self>> {
        if !settings.enabled {
            return Ok(None);
        }
        let path = settings.root.clone().unwrap_or(default_root);
        let root = Root::open(&path, settings.file_bytes_max())?;
        let live = settings.live_reload.then(|| Live::new(path));
        Ok(Some(Self { capabilities: Capabilities::new(clock), root, live }))
    }

    /// The address of a new capability for a connection that reached the gateway at `base`
    /// (`http://host:port`), and when it ends unless used, milliseconds.
    #[must_use]
    pub fn address(&self, conn: ConnNumber, base: &str) -> (String, u64) {
        let (word, expires) = self.capabilities.issue(conn);
        (corner(base, &word), expires)
    }
}

/// The address of a capability's corner.
#[must_use]
pub fn corner(base: &str, word: &str) -> String {
    format!("{base}{CORNERS}{word}")
}
