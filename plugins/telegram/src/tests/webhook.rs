//! The webhook: who may knock, and when the door says 200.

use super::{
    Plugin, album_part,
    stub::{Reply, Stub},
    text,
};
use jackfield_plugin_api::{
    frame::Accepted,
    http::HttpRequest,
    link::LinkState,
    serde_json::{Value, json},
    testing::run,
    tokio,
};

const URL: &str = "https://gw.example.org/telegram/default";

fn info(url: &str, error_date: Option<i64>) -> Reply {
    let result = json!({
        "url": url, "pending_update_count": 3, "last_error_date": error_date,
        "last_error_message": "Connection refused",
    });
    Reply::Json(200, json!({"ok": true, "result": result}))
}

fn post(secret: &str, update: &Value) -> HttpRequest {
    HttpRequest::new("POST", "/telegram/default")
        .with_header("x-telegram-bot-api-secret-token", secret)
        .with_body(update.to_string())
}

/// A plugin with a webhook, and the secret it told the server.
async fn hooked(more: Value) -> (Stub, Plugin, String) {
    let stub = Stub::start().await;
    stub.reply("getWebhookInfo", info("", None));
    stub.reply("getWebhookInfo", info(URL, None));
    let mut table = json!({"webhook_url": "https://gw.example.org/telegram"});
    table.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    let mut host = Plugin::start(stub.table(table)).await;
    host.link(LinkState::Connected).await;
    let set = stub.seen("setWebhook").remove(0).params;
    assert_eq!((&set["url"], &set["max_connections"]), (&json!(URL), &json!(1)));
    assert!(stub.seen("getUpdates").is_empty(), "it does not poll beside");
    let secret = set["secret_token"].as_str().unwrap().to_owned();
    (stub, host, secret)
}

#[test]
fn an_update_is_answered_once_it_is_stored() {
    run(async {
        let (_stub, mut host, secret) = hooked(json!({"webhook_secret": "pass-word"})).await;
        assert_eq!(secret, "pass-word");
        for (accepted, status) in
            [(Accepted::Stored, 200), (Accepted::Duplicate, 200), (Accepted::Refused, 503)]
        {
            let request = post(&secret, &text(1, 1, "hello"));
            // The answer waits for the event's; both go through the same host.
            let answered = answer_while(&mut host, request, accepted).await;
            assert_eq!(answered, status, "{accepted:?}");
        }
    });
}

#[test]
fn a_part_of_an_album_is_answered_at_once_for_only_then_the_next_one_comes() {
    run(async {
        let (_stub, mut host, secret) = hooked(json!({})).await;
        for update_id in 1..=2 {
            let asked = host.request(post(&secret, &album_part(update_id))).await;
            let part = host.event().await;
            assert_eq!(part.album.as_deref(), Some("g"));
            part.answer(Accepted::Stored);
            assert_eq!(host.response(asked).await.status, 200);
        }
    });
}

async fn answer_while(host: &mut Plugin, request: HttpRequest, accepted: Accepted) -> u16 {
    let asked = host.request(request).await;
    let event = host.event().await;
    assert_eq!(event.dedupe_key, "m:42:1");
    event.answer(accepted);
    host.response(asked).await.status
}

#[test]
fn only_telegram_knows_the_secret() {
    run(async {
        let (_stub, mut host, secret) = hooked(json!({})).await;
        assert_eq!(secret.len(), 64, "one that follows from the token: {secret}");
        let update = text(1, 1, "let me in");
        for wrong in ["", "wrong", &secret[1..], &format!("{secret}x")] {
            assert_eq!(host.http(post(wrong, &update)).await.status, 401, "{wrong}");
        }
        let mut elsewhere = post(&secret, &update);
        elsewhere.path = "/telegram/other".to_owned();
        assert_eq!(host.http(elsewhere).await.status, 404);
        let mut get = post(&secret, &update);
        get.method = "GET".to_owned();
        assert_eq!(host.http(get).await.status, 405);
        let garbage = HttpRequest::new("POST", "/telegram/default")
            .with_header("x-telegram-bot-api-secret-token", secret.as_str())
            .with_body("not json");
        assert_eq!(host.http(garbage).await.status, 400);
        let odd = post(&secret, &json!({"update_id": 1, "message": 5}));
        assert_eq!(host.http(odd).await.status, 200, "it would come again for a day");
        assert_eq!(host.drain().await, 0, "nothing was handed over");
        assert_eq!(
            host.http(post(&secret, &update)).await.status,
            503,
            "the next version takes it"
        );
    });
}

#[test]
fn what_telegram_cannot_deliver_shows_in_the_link() {
    run(async {
        let stub = Stub::start().await;
        stub.reply("getWebhookInfo", info("", None));
        stub.reply("getWebhookInfo", info(URL, Some(1_795_551_882)));
        let table = stub.table(json!({"webhook_url": "https://gw.example.org/telegram"}));
        let mut host = Plugin::start(table).await;
        let told = host.link(LinkState::Retrying).await.detail.unwrap();
        assert!(told.contains(URL) && told.contains("Connection refused"), "{told}");
        tokio::task::yield_now().await;
        assert!(host.links().iter().all(|link| link.state != LinkState::Connected));
    });
}
