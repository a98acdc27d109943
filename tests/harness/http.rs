//! Plain HTTP requests whose path goes out as the play wrote it, dots and percent signs included.

use crate::patiently;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Method, Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as text.
    pub body: String,
}

impl Answer {
    /// A header's text; empty when it is absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Asks the server on `port`.
pub async fn ask(method: Method, port: u16, path: &str, headers: &[(&str, &str)]) -> Answer {
    ask_with(method, port, path, headers, Bytes::new()).await
}

/// Asks with a body.
pub async fn ask_with(
    method: Method,
    port: u16,
    path: &str,
    headers: &[(&str, &str)],
    body: Bytes,
) -> Answer {
    let mut request =
        Request::builder().method(method).uri(path).header("host", format!("127.0.0.1:{port}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(body)).expect("the play's request is well formed");
    let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("the server listens");
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.expect("a connection begins");
    let asking = async {
        let response = sender.send_request(request).await.expect("the server answers");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("the answer is whole").to_bytes();
        (head, body)
    };
    let both = async {
        tokio::select! {
            answered = asking => answered,
            ended = connection => panic!("the connection ended first: {ended:?}"),
        }
    };
    let (head, body) = patiently(both, || format!("no answer for {path}")).await;
    let body = String::from_utf8_lossy(&body).into_owned();
    Answer { status: head.status.as_u16(), headers: head.headers, body }
}

/// Gets a path.
pub async fn get(port: u16, path: &str, headers: &[(&str, &str)]) -> Answer {
    ask(Method::GET, port, path, headers).await
}

/// Posts JSON.
pub async fn post_json(port: u16, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let headers = [headers, &[("content-type", "application/json")]].concat();
    ask_with(Method::POST, port, path, &headers, body.to_string().into()).await
}
