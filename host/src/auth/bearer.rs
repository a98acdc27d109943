//! Ordinary HTTP requests that carry a secret in `Authorization`: the shared one, or the token of an
//! operator's device.

use super::{Auth, Peer, throttle::Class};
use crate::{config::gateway::AuthMode, protocol::connect::Credentials};
use std::time::Duration;

/// Why a request may not have its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoBearer {
    /// No secret, or a wrong one; answer after this time.
    Unauthorized(Duration),
    /// Too many wrong ones; milliseconds until the next try.
    Locked(u64),
}

impl Auth {
    /// Judges the secret of an `Authorization: Bearer` header.
    ///
    /// # Errors
    /// Why it does not do.
    pub async fn bearer(&self, peer: &Peer, token: Option<&str>) -> Result<(), NoBearer> {
        let open = match self.mode() {
            AuthMode::None => true,
            AuthMode::TrustedProxy => peer.user.is_some(),
            AuthMode::Token | AuthMode::Password => false,
        };
        if open {
            return Ok(());
        }
        if let Some(left_ms) = self.throttle.locked(peer, Class::SharedSecret) {
            return Err(NoBearer::Locked(left_ms));
        }
        let Some(token) = token else { return Err(NoBearer::Unauthorized(Duration::ZERO)) };
        let given = Credentials { token: Some(token.to_owned()), ..Credentials::default() };
        if self.shared(peer, &given).is_some() || self.devices.knows_operator_token(token) {
            return Ok(());
        }
        let penalty = self.throttle.failed(peer, Class::SharedSecret);
        if let Some(until) = penalty.locked_until_ms
            && let Err(error) =
                self.throttle.remember(&self.store, peer, Class::SharedSecret, until).await
        {
            tracing::warn!(%error, "a lock-out could not be stored; it ends with this process");
        }
        Err(NoBearer::Unauthorized(penalty.delay))
    }
}
