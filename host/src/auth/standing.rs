//! A proven device's standing: known, approved on the spot, or a request that waits for a person.

use super::{Auth, Method, Peer, refusal::Refusal};
use crate::{
    devices::{ApprovedVia, Ask, Device, Need},
    protocol::scope::Role,
};

impl Auth {
    /// The device's standing: known, approved on the spot (and by what), or a request that waits.
    pub(super) async fn pair(
        &self,
        peer: &Peer,
        method: Method,
        ask: &Ask,
    ) -> Result<(Device, Option<ApprovedVia>), Refusal> {
        let known = self.devices.device(&ask.device_id);
        let Some(need) = self.devices.need(ask) else {
            self.devices.seen(&ask.device_id, "connect");
            return known.map(|device| (device, None)).ok_or(Refusal::DeviceRequired);
        };
        if let Some(via) = self.silent_way(peer, method, ask, need, known.is_some()) {
            return Ok((self.devices.approve_ask(ask, via).await?, Some(via)));
        }
        let (request, superseded, is_new) = self.devices.request(ask);
        Err(Refusal::Pairing {
            need,
            request: Box::new(request),
            approved: known.map(Box::new),
            is_new,
            superseded: superseded.map(Box::new),
        })
    }

    fn silent_way(
        &self,
        peer: &Peer,
        method: Method,
        ask: &Ask,
        need: Need,
        known: bool,
    ) -> Option<ApprovedVia> {
        if method == Method::BootstrapToken {
            return Some(ApprovedVia::Bootstrap);
        }
        if method == Method::TrustedProxy && ask.role == Role::Operator {
            return Some(ApprovedVia::TrustedProxy);
        }
        let local = peer.direct_local && method.is_shared() && self.settings.auto_approve_local;
        let may = match need {
            Need::Pairing => !known,
            Need::Role | Need::Scopes => ask.role == Role::Operator,
            Need::Metadata => is_native_app(&ask.client_id),
        };
        (local && may).then_some(ApprovedVia::Silent)
    }
}

fn is_native_app(client_id: &str) -> bool {
    ["macos", "linux", "ios", "watchos", "android"]
        .iter()
        .any(|os| client_id == format!("openclaw-{os}"))
}
