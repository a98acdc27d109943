//! The settings: the table `[channels.webchat]`. None is WebChat's own; `enabled` is the gateway's.

use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Config {}
