//! The port: accept, gate, route. HTTP and WebSocket share it.
//!
//! The accept loop is our own because each connection needs `TCP_NODELAY`, a limit on the time its
//! headers may take and a place in the count; the routes are warp filters. The step after: a
//! WebSocket goes to [`crate::connection`], a plugin's route to [`crate::plugins`]. Must not know:
//! methods, frames.

pub mod addresses;
mod bearer;
mod body;
pub mod canvas;
pub mod control;
pub mod gate;
mod metrics;
pub mod pages;
pub mod routes;
mod tls;

use crate::{auth::peer::TrustedProxies, methods::Core, tls::Tls};
use addresses::Addresses;
use gate::Way;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{
    io,
    net::SocketAddr,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;

/// TCP connections at once, upgraded ones included.
const CONNECTIONS_MAX: usize = 10_240;
/// Connections that may wait to be accepted, as while the gateway starts anew.
const BACKLOG: i32 = 1024;
/// Time a client may take to send its request's headers.
const HEADERS: Duration = Duration::from_secs(10);
/// Headers of one request.
const HEADERS_MAX: usize = 64;
/// Bytes of a request's headers.
const HEADER_BYTES_MAX: usize = 16 << 10;
/// Pause after a failed accept (too many open files), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the routes share.
pub struct Door {
    /// The rooms.
    pub core: Arc<Core>,
    /// What the port shows to TLS clients; without it the port is plain.
    pub tls: Option<Tls>,
    /// Reverse proxies that are believed.
    pub proxies: TrustedProxies,
    /// The control page, when there is one.
    pub control: Option<control::Page>,
    /// Sockets that have not said hello, by address.
    pub unauthenticated: Addresses,
    /// Number of the next connection.
    pub next_conn: AtomicU64,
}

/// Serves until the gateway stops.
///
/// # Panics
/// Never: the semaphore is not closed.
pub async fn serve(listener: TcpListener, door: Arc<Door>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let stop = door.core.stop.clone();
    let tracker = door.core.tracker.clone();
    loop {
        let Some(place) = stop.run_until_cancelled(Arc::clone(&places).acquire_owned()).await
        else {
            return;
        };
        let place = place.expect("the semaphore is never closed");
        match next(&listener, &stop).await {
            None => return,
            Some(Ok((stream, address))) => {
                let door = Arc::clone(&door);
                tracker.spawn(async move {
                    if let Err(error) = connection(stream, address, door).await {
                        tracing::debug!(%address, %error, "connection ended");
                    }
                    drop(place);
                });
            }
            Some(Err(error)) => {
                tracing::warn!(%error, "accepting a connection failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The next connection; none once the gateway stops. What comes after that stays in the listening
/// socket for the next life: a client that was sent away and is back at once must not be taken by
/// the life that is ending.
async fn next(
    listener: &TcpListener,
    stop: &CancellationToken,
) -> Option<io::Result<(TcpStream, SocketAddr)>> {
    tokio::select! {
        biased;
        () = stop.cancelled() => None,
        accepted = listener.accept() => Some(accepted),
    }
}

async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    door: Arc<Door>,
) -> Result<(), hyper::Error> {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%address, %error, "TCP_NODELAY was refused");
    }
    let Some(tls) = &door.tls else {
        return speak(stream, Way { address, encrypted: false }, door).await;
    };
    match tls::greet(tls, stream, HEADERS).await {
        Ok(stream) => speak(stream, Way { address, encrypted: true }, door).await,
        Err(error) => {
            tracing::debug!(%address, %error, "no TLS came of a connection");
            Ok(())
        }
    }
}

/// HTTP, whatever carries it.
async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    way: Way,
    door: Arc<Door>,
) -> Result<(), hyper::Error> {
    let stop = door.core.stop.clone();
    let service =
        TowerToHyperService::new(gate::Gated::new(Arc::clone(&door), way, routes::service(door)));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        // First what came in: a request that is here already is answered.
        biased;
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    }
}

/// Binds the port, or says who to ask.
///
/// # Errors
/// When the address cannot be bound; the text names it.
pub fn bind(address: SocketAddr) -> io::Result<Arc<std::net::TcpListener>> {
    let bound = std::net::TcpListener::bind(address).and_then(|listener| {
        // The backlog of the standard library is meant for fewer clients than come back at once.
        rustix::net::listen(&listener, BACKLOG)?;
        listener.set_nonblocking(true)?;
        Ok(Arc::new(listener))
    });
    bound.map_err(|error| {
        let hint = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "; another program listens there: stop it or choose another --port"
            }
            io::ErrorKind::PermissionDenied => {
                "; ports below 1024 need a privilege: choose another --port"
            }
            io::ErrorKind::AddrNotAvailable => {
                "; this machine has no such address: choose another --bind"
            }
            _ => "",
        };
        io::Error::new(error.kind(), format!("cannot listen on {address}: {error}{hint}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_life_that_ends_leaves_who_comes_to_the_next_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (first, again) = (TcpStream::connect(address).await, TcpStream::connect(address).await);
        let (life, next_life) = (CancellationToken::new(), CancellationToken::new());
        assert!(matches!(next(&listener, &life).await, Some(Ok((_, from)))
            if from == first.unwrap().local_addr().unwrap()));
        life.cancel();
        // The other waits already: whatever looked at both in no order would take it now and then.
        for _ in 0..64 {
            assert!(next(&listener, &life).await.is_none());
        }
        assert!(matches!(next(&listener, &next_life).await, Some(Ok((_, from)))
            if from == again.unwrap().local_addr().unwrap()));
    }
}
