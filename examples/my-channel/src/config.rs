//! The settings: the table `[channels.my-channel]`. Keys that are the gateway's pass by unread.

/// The settings of this channel.
#[derive(serde::Deserialize)]
pub(crate) struct Config {
    /// Address and port to listen on.
    pub(crate) listen: String,
}
