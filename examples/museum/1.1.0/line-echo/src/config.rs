//! The settings: the table `[channels.line]`. Keys that are the gateway's pass by unread.

use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Config {
    /// Address and port to listen on. Port 0 takes a free one; the link's detail says which.
    #[serde(default = "loopback")]
    pub(crate) listen: String,
    /// For testing hosts, never for use: misbehave in this way.
    pub(crate) fault: Option<Fault>,
}

fn loopback() -> String {
    "127.0.0.1:0".to_owned()
}

/// The ways in which a host must survive a plugin.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    PanicInStart,
    ExitInStart,
    PanicInSend,
    AbortInSend,
    HangInSend,
}
