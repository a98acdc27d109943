//! What the gateway asks of this channel.

use crate::{
    config::Config,
    receive::{People, listen},
};
use jackfield_plugin_api::{
    Channel, Host, Outgoing, PluginError, Resume, SendError,
    id::AccountId,
    outbound::{Outbound, Receipt},
    tokio::{io::AsyncWriteExt, net::TcpListener},
};
use std::net::SocketAddr;

/// One life of the channel.
pub(crate) struct Adapter {
    people: People,
    address: SocketAddr,
}

impl Channel for Adapter {
    type Config = Config;

    async fn start(host: Host, config: Config, _: Resume) -> Result<Self, PluginError> {
        // An error names the setting and the fix: an operator reads it.
        let failed = |error| {
            let text = format!("cannot listen on {}: {error}", config.listen);
            PluginError::config("/listen", text)
        };
        let listener = TcpListener::bind(&config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let people = People::default();
        host.spawn(listen(listener, host.default_account(), people.clone()));
        Ok(Self { people, address })
    }

    async fn send(&self, out: Outgoing) -> Result<Receipt, SendError> {
        let Outbound::Message { to, text, .. } = out.body else {
            return Err(SendError::unsupported(out.body.kind()));
        };
        let mut people = self.people.lock().await;
        let Some(line) = people.get_mut(to.conversation.as_str()) else {
            return Err(SendError::retryable("not_connected", "they are not connected"));
        };
        let words = text.replace('\n', " ") + "\n";
        // Bytes may have left before it broke: nobody knows, so nobody sends it again.
        let broke = |error: std::io::Error| SendError::uncertain("broke", error.to_string());
        line.write_all(words.as_bytes()).await.map_err(broke)?;
        Ok(Receipt { message: Some(out.idem_key.into()), ..Receipt::default() })
    }

    async fn probe(&self, _: AccountId) -> Result<String, String> {
        Ok(format!("listening on {}, {} connected", self.address, self.people.lock().await.len()))
    }
}
