//! The WebChat channel: serves the chat page below `/webchat/`.
//!
//! The page talks to the gateway by WebSocket like any other client, so no message passes through
//! here: `channel` answers requests, `assets` knows the files, `config` the settings.
//!
//! Must not know: the WebSocket protocol, what the page does.

mod assets;
mod channel;
mod config;
#[cfg(test)]
mod tests;

use jackfield_plugin_api::export_channel;

export_channel!(channel::WebChat, id = "webchat");
