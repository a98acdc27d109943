//! Loading a file from the web: public addresses only, a few redirects, a limit on time and size.
//!
//! Names are resolved here and their addresses looked at before a connection is made, so a name cannot
//! lead inside. Must not know: messages.

use super::{
    Missing,
    reach::{is_public, origin},
    spool::{FILE_BYTES_MAX, Lack},
};
use reqwest::{
    Client,
    dns::{Addrs, Name, Resolve, Resolving},
    header::CONTENT_TYPE,
    redirect::Policy,
};
use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::io::AsyncWriteExt;
use url::{Host, Url};

const TIME: Duration = Duration::from_mins(1);
const CONNECT_TIME: Duration = Duration::from_secs(10);
const REDIRECTS_MAX: usize = 3;

/// Both ways out, made when they are first needed.
pub(super) struct Downloads {
    own: HashMap<String, Vec<String>>,
    public: OnceLock<Result<Client, String>>,
    any: OnceLock<Result<Client, String>>,
}

impl Downloads {
    pub(super) fn new(own: HashMap<String, Vec<String>>) -> Self {
        Self { own, public: OnceLock::new(), any: OnceLock::new() }
    }

    /// Loads a file; answers its MIME type, where the server names one.
    pub(super) async fn bring(
        &self,
        channel: &str,
        url: &str,
        to: &Path,
    ) -> Result<Option<String>, Missing> {
        let url = Url::parse(url).map_err(|error| refused(format!("its address: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused(format!("`{}:` is no web address", url.scheme())));
        }
        let own = self.own.get(channel).is_some_and(|own| own.contains(&origin(&url)));
        if !own && leads_inside(&url) {
            return Err(refused("its address is not a public one".to_owned()));
        }
        let client = if own {
            self.any.get_or_init(|| client(Policy::none(), None))
        } else {
            self.public.get_or_init(|| client(public_redirects(), Some(Arc::new(Public))))
        };
        let client = client.as_ref().map_err(|error| refused(error.clone()))?;
        let loading = load(client, url, to);
        tokio::time::timeout(TIME, loading)
            .await
            .map_err(|_| refused(format!("it did not come within {} s", TIME.as_secs())))?
    }
}

async fn load(client: &Client, url: Url, to: &Path) -> Result<Option<String>, Missing> {
    let broken = |error: reqwest::Error| refused(explained(&error.without_url()));
    let mut answer = client.get(url).send().await.map_err(broken)?;
    if !answer.status().is_success() {
        return Err(refused(format!("the server answers {}", answer.status())));
    }
    if answer.content_length().is_some_and(|bytes| bytes > FILE_BYTES_MAX) {
        return Err(Lack::TooLarge.into());
    }
    let mime = answer.headers().get(CONTENT_TYPE).and_then(|mime| mime.to_str().ok());
    let mime = mime.and_then(|mime| mime.split(';').next()).map(str::to_owned);
    let mut file = tokio::fs::File::create(to).await?;
    let mut bytes = 0;
    while let Some(chunk) = answer.chunk().await.map_err(broken)? {
        bytes += chunk.len() as u64;
        if bytes > FILE_BYTES_MAX {
            drop(file);
            tokio::fs::remove_file(to).await?;
            return Err(Lack::TooLarge.into());
        }
        file.write_all(&chunk).await?;
    }
    file.flush().await?;
    Ok(mime)
}

fn client(redirects: Policy, resolver: Option<Arc<Public>>) -> Result<Client, String> {
    // Whoever installs one first wins, and all of this program install the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut client = Client::builder()
        .redirect(redirects)
        .no_proxy()
        .connect_timeout(CONNECT_TIME)
        .user_agent(concat!("jackfield/", env!("CARGO_PKG_VERSION")));
    if let Some(resolver) = resolver {
        client = client.dns_resolver(resolver);
    }
    client.build().map_err(|error| explained(&error))
}

fn public_redirects() -> Policy {
    Policy::custom(|attempt| {
        if attempt.previous().len() > REDIRECTS_MAX {
            attempt.error("too many redirects")
        } else if leads_inside(attempt.url()) || !matches!(attempt.url().scheme(), "http" | "https")
        {
            attempt.error("a redirect leads to an address that is not public")
        } else {
            attempt.follow()
        }
    })
}

/// An address written as numbers that are not public; names are looked at when they are resolved.
fn leads_inside(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => !is_public(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => !is_public(IpAddr::V6(ip)),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => true,
    }
}

/// Resolves names to public addresses only.
struct Public;

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err("its name does not lead to a public address".into());
            }
            let addresses: Addrs = Box::new(public.into_iter());
            Ok(addresses)
        })
    }
}

fn refused(text: String) -> Missing {
    Missing::Refused(text)
}

/// An error with its causes on one line.
fn explained(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::Downloads;
    use std::collections::HashMap;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn only_the_channels_own_server_may_be_an_inner_one() {
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let root = format!("http://{}", server.local_addr().unwrap());
        let own = HashMap::from([("line".to_owned(), vec![root.clone()])]);
        let (downloads, dir) = (Downloads::new(own), tempfile::tempdir().unwrap());
        let (url, to) = (format!("{root}/cat.jpg"), dir.path().join("cat"));
        let serve = async {
            let (mut socket, _) = server.accept().await.unwrap();
            let mut asked = [0; 1024];
            let _ = socket.read(&mut asked).await.unwrap();
            let head = "HTTP/1.1 200 OK\r\ncontent-type: image/jpeg; q=1\r\ncontent-length: 3";
            socket.write_all(format!("{head}\r\n\r\ncat").as_bytes()).await.unwrap();
        };
        let (mime, ()) = tokio::join!(downloads.bring("line", &url, &to), serve);
        assert_eq!(mime.unwrap().as_deref(), Some("image/jpeg"));
        assert_eq!(std::fs::read(&to).unwrap(), b"cat");
        for inside in [url.as_str(), "http://localhost/x", "http://[::1]/x", "file:///etc/passwd"] {
            let refused = downloads.bring("other", inside, &to).await.unwrap_err().to_string();
            assert!(refused.contains("public") || refused.contains("web"), "{inside}: {refused}");
        }
    }
}
