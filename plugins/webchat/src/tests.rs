//! The page and its files, asked for as the gateway asks.

use crate::channel::WebChat;
use jackfield_plugin_api::{
    http::{HttpRequest, HttpResponse},
    link::LinkState,
    serde_json::json,
    testing::{FakeHost, run, text_to},
};

async fn started() -> FakeHost<WebChat> {
    FakeHost::start(json!({"enabled": true})).await
}

async fn get(host: &mut FakeHost<WebChat>, path: &str) -> HttpResponse {
    host.http(HttpRequest::new("GET", path)).await
}

#[test]
fn every_file_has_its_type_a_tag_and_its_bytes() {
    run(async {
        let mut host = started().await;
        for (path, mime) in [
            ("/webchat/", "text/html; charset=utf-8"),
            ("/webchat/index.html", "text/html; charset=utf-8"),
            ("/webchat/app.js", "text/javascript; charset=utf-8"),
            ("/webchat/app.css", "text/css; charset=utf-8"),
            ("/webchat/highlight.js", "text/javascript; charset=utf-8"),
            ("/webchat/favicon.svg", "image/svg+xml"),
            ("/webchat/LEGAL.txt", "text/plain; charset=utf-8"),
        ] {
            let response = get(&mut host, path).await;
            assert_eq!(response.status, 200, "{path}");
            assert_eq!(response.header("content-type"), Some(mime), "{path}");
            let etag = response.header("etag").unwrap();
            assert!(etag.len() == 34 && etag.starts_with('"') && etag.ends_with('"'), "{etag}");
            assert!(!response.body().unwrap().is_empty(), "{path}");
        }
    });
}

#[test]
fn the_page_asks_for_nothing_that_is_not_here() {
    run(async {
        let mut host = started().await;
        let page = get(&mut host, "/webchat/").await;
        assert_eq!(page.header("cache-control"), Some("no-cache"));
        let html = String::from_utf8(page.body().unwrap()).unwrap();
        let links = html
            .split(['"', '\''])
            .filter(|part| [".js", ".css", ".svg"].iter().any(|end| part.ends_with(end)));
        let mut seen = 0;
        for link in links {
            let name = link.trim_start_matches("./").trim_start_matches("/webchat/");
            assert_eq!(get(&mut host, &format!("/webchat/{name}")).await.status, 200, "{link}");
            seen += 1;
        }
        assert!(seen >= 2, "the page loads a script and a style sheet");
    });
}

#[test]
fn what_a_browser_has_already_is_not_sent_again() {
    run(async {
        let mut host = started().await;
        let first = get(&mut host, "/webchat/app.js").await;
        let etag = first.header("etag").unwrap();
        assert_eq!(first.header("cache-control"), Some("max-age=0, must-revalidate"));
        for tags in [etag.to_owned(), format!("\"old\", W/{etag}"), "*".to_owned()] {
            let again =
                HttpRequest::new("GET", "/webchat/app.js").with_header("if-none-match", &tags);
            let response = host.http(again).await;
            assert_eq!((response.status, response.body_b64.as_str()), (304, ""), "{tags}");
            assert_eq!(response.header("etag"), Some(etag));
        }
        let other = HttpRequest::new("GET", "/webchat/app.css").with_header("if-none-match", etag);
        assert_eq!(host.http(other).await.status, 200);
    });
}

#[test]
fn head_has_the_headers_and_no_body() {
    run(async {
        let mut host = started().await;
        let size = get(&mut host, "/webchat/app.js").await.body().unwrap().len().to_string();
        let head = host.http(HttpRequest::new("HEAD", "/webchat/app.js")).await;
        assert_eq!((head.status, head.body_b64.as_str()), (200, ""));
        assert_eq!(head.header("content-length"), Some(size.as_str()));
    });
}

#[test]
fn other_paths_and_other_methods_get_nothing() {
    run(async {
        let mut host = started().await;
        for path in ["/webchat/nope", "/webchat/../secret", "/webchat//", "/other/", "/webchat"] {
            assert_eq!(get(&mut host, path).await.status, 404, "{path}");
        }
        let posted = host.http(HttpRequest::new("POST", "/webchat/").with_body("x")).await;
        assert_eq!((posted.status, posted.header("allow")), (405, Some("GET, HEAD")));
    });
}

#[test]
fn it_carries_no_messages_and_says_where_it_is() {
    run(async {
        let mut host = started().await;
        let link = host.link(LinkState::Connected).await;
        assert_eq!(link.detail.as_deref(), Some("serving /webchat/"));
        assert_eq!(host.send(text_to("ada", "hi")).await.unwrap_err().code, "unsupported");
    });
}
