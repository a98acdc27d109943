//! Why a caller was not let in. The wire's texts and codes are the connection's business.

use super::{origin::OriginVerdict, proof::ProofError};
use crate::{
    devices::{Need, Pending},
    store::StoreError,
};
use std::time::Duration;

/// To whom it is said what to do about the shared secret: the place where it is set differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advised {
    /// A command line on the gateway's machine.
    Here,
    /// A command line elsewhere.
    Away,
    /// A user interface, where a person types it.
    Interface,
    /// Another program.
    Program,
}

/// A credential that did not open the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadCredential {
    /// Mode token, nothing given.
    TokenMissing(Advised),
    /// Wrong shared token.
    TokenMismatch {
        /// The client may try its own device token instead.
        retry_with_device_token: bool,
        /// Who is told what to do.
        advised: Advised,
    },
    /// Mode password, nothing given.
    PasswordMissing(Advised),
    /// Wrong password.
    PasswordMismatch(Advised),
    /// Wrong, ended or unknown device token.
    DeviceTokenMismatch,
    /// The device token grants less than was asked.
    ScopeMismatch,
    /// Wrong, used or expired setup code.
    BootstrapInvalid,
    /// Mode trusted-proxy, and no proxy named a user.
    IdentityHeaderRequired,
    /// Too many failures before; even the right secret would be refused.
    RateLimited {
        /// Time left, milliseconds.
        retry_after_ms: u64,
    },
}

/// A refusal.
#[derive(Debug)]
pub enum Refusal {
    /// Worker connections have no business on this port; closed without an answer.
    Worker,
    /// No common protocol version.
    Protocol {
        /// What the client offered.
        min: u32,
        /// What the client offered.
        max: u32,
    },
    /// Neither operator nor node.
    Role,
    /// A web page of a foreign origin.
    Origin(OriginVerdict),
    /// A user interface that must prove a device, and did not.
    UiWithoutDevice,
    /// No device, and nothing that would do instead.
    DeviceRequired,
    /// The device proof fails.
    Proof(ProofError),
    /// The credential fails; answered after `delay`.
    Credential {
        /// How it fails.
        reason: BadCredential,
        /// Makes guessing slow.
        delay: Duration,
    },
    /// A person must approve first.
    Pairing {
        /// Why.
        need: Need,
        /// The request that now waits.
        request: Box<Pending>,
        /// What the device is approved for so far, if it is known.
        approved: Option<Box<crate::devices::Device>>,
        /// The request is new; operators shall be told.
        is_new: bool,
        /// The request it replaced; operators shall be told.
        superseded: Option<Box<Pending>>,
    },
    /// The registry could not be written.
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<crate::devices::DeviceError> for Refusal {
    fn from(error: crate::devices::DeviceError) -> Self {
        match error {
            crate::devices::DeviceError::Store(error) => Self::Store(error),
            _ => Self::DeviceRequired,
        }
    }
}
