//! The handshake: waits for the challenge, sends `connect`, reads the verdict.

use crate::{Client, Identity, Incoming, Socket, client::WireError, gateway::TOKEN};
use serde_json::{Value, json};

/// Which text a device proof signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Eleven fields, with platform and device family.
    V3,
    /// The nine fields of older clients.
    V2,
}

/// How a connection was refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The answer to `connect`, when there was one.
    pub error: Option<WireError>,
    /// How the connection ended.
    pub end: Incoming,
}

/// The `connect` that a client will send.
#[derive(Clone)]
pub struct Connect {
    params: Value,
    device: Option<(Identity, Proof)>,
}

impl Connect {
    /// The command line's way: the shared secret, no device, every scope a play needs.
    #[must_use]
    pub fn cli() -> Self {
        Self {
            params: json!({
                "minProtocol": 4, "maxProtocol": 4,
                "client": { "id": "cli", "version": "1.0.0", "platform": "linux", "mode": "cli" },
                "role": "operator",
                "scopes": ["operator.admin", "operator.read", "operator.write",
                           "operator.approvals", "operator.pairing"],
                "caps": ["tool-events"],
                "auth": { "token": TOKEN },
            }),
            device: None,
        }
    }

    /// A client with a device of its own, as an app or a page is.
    #[must_use]
    pub fn device(identity: &Identity) -> Self {
        let mut connect = Self::cli().client("openclaw-tui", "ui");
        connect.device = Some((identity.clone(), Proof::V3));
        connect
    }

    /// Signs the other text.
    #[must_use]
    pub fn proof(mut self, proof: Proof) -> Self {
        if let Some((_, chosen)) = &mut self.device {
            *chosen = proof;
        }
        self
    }

    /// Another `client.id` and `client.mode`.
    #[must_use]
    pub fn client(mut self, id: &str, mode: &str) -> Self {
        self.params["client"]["id"] = json!(id);
        self.params["client"]["mode"] = json!(mode);
        self
    }

    /// Other scopes.
    #[must_use]
    pub fn scopes(mut self, scopes: &[&str]) -> Self {
        self.params["scopes"] = json!(scopes);
        self
    }

    /// Another `auth` object.
    #[must_use]
    pub fn auth(mut self, auth: Value) -> Self {
        self.params["auth"] = auth;
        self
    }

    /// Sets one more top-level parameter, such as `role` or `minProtocol`.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.params[name] = value;
        self
    }

    /// The parameters, with the device proof made for this challenge.
    #[must_use]
    pub fn params(&self, nonce: &str, ts: u64) -> Value {
        let mut params = self.params.clone();
        if let Some((identity, proof)) = &self.device {
            params["device"] = prove(&params, identity, *proof, nonce, ts);
        }
        params
    }

    /// Opens a connection on loopback.
    ///
    /// # Errors
    /// The refusal, when the gateway does not answer with `hello-ok`.
    pub async fn open(&self, port: u16) -> Result<Client, Refusal> {
        self.open_on(Socket::open(port).await).await
    }

    /// As [`Connect::open`], for a gateway that may end at any time; `None` when it did.
    pub async fn seek(&self, port: u16) -> Option<Client> {
        self.open_on(Socket::seek(port).await?).await.ok()
    }

    /// Does the handshake on an open socket.
    ///
    /// # Errors
    /// The refusal, when the gateway does not answer with `hello-ok`.
    pub async fn open_on(&self, mut socket: Socket) -> Result<Client, Refusal> {
        let challenge = match socket.next().await {
            Incoming::Frame(frame) => frame,
            end => return Err(Refusal { error: None, end }),
        };
        assert_eq!(challenge["event"], "connect.challenge", "{challenge}");
        let nonce = challenge["payload"]["nonce"].as_str().expect("a nonce is a string");
        let ts = challenge["payload"]["ts"].as_u64().expect("ts is milliseconds");
        let params = self.params(nonce, ts);
        socket
            .send(&json!({ "type": "req", "id": "connect", "method": "connect", "params": params }))
            .await;
        let answer = match socket.next().await {
            Incoming::Frame(frame) => frame,
            end => return Err(Refusal { error: None, end }),
        };
        assert_eq!(answer["id"], "connect", "{answer}");
        if answer["ok"] == true {
            return Ok(Client::greeted(socket, answer["payload"].clone()));
        }
        let error = Some(WireError::read(&answer));
        let end = socket.next().await;
        Err(Refusal { error, end })
    }
}

/// The `device` object that goes with these `connect` parameters.
#[must_use]
pub fn prove(params: &Value, identity: &Identity, proof: Proof, nonce: &str, ts: u64) -> Value {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let client = &params["client"];
    let scopes: Vec<String> = params["scopes"]
        .as_array()
        .map(|scopes| scopes.iter().map(text).collect())
        .unwrap_or_default();
    let secret = ["token", "deviceToken", "bootstrapToken"]
        .iter()
        .map(|name| text(&params["auth"][name]))
        .find(|secret| !secret.is_empty())
        .unwrap_or_default();
    let mut fields = vec![
        match proof {
            Proof::V3 => "v3".to_owned(),
            Proof::V2 => "v2".to_owned(),
        },
        identity.device_id(),
        text(&client["id"]),
        text(&client["mode"]),
        params["role"].as_str().unwrap_or("operator").to_owned(),
        scopes.join(","),
        ts.to_string(),
        secret,
        nonce.to_owned(),
    ];
    if proof == Proof::V3 {
        fields.push(text(&client["platform"]).trim().to_ascii_lowercase());
        fields.push(text(&client["deviceFamily"]).trim().to_ascii_lowercase());
    }
    json!({
        "id": identity.device_id(),
        "publicKey": identity.public_key(),
        "signature": identity.sign(&fields.join("|")),
        "signedAt": ts,
        "nonce": nonce,
    })
}
