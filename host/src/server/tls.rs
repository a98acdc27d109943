//! The first words on a port that speaks TLS; who comes without it is told so, in plain HTTP.

use crate::tls::Tls;
use std::{io, time::Duration};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// First byte of every TLS connection: a record of the handshake.
const HANDSHAKE: u8 = 0x16;
/// What a plain request gets.
const PLAIN: &str = "this port speaks TLS: use https:// or wss://\n";

/// Shakes hands within `limit`.
pub(super) async fn greet(
    tls: &Tls,
    mut stream: TcpStream,
    limit: Duration,
) -> io::Result<TlsStream<TcpStream>> {
    let greeting = async {
        let mut first = [0];
        if stream.peek(&mut first).await? == 1 && first[0] != HANDSHAKE {
            let answer = format!(
                "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n\
                 content-length: {}\r\nconnection: close\r\n\r\n{PLAIN}",
                PLAIN.len()
            );
            stream.write_all(answer.as_bytes()).await?;
            stream.shutdown().await?;
            return Err(io::Error::other("it spoke plain HTTP"));
        }
        TlsAcceptor::from(tls.config()).accept(stream).await
    };
    timeout(limit, greeting).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}
