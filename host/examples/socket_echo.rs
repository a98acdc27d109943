//! The gateway's WebSocket with an echo behind it instead of the protocol, for suites that test a
//! server by what it sends back (`make autobahn`).
//!
//! `cargo run -p jackfield --example socket_echo -- 127.0.0.1:9001`; it prints the address it listens on.

use futures_util::{SinkExt, StreamExt};
use hyper::{
    Request, Response, StatusCode, body::Incoming, header, server::conn::http1,
    service::service_fn, upgrade,
};
use hyper_util::rt::TokioIo;
use jackfield::connection::socket;
use std::io;
use tokio::net::TcpListener;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{handshake::derive_accept_key, protocol::Role},
};

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = service_fn(|request| async { accept(request) });
        let connection =
            http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                eprintln!("a connection ended: {error}");
            }
        });
    }
}

fn accept(request: Request<Incoming>) -> Result<Response<String>, hyper::http::Error> {
    let Some(key) = request.headers().get(header::SEC_WEBSOCKET_KEY) else {
        let answer = Response::builder().status(StatusCode::BAD_REQUEST);
        return answer.body("only WebSockets are served here\n".to_owned());
    };
    let answer = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_ACCEPT, derive_accept_key(key.as_bytes()));
    tokio::spawn(echo(upgrade::on(request)));
    answer.body(String::new())
}

/// Sends back what is data. What is wrong with the rest is the socket's to say.
async fn echo(upgrade: upgrade::OnUpgrade) {
    let Ok(upgraded) = upgrade.await else { return };
    let (io, limits) = (TokioIo::new(upgraded), Some(socket::limits()));
    let mut stream = WebSocketStream::from_raw_socket(io, Role::Server, limits).await;
    while let Some(Ok(message)) = stream.next().await {
        let data = message.is_text() || message.is_binary();
        if data && stream.send(message).await.is_err() {
            return;
        }
    }
}
