//! What the gateway asks of this channel: start, send, and let go for a newer version.

use crate::{
    config::{Config, Fault},
    line,
    receive::{People, Unwritten, listen},
};
use jackfield_plugin_api::{
    Account, Channel, Host, Outgoing, PluginError, Resume, SendError,
    frame::State,
    id::AccountId,
    link::LinkState,
    outbound::{Outbound, Receipt},
    serde_json::json,
    tokio::net::TcpListener,
};
use std::{net::SocketAddr, sync::Arc, thread};

/// Schema number of the exported state, `{"port": 1234}`; as in the manifest.
const STATE_SCHEMA: u32 = 1;

pub(crate) struct Line {
    account: Account,
    people: Arc<People>,
    address: SocketAddr,
    fault: Option<Fault>,
}

impl Channel for Line {
    type Config = Config;

    async fn start(host: Host, config: Config, resume: Resume) -> Result<Self, PluginError> {
        match config.fault {
            Some(Fault::PanicInStart) => panic!("told to panic in start"),
            Some(Fault::ExitInStart) => std::process::exit(0),
            _ => {}
        }
        let mut address: SocketAddr = config.listen.parse().map_err(|_| {
            let text = format!("`{}` is not an address with a port", config.listen);
            PluginError::config("/listen", text)
        })?;
        if address.port() == 0 {
            // Clients of the previous version find the new one where the old one was.
            address.set_port(exported_port(&resume).unwrap_or(0));
        }
        let listener = bind(address).await?;
        let address = listener.local_addr().map_err(|e| PluginError::new(e.to_string()))?;
        let people = Arc::new(People::new());
        let account = host.default_account();
        let line = Self { account, people, address, fault: config.fault };
        line.open(listener).await;
        Ok(line)
    }

    async fn send(&self, out: Outgoing) -> Result<Receipt, SendError> {
        let Outbound::Message { to, text, .. } = out.body else {
            return Err(SendError::unsupported(out.body.kind()));
        };
        match self.fault {
            Some(Fault::PanicInSend) => panic!("told to panic in send"),
            Some(Fault::AbortInSend) => std::process::abort(),
            Some(Fault::HangInSend) => loop {
                thread::park(); // blocks the whole plugin, as no channel may
            },
            _ => {}
        }
        let user = to.conversation.as_str();
        let Some(outlet) = self.people.outlet(user) else {
            let text = format!("`{user}` is not connected");
            return Err(SendError::retryable("not_connected", text));
        };
        let (id, line) = line::outbound(&out.idem_key, &text);
        match outlet.write(line).await {
            Ok(()) => Ok(Receipt { message: Some(id), ..Receipt::default() }),
            Err(Unwritten::NotTaken) => {
                Err(SendError::retryable("slow_client", format!("`{user}` does not read")))
            }
            Err(Unwritten::Broken) => {
                let text = format!("the connection of `{user}` broke while writing");
                Err(SendError::uncertain("connection_broke", text))
            }
        }
    }

    async fn probe(&self, _: AccountId) -> Result<String, String> {
        Ok(format!("listening on {}, {} connected", self.address, self.people.count()))
    }

    /// Closes the listener and every connection, each after the line it is working on. Clients come
    /// back to the same port, where the newer version listens by then, and repeat what got no `ACK`.
    async fn drain(&self) {
        self.people.close().await;
        self.account.link(LinkState::Stopped, "handed over to another version").await;
    }

    async fn resume(&self) {
        self.people.reopen();
        match bind(self.address).await {
            Ok(listener) => self.open(listener).await,
            Err(error) => self.account.host().fail(error).await,
        }
    }

    async fn export(&self) -> Option<State> {
        Some(State { schema: STATE_SCHEMA, data: json!({ "port": self.address.port() }) })
    }

    async fn stop(&self) {
        self.people.close().await;
    }
}

impl Line {
    async fn open(&self, listener: TcpListener) {
        let task = listen(listener, self.account.clone(), Arc::clone(&self.people));
        self.account.host().spawn(task);
        self.account.link(LinkState::Connected, format!("listening on {}", self.address)).await;
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, PluginError> {
    TcpListener::bind(address).await.map_err(|error| {
        PluginError::config("/listen", format!("cannot listen on {address}: {error}"))
    })
}

fn exported_port(resume: &Resume) -> Option<u16> {
    let state = resume.state.as_ref().filter(|state| state.schema == STATE_SCHEMA)?;
    state.data.get("port")?.as_u64()?.try_into().ok()
}
