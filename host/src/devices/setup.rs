//! Setup codes: single-use tokens that pair one device without a person's second click.

use super::{Devices, token};
use crate::{clock, protocol::scope::Scope};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use subtle::ConstantTimeEq;

/// Life of a code, milliseconds.
pub const SETUP_MS: u64 = 10 * 60 * 1000;
/// Codes and finished set-ups remembered.
const SETUPS_MAX: usize = 64;

/// Operator scopes a full or limited code hands over to the app.
pub const HANDED_OVER: [Scope; 6] = [
    Scope::Admin,
    Scope::Approvals,
    Scope::Questions,
    Scope::Read,
    Scope::TalkSecrets,
    Scope::Write,
];
const LIMITED: [Scope; 2] = [Scope::Read, Scope::Write];

/// What a code grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// A node, and an operator with every usual scope.
    Full,
    /// A node, and an operator that can read and write.
    Limited,
    /// A node only.
    Node,
}

impl Access {
    /// Operator scopes handed over, none for a node-only code.
    #[must_use]
    pub fn operator_scopes(self) -> &'static [Scope] {
        match self {
            Self::Full => &HANDED_OVER,
            Self::Limited => &LIMITED,
            Self::Node => &[],
        }
    }
}

/// A code that was redeemed.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Completion {
    /// The set-up.
    pub setup_id: String,
    /// Who redeemed it.
    pub device_id: String,
    /// Its name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    /// What it got.
    pub access: Access,
    /// When.
    pub ts: u64,
}

/// A fresh code.
#[derive(Clone, Debug)]
pub struct SetupCode {
    /// Names the set-up, not secret.
    pub setup_id: String,
    /// The secret.
    pub token: String,
    /// End of its life.
    pub expires_at_ms: u64,
}

#[derive(Debug)]
struct Open {
    hash: String,
    access: Access,
    expires_at_ms: u64,
}

/// Codes that wait and set-ups that ended; in memory only, so a restart ends every code.
#[derive(Debug, Default)]
pub struct SetupList {
    open: HashMap<String, Open>,
    done: HashMap<String, Completion>,
}

impl Devices {
    /// Makes a code.
    #[must_use]
    pub fn open_setup(&self, access: Access) -> SetupCode {
        let now = self.clock.now_ms();
        let code = SetupCode {
            setup_id: clock::uuid(),
            token: URL_SAFE_NO_PAD.encode(clock::random_bytes::<32>()),
            expires_at_ms: now + SETUP_MS,
        };
        let mut state = self.lock();
        state.setups.open.retain(|_, o| o.expires_at_ms > now);
        if state.setups.open.len() >= SETUPS_MAX
            && let Some(first) = state
                .setups
                .open
                .iter()
                .min_by_key(|(_, o)| o.expires_at_ms)
                .map(|(id, _)| id.clone())
        {
            state.setups.open.remove(&first);
        }
        let open =
            Open { hash: token::hash(&code.token), access, expires_at_ms: code.expires_at_ms };
        state.setups.open.insert(code.setup_id.clone(), open);
        code
    }

    /// Whether a token opens a set-up that still waits, and what it grants.
    #[must_use]
    pub fn setup_access(&self, given: &str) -> Option<Access> {
        let now = self.clock.now_ms();
        let hash = token::hash(given);
        let state = self.lock();
        let open =
            state.setups.open.values().find(|o| o.hash.as_bytes().ct_eq(hash.as_bytes()).into())?;
        (open.expires_at_ms > now).then_some(open.access)
    }

    /// Uses a code up for a device: exactly one caller gets `Some`.
    #[must_use]
    pub fn redeem_setup(
        &self,
        given: &str,
        device_id: &str,
        device_name: Option<&str>,
    ) -> Option<Completion> {
        let now = self.clock.now_ms();
        let hash = token::hash(given);
        let mut state = self.lock();
        let id = state
            .setups
            .open
            .iter()
            .find(|(_, o)| o.expires_at_ms > now && o.hash.as_bytes().ct_eq(hash.as_bytes()).into())
            .map(|(id, _)| id.clone())?;
        let open = state.setups.open.remove(&id)?;
        let completion = Completion {
            setup_id: id.clone(),
            device_id: device_id.to_owned(),
            device_name: device_name.map(str::to_owned),
            access: open.access,
            ts: now,
        };
        if state.setups.done.len() >= SETUPS_MAX
            && let Some(first) =
                state.setups.done.values().min_by_key(|c| c.ts).map(|c| c.setup_id.clone())
        {
            state.setups.done.remove(&first);
        }
        state.setups.done.insert(id, completion.clone());
        Some(completion)
    }

    /// How a set-up ended, if it did.
    #[must_use]
    pub fn setup_completion(&self, setup_id: &str) -> Option<Completion> {
        self.lock().setups.done.get(setup_id).cloned()
    }
}
