//! `[gateway.control_ui]`: the control page of the original, when a person has its files.

use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// `[gateway.control_ui]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ControlUiSection {
    /// Folder with the page's built files (`index.html` in it), for example `dist/control-ui` of the
    /// npm package; served at `/`. Absent: no page.
    pub root: Option<PathBuf>,
}
