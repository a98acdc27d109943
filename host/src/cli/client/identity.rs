//! Who this command line is to gateways: one Ed25519 key, made at first use, and the tokens that
//! gateways issued to it.
//!
//! The key is written once and never again; the tokens lie beside it, by address. Both are readable
//! by their owner alone. Must not know: what is connected to.

use super::ClientError;
use crate::{
    auth::proof,
    clock,
    devices::token::hex,
    protocol::{
        connect::{ConnectParams, DeviceProof},
        scope::Role,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    fs, io,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// A device identity and where it is kept.
pub struct Identity {
    key: SigningKey,
    tokens: PathBuf,
}

impl Identity {
    /// Where the identity is kept unless told: `$XDG_STATE_HOME/jackfield/cli-identity`.
    #[must_use]
    pub fn default_path(env: &dyn Fn(&str) -> Option<String>) -> PathBuf {
        let set = |name: &str| env(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let home = || set("HOME").unwrap_or_else(|| PathBuf::from("/"));
        let state = set("XDG_STATE_HOME").unwrap_or_else(|| home().join(".local/state"));
        state.join("jackfield").join("cli-identity")
    }

    /// Reads the identity, or makes it when there is none.
    ///
    /// # Errors
    /// When the file cannot be read or written, is open to others, or holds no key.
    pub fn load(path: &Path) -> Result<Self, ClientError> {
        let failed = |why: String| ClientError::Identity { path: path.display().to_string(), why };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make(path).map_err(|error| failed(error.to_string()))?
            }
            Err(error) => return Err(failed(error.to_string())),
        };
        let mode = fs::metadata(path).map_err(|e| failed(e.to_string()))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(failed(format!("others may read it (mode {:o})", mode & 0o777)));
        }
        let seed = URL_SAFE_NO_PAD.decode(text.trim()).ok().and_then(|b| b.try_into().ok());
        let seed: [u8; 32] = seed.ok_or_else(|| failed("it holds no key".to_owned()))?;
        let mut tokens = path.as_os_str().to_owned();
        tokens.push(".tokens");
        Ok(Self { key: SigningKey::from_bytes(&seed), tokens: tokens.into() })
    }

    /// The device's id.
    #[must_use]
    pub fn id(&self) -> String {
        hex(&Sha256::digest(self.key.verifying_key().to_bytes()))
    }

    /// Proves to a connection that this client holds the key.
    #[must_use]
    pub fn prove(&self, params: &ConnectParams, nonce: &str, signed_at: u64) -> DeviceProof {
        let mut device = DeviceProof {
            id: self.id(),
            public_key: URL_SAFE_NO_PAD.encode(self.key.verifying_key().to_bytes()),
            signature: String::new(),
            signed_at,
            nonce: nonce.to_owned(),
        };
        let role = match params.role.as_deref() {
            Some("node") => Role::Node,
            _ => Role::Operator,
        };
        let text = proof::payload_v3(&device, params, role);
        device.signature = URL_SAFE_NO_PAD.encode(self.key.sign(text.as_bytes()).to_bytes());
        device
    }

    /// The token that the gateway at `url` issued.
    #[must_use]
    pub fn token(&self, url: &str) -> Option<String> {
        self.tokens().remove(url)
    }

    /// Keeps, or with `None` forgets, the token for `url`. A token that cannot be kept is issued
    /// again by the next connection, so failing to write is no failure.
    ///
    /// # Panics
    /// Never: texts are JSON.
    pub fn keep_token(&self, url: &str, token: Option<&str>) {
        let mut tokens = self.tokens();
        if tokens.get(url).map(String::as_str) == token {
            return;
        }
        match token {
            Some(token) => tokens.insert(url.to_owned(), token.to_owned()),
            None => tokens.remove(url),
        };
        let text = serde_json::to_string_pretty(&tokens).expect("texts are JSON");
        let written = draft(&self.tokens, text.as_bytes())
            .and_then(|file| file.persist(&self.tokens).map_err(|error| error.error));
        if let Err(error) = written {
            tracing::debug!(%error, "the device token could not be kept");
        }
    }

    fn tokens(&self) -> BTreeMap<String, String> {
        let text = fs::read_to_string(&self.tokens).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }
}

/// Makes a key, unless another process just did, and answers what the file holds then.
fn make(path: &Path) -> io::Result<String> {
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    let text = format!("{}\n", URL_SAFE_NO_PAD.encode(clock::random_bytes::<32>()));
    match draft(path, text.as_bytes())?.persist_noclobber(path) {
        Ok(_) => Ok(text),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            fs::read_to_string(path)
        }
        Err(error) => Err(error.error),
    }
}

/// A file for its owner alone beside `path`, to be moved there when it is whole.
fn draft(path: &Path, bytes: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_and_stays_its_owners() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep").join("cli-identity");
        let first = Identity::load(&path).unwrap();
        let again = Identity::load(&path).unwrap();
        assert_eq!(first.id(), again.id());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let open = Identity::load(&path).err().unwrap().to_string();
        assert!(open.contains("others may read it (mode 644)"), "{open}");
        fs::write(&path, "no key").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(Identity::load(&path).is_err());
    }

    #[test]
    fn tokens_are_kept_by_address() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cli-identity");
        let identity = Identity::load(&path).unwrap();
        identity.keep_token("ws://a", Some("one"));
        identity.keep_token("ws://b", Some("two"));
        identity.keep_token("ws://b", None);
        let again = Identity::load(&path).unwrap();
        assert_eq!(again.token("ws://a").as_deref(), Some("one"));
        assert_eq!(again.token("ws://b"), None);
        let mode = fs::metadata(dir.path().join("cli-identity.tokens")).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }

    #[test]
    fn its_proof_is_one_the_gateway_accepts() {
        let dir = tempfile::tempdir().unwrap();
        let identity = Identity::load(&dir.path().join("id")).unwrap();
        let mut params: ConnectParams = serde_json::from_value(serde_json::json!({
            "minProtocol": 4, "maxProtocol": 4, "scopes": ["operator.read"],
            "client": {"id": "cli", "version": "1", "platform": "Linux", "mode": "cli"},
            "auth": {"token": "t"},
        }))
        .unwrap();
        let device = identity.prove(&params, "n", 7);
        params.device = Some(device.clone());
        assert!(proof::verify(&device, &params, Role::Operator, "n", 7).is_ok());
    }
}
