//! The checks of `connect`, in the order the wire has them, and what follows when all pass.

use super::{
    Auth, HandOver, Method, Peer, Principal,
    origin::OriginVerdict,
    proof,
    refusal::{Advised, BadCredential, Refusal},
    throttle::Class,
};
use crate::{
    config::gateway::AuthMode,
    devices::{ApprovedVia, Ask, Device, TokenVerdict, setup::Completion},
    protocol::{
        VERSION, VERSION_MIN_PROBE,
        connect::{ClientId, ClientMode, ConnectParams, Credentials},
        scope::{Role, Scope, Scopes},
    },
};
use std::time::Duration;

/// A caller that may come in.
#[derive(Debug)]
pub struct Admission {
    /// Who it is.
    pub principal: Principal,
    /// What its hello hands over.
    pub hand_over: HandOver,
    /// A setup code that was used up on the way.
    pub setup: Option<Completion>,
    /// The device, when it was approved on the spot because it is local.
    pub silently: Option<Device>,
}

impl Auth {
    /// Decides about a `connect` whose shape is already checked.
    ///
    /// # Errors
    /// The first check that fails.
    pub async fn admit(
        &self,
        peer: &Peer,
        nonce: &str,
        params: &ConnectParams,
    ) -> Result<Admission, Refusal> {
        let role = preliminaries(params)?;
        self.check_origin(peer, params)?;
        let none = Credentials::default();
        let given = params.auth.as_ref().unwrap_or(&none);
        let shared = self.shared(peer, given);
        let Some(device) = &params.device else {
            return self.admit_without_device(peer, params, role, given, shared).await;
        };
        let key = proof::verify(device, params, role, nonce, self.clock.now_ms())
            .map_err(Refusal::Proof)?;
        let ask = ask(peer, params, role, &device.id, key);
        let method = match shared {
            Some(method) => method,
            None => self.device_credential(peer, given, &ask, advised(peer, params)).await?,
        };
        self.cleared(peer, method);
        let (device, via) = self.pair(peer, method, given, &ask).await?;
        let silently = (via == Some(ApprovedVia::Silent)).then(|| device.clone());
        let admission = self.welcome(peer, params, role, method, device, given).await?;
        Ok(Admission { silently, ..admission })
    }

    fn check_origin(&self, peer: &Peer, params: &ConnectParams) -> Result<(), Refusal> {
        let page = matches!(
            params.client.id,
            ClientId::ControlUi
                | ClientId::BrowserCopilot
                | ClientId::Webchat
                | ClientId::WebchatUi
        );
        if peer.origin.is_none() && !page {
            return Ok(());
        }
        match self.settings.origins.check(peer) {
            OriginVerdict::Allowed => Ok(()),
            verdict => Err(Refusal::Origin(verdict)),
        }
    }

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

    async fn admit_without_device(
        &self,
        peer: &Peer,
        params: &ConnectParams,
        role: Role,
        given: &Credentials,
        shared: Option<Method>,
    ) -> Result<Admission, Refusal> {
        if matches!(params.client.id, ClientId::ControlUi | ClientId::Tui) {
            return Err(Refusal::UiWithoutDevice);
        }
        let Some(method) = shared else {
            let tried = given.token.is_some() || given.password.is_some();
            return Err(if tried && role == Role::Operator {
                let reason = self.shared_mismatch(given, false, advised(peer, params));
                self.refuse(peer, reason, Class::SharedSecret).await
            } else {
                Refusal::DeviceRequired
            });
        };
        if role == Role::Node {
            return Err(Refusal::DeviceRequired);
        }
        self.cleared(peer, method);
        let trusted_tool = matches!(
            (params.client.id, params.client.mode),
            (ClientId::Cli, ClientMode::Cli) | (ClientId::GatewayClient, ClientMode::Backend)
        );
        let keeps = peer.direct_local && trusted_tool && peer.origin.is_none();
        let words: &[String] = if keeps { &params.scopes } else { &[] };
        let principal = principal(peer, params, role, method, None, words);
        Ok(Admission { principal, hand_over: HandOver::default(), setup: None, silently: None })
    }

    /// A caller without the shared secret: its own token, or a setup code.
    async fn device_credential(
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
            return Err(self
                .refuse(peer, BadCredential::BootstrapInvalid, Class::BootstrapToken)
                .await);
        }
        if explicit.is_some() {
            return Err(self
                .refuse(peer, BadCredential::DeviceTokenMismatch, Class::DeviceToken)
                .await);
        }
        let reason = self.shared_mismatch(given, maybe.is_some(), advised);
        Err(self.refuse(peer, reason, Class::SharedSecret).await)
    }

    fn shared_mismatch(
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
    async fn refuse(&self, peer: &Peer, reason: BadCredential, class: Class) -> Refusal {
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

    fn cleared(&self, peer: &Peer, method: Method) {
        let class = match method {
            Method::Token | Method::Password => Class::SharedSecret,
            Method::DeviceToken => Class::DeviceToken,
            Method::BootstrapToken => Class::BootstrapToken,
            Method::None | Method::TrustedProxy => return,
        };
        self.throttle.succeeded(peer, class);
    }

    async fn welcome(
        &self,
        peer: &Peer,
        params: &ConnectParams,
        role: Role,
        method: Method,
        device: Device,
        given: &Credentials,
    ) -> Result<Admission, Refusal> {
        let id = device.device_id.clone();
        let mut hand_over = HandOver::default();
        let mut setup = None;
        if method == Method::BootstrapToken {
            let token = given.bootstrap_token.as_deref().unwrap_or_default();
            let done = self.devices.redeem_setup(token, &id, params.client.display_name.as_deref());
            let Some(done) = done else {
                return Err(self
                    .refuse(peer, BadCredential::BootstrapInvalid, Class::BootstrapToken)
                    .await);
            };
            let scopes: Scopes = done.access.operator_scopes().iter().copied().collect();
            if !scopes.is_empty() {
                let handed = Ask {
                    role: Role::Operator,
                    roles: vec![Role::Operator],
                    scopes,
                    ..ask(peer, params, role, &id, device.public_key.clone())
                };
                self.devices.approve_ask(&handed, ApprovedVia::Bootstrap).await?;
                hand_over.further.push(self.devices.token_for(&id, Role::Operator, scopes).await?);
            }
            setup = Some(done);
        }
        let asked = Scopes::from_words(&params.scopes);
        hand_over.token = Some(self.devices.token_for(&id, role, asked).await?);
        let words: &[String] = if role == Role::Operator { &params.scopes } else { &[] };
        let principal = principal(peer, params, role, method, Some(id), words);
        Ok(Admission { principal, hand_over, setup, silently: None })
    }
}

/// Who is told what to do about the shared secret.
fn advised(peer: &Peer, params: &ConnectParams) -> Advised {
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

fn preliminaries(params: &ConnectParams) -> Result<Role, Refusal> {
    let role = params.role.as_deref().unwrap_or("operator");
    let worker = role == "worker"
        || params.client.id == ClientId::Worker
        || params.client.mode == ClientMode::Worker;
    if worker {
        return Err(Refusal::Worker);
    }
    let (min, max) = (params.min_protocol, params.max_protocol);
    let current = min <= VERSION && VERSION <= max;
    let probe =
        params.client.mode == ClientMode::Probe && min <= VERSION && max >= VERSION_MIN_PROBE;
    let old_node = role == "node" && params.client.mode == ClientMode::Node && min <= 3 && max >= 3;
    if !(current || probe || old_node) {
        return Err(Refusal::Protocol { min, max });
    }
    Role::parse(role).ok_or(Refusal::Role)
}

fn principal(
    peer: &Peer,
    params: &ConnectParams,
    role: Role,
    method: Method,
    device_id: Option<String>,
    words: &[String],
) -> Principal {
    let scope_words: Vec<String> =
        words.iter().filter(|w| Scope::parse(w).is_some()).cloned().collect();
    Principal {
        role,
        scopes: Scopes::from_words(&scope_words),
        scope_words,
        method,
        device_id,
        client: params.described_client(),
        peer: peer.clone(),
    }
}

fn ask(
    peer: &Peer,
    params: &ConnectParams,
    role: Role,
    device_id: &str,
    public_key: String,
) -> Ask {
    let client = params.described_client();
    Ask {
        device_id: device_id.to_owned(),
        public_key,
        display_name: client.display_name,
        platform: client.platform,
        device_family: client.device_family,
        client_id: client.id.word(),
        client_mode: client.mode.word(),
        role,
        roles: vec![role],
        scopes: if role == Role::Operator {
            Scopes::from_words(&params.scopes)
        } else {
            Scopes::NONE
        },
        remote_ip: (!peer.direct_local).then(|| peer.ip.to_string()),
        browser_origin: peer.origin.clone(),
    }
}
