//! What every answer over HTTP carries, whatever the route and however it ends.

use harness::{Gateway, Options, http::ask};
use hyper::Method;

#[tokio::test]
async fn every_answer_is_hardened_on_every_route() {
    let options = Options::default().plugin("webchat").config("[channels.webchat]\nenabled = true");
    let gateway = Gateway::start(options).await;
    let client = gateway.client().await;
    let canvas = client.hello["pluginSurfaceUrls"]["canvas"].as_str().expect("an address");
    let corner = &canvas[canvas.find("/__openclaw__").expect("it is below our paths")..];
    std::fs::write(gateway.home().join("state/canvas/index.html"), "<p>drawn").expect("writable");
    let page = format!("{corner}/__openclaw__/canvas/");
    let a2ui = format!("{corner}/__openclaw__/a2ui/");
    let (missing, script, bare) =
        (format!("{page}missing"), format!("{a2ui}a2ui.js"), page.trim_end_matches('/'));
    harness::eventually("the chat page is there", async || {
        let answer = ask(Method::GET, gateway.port, "/webchat/", &[]).await;
        (answer.status == 200).then_some(())
    })
    .await;
    let (get, post) = (Method::GET, Method::POST);
    let foreign = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    for (method, path, headers, status, kind) in [
        (&get, "/health", &[][..], 200, "application/json"),
        (&get, "/healthz", &[], 200, "application/json"),
        (&get, "/ready", &[], 200, "application/json"),
        (&get, "/metrics", &[], 401, "text/plain; charset=utf-8"),
        (&get, "/nothing/here", &[], 404, "text/plain; charset=utf-8"),
        (&post, "/health", &foreign, 403, "text/plain; charset=utf-8"),
        (&get, "/webchat/", &[], 200, "text/html; charset=utf-8"),
        (&get, "/webchat/app.js", &[], 200, "text/javascript; charset=utf-8"),
        (&get, "/webchat/nothing", &[], 404, "text/plain; charset=utf-8"),
        (&get, "/__openclaw__/canvas/", &[], 401, "text/plain; charset=utf-8"),
        (&get, &page, &[], 200, "text/html; charset=utf-8"),
        (&get, bare, &[], 308, ""),
        (&get, &missing, &[], 404, "text/plain; charset=utf-8"),
        (&post, &page, &[], 405, "text/plain; charset=utf-8"),
        (&get, &a2ui, &[], 200, "text/html; charset=utf-8"),
        (&get, &script, &[], 200, "text/javascript; charset=utf-8"),
    ] {
        let answer = ask(method.clone(), gateway.port, path, headers).await;
        let what = format!("{method} {path}: {} {:?}", answer.status, answer.headers);
        assert_eq!(answer.status, status, "{what}");
        assert_eq!(answer.header("content-type"), kind, "{what}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{what}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{what}");
        assert!(answer.header("permissions-policy").contains("camera=()"), "{what}");
        assert!(!answer.header("cross-origin-opener-policy").is_empty(), "{what}");
        assert!(!answer.header("cross-origin-resource-policy").is_empty(), "{what}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{what}");
        // What an agent draws may do as it likes, in a corner of its own.
        let scripts = policy.split(';').find(|rule| rule.trim().starts_with("script-src"));
        let confined = policy.starts_with("sandbox allow-scripts;");
        assert!(confined || !scripts.is_some_and(|rule| rule.contains("unsafe")), "{what}");
        for banner in ["server", "x-powered-by"] {
            assert!(answer.headers.get(banner).is_none(), "{what}");
        }
    }
}
