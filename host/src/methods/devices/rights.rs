//! Who may decide what about devices. Pure; every grant stays within what the caller holds and what
//! the device is approved for.
//!
//! A caller that came in with a token of its own, and is no admin, may only decide about its own
//! device. Roles other than operator are an admin's business.

use crate::{
    auth::{Method, Principal},
    devices::{Device, Pending},
    protocol::scope::{Role, Scope, Scopes},
};

/// Texts of refusals, as recorded.
pub const APPROVAL_DENIED: &str = "device pairing approval denied";
/// See [`APPROVAL_DENIED`].
pub const REJECTION_DENIED: &str = "device pairing rejection denied";
/// See [`APPROVAL_DENIED`].
pub const REMOVAL_DENIED: &str = "device pairing removal denied";
/// See [`APPROVAL_DENIED`].
pub const RENAME_DENIED: &str = "device pairing rename denied";
/// See [`APPROVAL_DENIED`].
pub const ROTATION_DENIED: &str = "device token rotation denied";
/// See [`APPROVAL_DENIED`].
pub const REVOCATION_DENIED: &str = "device token revocation denied";

/// What a caller may decide.
#[derive(Clone, Debug)]
pub struct Rights {
    /// It holds every right.
    pub admin: bool,
    scopes: Scopes,
    own_device: Option<String>,
}

/// Why something may not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// For the caller.
    pub text: String,
    /// For the log.
    pub why: &'static str,
}

impl Rights {
    /// The rights of a caller.
    #[must_use]
    pub fn of(principal: &Principal) -> Self {
        let own = principal.method == Method::DeviceToken;
        Self {
            admin: principal.scopes.allows(Scope::Admin),
            scopes: principal.scopes,
            own_device: principal.device_id.clone().filter(|_| own),
        }
    }

    /// Whether the caller is tied to its own device.
    #[must_use]
    pub fn bound(&self) -> bool {
        !self.admin && self.own_device.is_some()
    }

    /// Whether the caller may decide about this device at all.
    #[must_use]
    pub fn may_touch(&self, device_id: &str) -> bool {
        !self.bound() || self.own_device.as_deref() == Some(device_id)
    }

    /// Whether the caller may grant or end this role.
    #[must_use]
    pub fn may_manage(&self, role: Role) -> bool {
        self.admin || role == Role::Operator
    }

    /// Whether the caller is the very device, so that a secret may be told to it.
    #[must_use]
    pub fn is_device(&self, device_id: &str) -> bool {
        self.own_device.as_deref() == Some(device_id)
    }

    /// Whether the caller may approve this request.
    ///
    /// # Errors
    /// Which rule forbids it.
    pub fn approve(&self, request: &Pending) -> Result<(), Refused> {
        let refuse = |why| Err(Refused { text: APPROVAL_DENIED.to_owned(), why });
        if !self.may_touch(&request.device_id) {
            return refuse("another device's request");
        }
        if !request.roles.iter().all(|role| self.may_manage(*role)) {
            return refuse("roles are an admin's business");
        }
        let lacking =
            Scope::ALL.into_iter().find(|s| request.scopes.holds(*s) && !self.scopes.allows(*s));
        match lacking {
            Some(scope) => Err(Refused {
                text: format!("missing scope: {}", scope.as_str()),
                why: "the request asks for more than the caller holds",
            }),
            None => Ok(()),
        }
    }

    /// The scopes a new token of this device may carry: what is asked, else what the old token had,
    /// if both the caller and the device's approval cover it.
    ///
    /// # Errors
    /// Which rule forbids it.
    pub fn mint(
        &self,
        device: &Device,
        role: Role,
        asked: Option<&[String]>,
    ) -> Result<Scopes, &'static str> {
        self.over_token(device, role)?;
        let granted = device.granted(role);
        let scopes = match asked {
            Some(words) if words.iter().any(|w| Scope::parse(w).is_none()) => {
                return Err("unknown scope");
            }
            Some(words) => Scopes::from_words(words),
            None => {
                device.living_token(role).map_or(granted, |token| Scopes::from_words(&token.scopes))
            }
        };
        if !granted.covers(scopes) {
            return Err("more than the device is approved for");
        }
        if role == Role::Operator && !self.scopes.covers(scopes) {
            return Err("more than the caller holds");
        }
        Ok(scopes)
    }

    /// Whether the caller may end this device's token.
    ///
    /// # Errors
    /// Which rule forbids it.
    pub fn revoke(&self, device: &Device, role: Role) -> Result<(), &'static str> {
        self.over_token(device, role)?;
        let Some(token) = device.tokens.get(&role) else { return Err("no such token") };
        if role == Role::Operator && !self.scopes.covers(Scopes::from_words(&token.scopes)) {
            return Err("the token holds more than the caller");
        }
        Ok(())
    }

    fn over_token(&self, device: &Device, role: Role) -> Result<(), &'static str> {
        if !self.may_touch(&device.device_id) {
            return Err("another device");
        }
        if !self.may_manage(role) {
            return Err("roles are an admin's business");
        }
        if !device.roles.contains(&role) {
            return Err("the device has no such role");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
