//! The checks of `connect`, in the order the wire has them, and what follows when all pass.

use super::{
    Auth, HandOver, Method, Peer, Principal, credential::advised, origin::OriginVerdict, proof,
    refusal::Refusal, throttle::Class,
};
use crate::{
    devices::{ApprovedVia, Ask, Device, setup::Completion},
    protocol::{
        VERSION, VERSION_MIN_PROBE,
        connect::{ClientId, ClientMode, ConnectParams, Credentials},
        scope::{Role, Scope, Scopes},
    },
};

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
        // Before the device is approved: of several that come with one code, one gets anything.
        let setup = match method {
            Method::BootstrapToken => Some(self.redeem(peer, given, params, &ask).await?),
            _ => None,
        };
        let (device, via) = self.pair(peer, method, &ask).await?;
        let silently = (via == Some(ApprovedVia::Silent)).then(|| device.clone());
        let admission = self.welcome(peer, params, role, method, device, setup).await?;
        Ok(Admission { silently, ..admission })
    }

    fn check_origin(&self, peer: &Peer, params: &ConnectParams) -> Result<(), Refusal> {
        if peer.origin.is_none() && !is_page(params.client.id) {
            return Ok(());
        }
        match self.settings.origins.check(peer) {
            OriginVerdict::Allowed => Ok(()),
            verdict => Err(Refusal::Origin(verdict)),
        }
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

    async fn welcome(
        &self,
        peer: &Peer,
        params: &ConnectParams,
        role: Role,
        method: Method,
        device: Device,
        setup: Option<Completion>,
    ) -> Result<Admission, Refusal> {
        let id = device.device_id.clone();
        let mut hand_over = HandOver::default();
        if let Some(done) = &setup {
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
        }
        let asked = Scopes::from_words(&params.scopes);
        hand_over.token = Some(self.devices.token_for(&id, role, asked).await?);
        let words: &[String] = if role == Role::Operator { &params.scopes } else { &[] };
        let principal = principal(peer, params, role, method, Some(id), words);
        Ok(Admission { principal, hand_over, setup, silently: None })
    }
}

/// Whether a client is a page in a browser.
fn is_page(id: ClientId) -> bool {
    matches!(
        id,
        ClientId::ControlUi | ClientId::BrowserCopilot | ClientId::Webchat | ClientId::WebchatUi
    )
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
    match Role::parse(role) {
        // A page shows what a person may see; it is no node.
        Some(Role::Node) if is_page(params.client.id) => Err(Refusal::Role),
        role => role.ok_or(Refusal::Role),
    }
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
