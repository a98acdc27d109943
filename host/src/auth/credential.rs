//! The credentials of a `connect`: the shared secret, a device's own token, a setup code; and what a
//! wrong one costs.

use super::{
    Auth, Method, Peer,
    refusal::{Advised, BadCredential, Refusal},
    throttle::Class,
};
use crate::{
    config::gateway::AuthMode,
    devices::{Ask, TokenVerdict, setup::Completion},
    protocol::{
        connect::{ClientId, ClientMode, ConnectParams, Credentials},
        scope::Role,
    },
};
use std::time::Duration;

impl Auth {
    /// By which shared secret the caller may come in. The secret is taken in either field, whatever
    /// the mode: some clients put what a person typed into both.
    pub(super) fn shared(&self, peer: &Peer, given: &Credentials) -> Option<Method> {
        match self.settings.mode {
            AuthMode::None => return Some(Method::None),
            AuthMode::TrustedProxy => return peer.user.is_some().then_some(Method::TrustedProxy),
            AuthMode::Token | AuthMode::Password => {}
        }
        if self.throttle.locked(peer, Class::SharedSecret).is_some() {
            return None;
        }
        let secret = self.settings.secret.as_ref()?;
        let offered = [given.token.as_deref(), given.password.as_deref()];
        let good = offered.into_iter().flatten().any(|text| secret.matches(text));
        let method =
            if self.settings.mode == AuthMode::Token { Method::Token } else { Method::Password };
        good.then_some(method)
    }

    /// A caller without the shared secret: its own token, or a setup code.
    pub(super) async fn device_credential(
        &self,
        peer: &Peer,
        given: &Credentials,
        ask: &Ask,
        advised: Advised,
    ) -> Result<Method, Refusal> {
        let explicit = given.device_token.as_deref().filter(|t| !t.is_empty());
        let maybe = given.token.as_deref().filter(|t| !t.is_empty());
        if explicit.or(maybe).is_some() && self.throttle.locked(peer, Class::DeviceToken).is_none()
        {
            let mut verdict = TokenVerdict::Mismatch;
            for token in [explicit, maybe].into_iter().flatten() {
                match self.devices.verify(
                    &ask.device_id,
                    &ask.public_key,
                    ask.role,
                    token,
                    ask.scopes,
                ) {
                    TokenVerdict::Good => return Ok(Method::DeviceToken),
                    TokenVerdict::ScopesTooSmall => verdict = TokenVerdict::ScopesTooSmall,
                    TokenVerdict::Mismatch => {}
                }
            }
            if verdict == TokenVerdict::ScopesTooSmall {
                return Err(Refusal::Credential {
                    reason: BadCredential::ScopeMismatch,
                    delay: Duration::ZERO,
                });
            }
        }
        if let Some(token) = given.bootstrap_token.as_deref().filter(|t| !t.is_empty()) {
            let open = self.throttle.locked(peer, Class::BootstrapToken).is_none();
            if open && ask.role == Role::Node && self.devices.setup_access(token).is_some() {
                return Ok(Method::BootstrapToken);
            }
            self.guessed(peer, given).await?;
            return Err(self
                .refuse(peer, BadCredential::BootstrapInvalid, Class::BootstrapToken)
                .await);
        }
        if explicit.is_some() {
            self.guessed(peer, given).await?;
            return Err(self
                .refuse(peer, BadCredential::DeviceTokenMismatch, Class::DeviceToken)
                .await);
        }
        let reason = self.shared_mismatch(given, maybe.is_some(), advised);
        Err(self.refuse(peer, reason, Class::SharedSecret).await)
    }

    pub(super) fn shared_mismatch(
        &self,
        given: &Credentials,
        device_with_token: bool,
        advised: Advised,
    ) -> BadCredential {
        let filled = |t: &Option<String>| t.as_deref().is_some_and(|t| !t.is_empty());
        let tried = filled(&given.token) || filled(&given.password);
        match self.settings.mode {
            AuthMode::TrustedProxy => BadCredential::IdentityHeaderRequired,
            AuthMode::Password if tried => BadCredential::PasswordMismatch(advised),
            AuthMode::Password => BadCredential::PasswordMissing(advised),
            AuthMode::Token | AuthMode::None if tried => BadCredential::TokenMismatch {
                retry_with_device_token: device_with_token && !filled(&given.device_token),
                advised,
            },
            AuthMode::Token | AuthMode::None => BadCredential::TokenMissing(advised),
        }
    }

    /// Counts a failed credential; a lock-out hides what was wrong.
    pub(super) async fn refuse(&self, peer: &Peer, reason: BadCredential, class: Class) -> Refusal {
        if let Some(retry_after_ms) = self.throttle.locked(peer, class) {
            return Refusal::Credential {
                reason: BadCredential::RateLimited { retry_after_ms },
                delay: Duration::ZERO,
            };
        }
        let nothing_tried = matches!(
            reason,
            BadCredential::TokenMissing(_)
                | BadCredential::PasswordMissing(_)
                | BadCredential::IdentityHeaderRequired
        );
        if nothing_tried {
            return Refusal::Credential { reason, delay: Duration::ZERO };
        }
        let penalty = self.throttle.failed(peer, class);
        if let Some(until) = penalty.locked_until_ms {
            tracing::warn!(ip = %peer.ip, ?class, "too many failed logins; locked out for five minutes");
            if let Err(error) = self.throttle.remember(&self.store, peer, class, until).await {
                return Refusal::Store(error);
            }
        }
        Refusal::Credential { reason, delay: penalty.delay }
    }

    /// Counts the guess at the shared secret that came along with another wrong credential: beside
    /// one of those it could be tried for ever.
    async fn guessed(&self, peer: &Peer, given: &Credentials) -> Result<(), Refusal> {
        let filled = |t: &Option<String>| t.as_deref().is_some_and(|t| !t.is_empty());
        let class = Class::SharedSecret;
        if !(filled(&given.token) || filled(&given.password))
            || self.throttle.locked(peer, class).is_some()
        {
            return Ok(());
        }
        match self.throttle.failed(peer, class).locked_until_ms {
            Some(until) => Ok(self.throttle.remember(&self.store, peer, class, until).await?),
            None => Ok(()),
        }
    }

    /// Uses a setup code up.
    pub(super) async fn redeem(
        &self,
        peer: &Peer,
        given: &Credentials,
        params: &ConnectParams,
        ask: &Ask,
    ) -> Result<Completion, Refusal> {
        let token = given.bootstrap_token.as_deref().unwrap_or_default();
        let name = params.client.display_name.as_deref();
        match self.devices.redeem_setup(token, &ask.device_id, name) {
            Some(done) => Ok(done),
            None => {
                Err(self.refuse(peer, BadCredential::BootstrapInvalid, Class::BootstrapToken).await)
            }
        }
    }

    pub(super) fn cleared(&self, peer: &Peer, method: Method) {
        let class = match method {
            Method::Token | Method::Password => Class::SharedSecret,
            Method::DeviceToken => Class::DeviceToken,
            Method::BootstrapToken => Class::BootstrapToken,
            Method::None | Method::TrustedProxy => return,
        };
        self.throttle.succeeded(peer, class);
    }
}

/// Who is told what to do about the shared secret.
pub(super) fn advised(peer: &Peer, params: &ConnectParams) -> Advised {
    match (params.client.mode, params.client.id) {
        (ClientMode::Cli, _) if peer.direct_local => Advised::Here,
        (ClientMode::Cli, _) => Advised::Away,
        (ClientMode::Webchat, _)
        | (
            _,
            ClientId::ControlUi | ClientId::BrowserCopilot | ClientId::Tui | ClientId::WebchatUi,
        ) => Advised::Interface,
        _ => Advised::Program,
    }
}
