//! Whose word lets a package run: a key the operator trusts, the system's own user, or the operator
//! who named the folder.
//!
//! Nothing runs because it lies on disk: a channel must be enabled, and its package must be granted
//! here. Must not know: how a package is copied, where the settings come from.

mod floor;
#[cfg(test)]
mod tests;

pub(super) use floor::Floor;

use super::{
    Refusal,
    refusal::shown,
    signature::{KeyId, PublicKey, Signature, SignatureError},
};
use jackfield_plugin_api::manifest::{MANIFEST_FILE, Manifest};
use std::{collections::BTreeMap, path::Path};

/// The signature's file beside the manifest.
pub const SIGNATURE_FILE: &str = "plugin.toml.minisig";

/// What an unsigned package outside the operator's own folders needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// There is no way: a signature.
    #[default]
    Require,
    /// To be root's, with the whole path to it: a distribution's package.
    RootOwned,
    /// Nothing.
    Off,
}

/// A key whose packages may run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedKey {
    /// The key's line, as its file has it.
    pub key: String,
    /// Which plugins it may sign: ids, where `*` stands for any letters.
    pub ids: Vec<String>,
    /// Its plugins may be part of the gateway's process.
    pub may_run_in_process: bool,
}

/// The operator's word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// For packages without a trusted signature.
    pub policy: Policy,
    /// Whose signatures count.
    pub keys: Vec<TrustedKey>,
    /// Names of keys, and SHA-256 of files or manifests, that count for nothing any more.
    pub revoked: Vec<String>,
    /// Least version by plugin, in place of the newest that ever ran.
    pub floors: BTreeMap<String, String>,
}

/// Why a package may run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    /// Signed by this trusted key.
    Signed {
        /// Its name.
        key: String,
        /// It may sign what runs in the gateway.
        in_process: bool,
    },
    /// The operator named its folder.
    Named,
    /// Root's, by the policy.
    RootOwned,
    /// By a policy that asks for nothing.
    Unchecked,
}

impl Grant {
    /// Whether the package may be part of the gateway's process.
    pub(super) fn in_process(&self) -> bool {
        match self {
            Self::Signed { in_process, .. } => *in_process,
            // Who names a folder, or is root, is who starts the gateway.
            Self::Named | Self::RootOwned => true,
            Self::Unchecked => false,
        }
    }

    /// In a few words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Signed { key, .. } => format!("signed by key {key}"),
            Self::Named => "unsigned, in a folder that the operator named".to_owned(),
            Self::RootOwned => "unsigned, root's own".to_owned(),
            Self::Unchecked => "unsigned, signatures are off".to_owned(),
        }
    }
}

/// A package as this room looks at it.
pub(super) struct Package<'a> {
    /// Its folder.
    pub(super) path: &'a Path,
    /// The operator named the folder.
    pub(super) explicit: bool,
    /// Its manifest.
    pub(super) manifest: &'a Manifest,
    /// The bytes of the manifest, which are what is signed.
    pub(super) text: &'a [u8],
    /// The SHA-256 of those bytes, in hex.
    pub(super) digest: &'a str,
    /// The text of its signature, if it has one.
    pub(super) signature: Option<&'a str>,
}

impl Trust {
    /// Whether the package may run, and by whose word.
    pub(super) fn grant(&self, package: &Package<'_>, floor: &Floor) -> Result<Grant, Refusal> {
        self.check_revoked(package)?;
        let signer = match package.signature {
            Some(text) => self.signer(package, text)?,
            None => Signer::None,
        };
        let grant = match (signer, self.policy) {
            (Signer::Trusted(grant), _) => grant,
            _ if package.explicit => Grant::Named,
            (_, Policy::RootOwned) => Grant::RootOwned,
            (_, Policy::Off) => Grant::Unchecked,
            (Signer::Stranger(key), Policy::Require) => {
                let detail = format!(
                    "is signed by key {key}, which is not trusted; if it should be: \
                     jackfield plugins trust KEY"
                );
                return Err(untrusted(package, detail));
            }
            (Signer::None, Policy::Require) => {
                let detail = "is not signed; let its maker sign it, or name its folder under \
                              `[plugins] dirs` to trust your own files"
                    .to_owned();
                return Err(untrusted(package, detail));
            }
        };
        let configured = self.floors.get(&package.manifest.id);
        floor.check(package, &grant, configured)?;
        Ok(grant)
    }

    fn check_revoked(&self, package: &Package<'_>) -> Result<(), Refusal> {
        let files =
            package.manifest.files.iter().map(|(name, hash)| (name.as_str(), hash.as_str()));
        let mut hashes = files.chain([(MANIFEST_FILE, package.digest)]);
        match hashes.find(|(_, hash)| self.is_revoked(hash)) {
            None => Ok(()),
            Some((name, _)) => Err(untrusted(package, format!("its {name} is revoked"))),
        }
    }

    fn is_revoked(&self, name: &str) -> bool {
        self.revoked.iter().any(|revoked| revoked.eq_ignore_ascii_case(name))
    }

    /// Who signed it. A signature that is wrong is worse than none, whatever the policy.
    fn signer(&self, package: &Package<'_>, text: &str) -> Result<Signer, Refusal> {
        let bad = |error: &SignatureError| untrusted(package, format!("its signature {error}"));
        let signature = Signature::parse(text)
            .map_err(|error| untrusted(package, format!("its signature is {error}")))?;
        let name = signature.key().to_string();
        if self.is_revoked(&name) {
            return Err(untrusted(package, format!("is signed by key {name}, which is revoked")));
        }
        let keys = self.keys.iter().filter_map(|trusted| {
            let key = PublicKey::parse(&trusted.key).ok()?;
            (key.id() == signature.key()).then_some((trusted, key))
        });
        let keys: Vec<_> = keys.collect();
        let Some((_, key)) = keys.first() else { return Ok(Signer::Stranger(signature.key())) };
        signature.verify(key, package.text).map_err(|error| bad(&error))?;
        let id = &package.manifest.id;
        let allowed: Vec<_> = keys
            .iter()
            .filter(|(trusted, _)| trusted.ids.iter().any(|glob| matches(glob, id)))
            .collect();
        if allowed.is_empty() {
            let ids = keys.iter().flat_map(|(trusted, _)| trusted.ids.clone()).collect::<Vec<_>>();
            let ids = ids.join(", ");
            let detail = format!("is signed by key {name}, which is trusted for {ids} only");
            return Err(untrusted(package, detail));
        }
        let in_process = allowed.iter().any(|(trusted, _)| trusted.may_run_in_process);
        Ok(Signer::Trusted(Grant::Signed { key: name, in_process }))
    }
}

enum Signer {
    None,
    Stranger(KeyId),
    Trusted(Grant),
}

fn untrusted(package: &Package<'_>, detail: String) -> Refusal {
    Refusal::Untrusted { file: shown(&package.path.join(MANIFEST_FILE)), detail }
}

/// Whether `glob`, in which `*` stands for any letters, is `text`.
fn matches(glob: &str, text: &str) -> bool {
    let Some((before, after)) = glob.split_once('*') else { return glob == text };
    let Some(rest) = text.strip_prefix(before) else { return false };
    rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| matches(after, &rest[at..]))
}
