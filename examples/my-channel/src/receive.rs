//! What people say: each line becomes an event, and is theirs no more once it is stored.

use jackfield_plugin_api::{
    Account,
    event::{ConversationKind, Event, InboundMessage, Place, Sender},
    frame::Accepted,
    link::LinkState,
    tokio::{
        io::{AsyncBufReadExt, BufReader},
        net::{TcpListener, TcpStream, tcp::OwnedWriteHalf},
        sync::Mutex,
    },
    tracing,
};
use std::{collections::HashMap, sync::Arc};

/// Who is connected, by name.
pub(crate) type People = Arc<Mutex<HashMap<String, OwnedWriteHalf>>>;

/// Takes connections until this life ends.
pub(crate) async fn listen(listener: TcpListener, account: Account, people: People) {
    let place = listener.local_addr().map_or_else(|error| error.to_string(), |a| a.to_string());
    account.link(LinkState::Connected, format!("listening on {place}")).await;
    while let Ok((socket, _)) = listener.accept().await {
        account.host().spawn(hear(socket, account.clone(), people.clone()));
    }
    account.link(LinkState::Retrying, "takes no connections").await;
}

async fn hear(socket: TcpStream, account: Account, people: People) {
    let (reading, writing) = socket.into_split();
    let mut lines = BufReader::new(reading).lines();
    let Ok(Some(name)) = lines.next_line().await else { return };
    people.lock().await.insert(name.clone(), writing);
    let mut said = 0_u64;
    while let Ok(Some(text)) = lines.next_line().await {
        said += 1;
        // The platform's own id of a message is the best key; a line has none, so it is counted.
        let key = format!("{name}:{:p}:{said}", Arc::as_ptr(&people));
        match account.emit(key, None, message(&name, said, text)).await {
            // Now it is on disk, and the platform may be told.
            Ok(Accepted::Stored | Accepted::Duplicate) => {}
            Ok(other) => tracing::warn!(?other, "a line was not taken"),
            Err(gone) => return tracing::debug!(%gone, "ends"),
        }
    }
    people.lock().await.remove(&name);
}

fn message(name: &str, number: u64, text: String) -> Event {
    let place = Place {
        conversation: name.into(),
        kind: ConversationKind::Direct,
        title: None,
        thread: None,
    };
    let sender = Sender { id: name.into(), name: None, username: None, bot: false, own: false };
    Event::Message(InboundMessage {
        place,
        sender,
        message: number.to_string().into(),
        text,
        attachments: Vec::new(),
        reply_to: None,
        mentioned: false,
        sent_at_ms: None,
    })
}
