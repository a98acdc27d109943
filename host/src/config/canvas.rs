//! `[canvas]`: pages that the agent draws.

use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// `[canvas]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CanvasSection {
    /// Whether there is one.
    pub enabled: bool,
    /// The folder; `canvas` in the state folder when absent.
    pub root: Option<PathBuf>,
    /// Open pages reload when a file is saved.
    pub live_reload: bool,
    /// Largest file that is handed out, MiB.
    pub max_file_mb: u32,
}

impl Default for CanvasSection {
    fn default() -> Self {
        Self { enabled: true, root: None, live_reload: true, max_file_mb: 64 }
    }
}

impl CanvasSection {
    /// Largest file that is handed out, bytes.
    #[must_use]
    pub fn file_bytes_max(&self) -> u64 {
        u64::from(self.max_file_mb) << 20
    }
}
