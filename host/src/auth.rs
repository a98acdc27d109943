//! May this caller come in, and as whom? Credentials and proof in, a [`Principal`] or a refusal out.
//!
//! The order of the checks is part of the wire: it decides which error a client sees. Scopes are
//! computed here and only here; what a client asks for is a wish. Must not know: sockets, frames.

pub mod admission;
pub mod bearer;
mod credential;
pub mod origin;
pub mod peer;
pub mod proof;
pub mod refusal;
pub mod secret;
mod standing;
pub mod throttle;

pub use admission::Admission;
pub use peer::Peer;
pub use refusal::Refusal;
pub use secret::SharedSecret;

use crate::{
    clock::Clock,
    config::gateway::AuthMode,
    devices::{Devices, Issued},
    protocol::{
        connect::ClientInfo,
        scope::{Role, Scopes},
    },
    store::{Store, StoreError},
};
use std::sync::Arc;
use throttle::Throttle;

/// By what a caller came in; the word is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Mode `none`.
    None,
    /// The shared token.
    Token,
    /// The shared password.
    Password,
    /// A token of its own.
    DeviceToken,
    /// A setup code.
    BootstrapToken,
    /// A trusted reverse proxy named its user.
    TrustedProxy,
}

impl Method {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Token => "token",
            Self::Password => "password",
            Self::DeviceToken => "device-token",
            Self::BootstrapToken => "bootstrap-token",
            Self::TrustedProxy => "trusted-proxy",
        }
    }

    /// Whether the caller proved the gateway's own secret rather than a token of its own.
    #[must_use]
    pub fn is_shared(self) -> bool {
        matches!(self, Self::None | Self::Token | Self::Password)
    }
}

/// Who a connection proved to be.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Operator or node.
    pub role: Role,
    /// Its rights.
    pub scopes: Scopes,
    /// Those rights as the caller named them, in its order; what hello answers.
    pub scope_words: Vec<String>,
    /// By what it came in.
    pub method: Method,
    /// Its device, if it proved one.
    pub device_id: Option<String>,
    /// What it said of itself.
    pub client: ClientInfo,
    /// Where it comes from.
    pub peer: Peer,
}

impl Principal {
    /// Key of this caller for rate limits: its device, else its address.
    #[must_use]
    pub fn limit_key(&self) -> String {
        format!("{}@{}", self.device_id.as_deref().unwrap_or("-"), self.peer.ip)
    }
}

/// What the hello of an admitted device hands over.
#[derive(Clone, Debug, Default)]
pub struct HandOver {
    /// The device's token for its role.
    pub token: Option<Issued>,
    /// Tokens for further roles, from a setup code.
    pub further: Vec<Issued>,
}

/// How the door is set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The mode.
    pub mode: AuthMode,
    /// The shared secret; none in the modes without one.
    pub secret: Option<SharedSecret>,
    /// Approve local devices without asking.
    pub auto_approve_local: bool,
    /// Web origins.
    pub origins: origin::Origins,
}

/// The room's face.
#[derive(Debug)]
pub struct Auth {
    settings: Settings,
    devices: Devices,
    clock: Clock,
    store: Store,
    throttle: Throttle,
}

impl Auth {
    /// Loads lock-outs that outlive a restart and takes up the door.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn load(
        settings: Settings,
        devices: Devices,
        store: Store,
        clock: Clock,
    ) -> Result<Arc<Self>, StoreError> {
        let throttle = Throttle::load(&store, clock.clone()).await?;
        Ok(Arc::new(Self { settings, devices, clock, store, throttle }))
    }

    /// The mode.
    #[must_use]
    pub fn mode(&self) -> AuthMode {
        self.settings.mode
    }

    /// The registry of devices.
    #[must_use]
    pub fn devices(&self) -> &Devices {
        &self.devices
    }

    /// Which web origins may come in.
    #[must_use]
    pub fn origins(&self) -> &origin::Origins {
        &self.settings.origins
    }
}

#[cfg(test)]
mod tests;
