//! `[nodes]`: which commands nodes may offer, beside those of the built-in lists.

use schemars::JsonSchema;
use serde::Deserialize;

/// `[nodes]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NodesSection {
    /// Commands that are allowed although they are not on the list of a node's platform, or are
    /// dangerous: `camera.snap`, `screen.record`, `sms.send` and the like.
    pub allow: Vec<String>,
    /// Commands that no node may offer; wins over `allow`.
    pub deny: Vec<String>,
}
