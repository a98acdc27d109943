//! The plugin interface is not Rust's alone: a plugin built with the system's C compiler runs in
//! both isolations, and one with another entry is refused by name.

use harness::{Client, Gateway, Options, cc::CPlugin, eventually, libraries::root};
use serde_json::{Value, json};
use std::process::Command;

async fn row(client: &mut Client, id: &str, settled: impl Fn(&Value) -> bool) -> Value {
    eventually("the plugin settles", async || {
        let list = client.call("plugins.list", json!({})).await;
        let rows = list["plugins"].as_array()?;
        rows.iter().find(|row| row["id"] == id && settled(row)).cloned()
    })
    .await
}

#[tokio::test]
async fn a_plugin_in_c_carries_messages_both_ways() {
    let now = ("now", CPlugin::hello());
    let released = ("1.1.0", CPlugin::museum("1.1.0"));
    let isolations = ["process", "in-process"];
    for ((built, plugin), isolation) in
        [now, released].iter().flat_map(|plugin| isolations.map(|isolation| (plugin, isolation)))
    {
        let options = Options::default().config(&format!(
            "[plugins.c-hello]\nisolation = \"{isolation}\"\n\
             [channels.c-hello]\nenabled = true\ndm_policy = \"open\""
        ));
        let home = Gateway::lay_out(&options);
        plugin.pack(&home.path().join("plugins/c-hello"));
        let gateway = Gateway::start_in(home, Vec::new()).await;
        let mut client = gateway.client().await;
        let answered = row(&mut client, "c-hello", |row| {
            let log = row["lastLog"].as_array().into_iter().flatten();
            log.filter_map(Value::as_str).any(|line| line.contains("hello from C"))
        });
        let row = answered.await;
        let stands = (&row["state"], &row["isolation"]);
        assert_eq!(stands, (&json!("running"), &json!(isolation)), "{built}");
        let sent =
            json!({"channel": "c-hello", "to": "sea", "message": "hi", "idempotencyKey": "1"});
        let sent = client.call("send", sent).await;
        assert!(sent["messageId"].as_str().is_some_and(|id| id.starts_with("c-")), "{sent}");
    }
}

#[tokio::test]
async fn another_entry_is_refused_by_name() {
    let spoilt = [
        ("major", "MAJOR=2", "built for plugin ABI 2, this gateway speaks 1; upgrade the gateway"),
        ("short", "BYTES=48", "`deliver` is missing"),
        ("hollow", "NO_DELIVER", "`deliver` is not set"),
    ];
    let tables = spoilt.map(|(id, ..)| format!("[channels.{id}]\nenabled = true\n")).concat();
    let home = Gateway::lay_out(&Options::default().config(&tables));
    for (id, define, _) in spoilt {
        let plugin = CPlugin::named(id, "").define(define);
        plugin.pack(&home.path().join("plugins").join(id));
    }
    let gateway = Gateway::start_in(home, Vec::new()).await;
    let mut client = gateway.client().await;
    for (id, _, words) in spoilt {
        let row = row(&mut client, id, |row| row["state"] == "refused").await;
        let reason = row["lastError"].as_str().expect("a reason");
        assert!(reason.contains(words) && reason.lines().count() <= 2, "{reason}");
    }
}

#[test]
fn the_header_and_the_gateway_agree_on_every_field() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = folder.path().join("layout.c");
    let program = r#"
#include "jackfield_plugin.h"
#include <stdio.h>
int main(void) {
    printf("%zu %zu %zu %zu %zu %d", sizeof(struct jackfield_host), sizeof(struct jackfield_plugin),
           offsetof(struct jackfield_plugin, id), offsetof(struct jackfield_plugin, open),
           offsetof(struct jackfield_plugin, get_extension), JACKFIELD_ABI_MAJOR);
    return 0;
}
"#;
    std::fs::write(&source, program).expect("just made");
    let layout = folder.path().join("layout");
    let mut compiler = Command::new("cc");
    compiler.arg("-I").arg(root().join("plugin-api/include")).arg("-o").args([&layout, &source]);
    assert!(compiler.status().expect("cc is installed").success());
    let said = Command::new(layout).output().expect("it was just built").stdout;
    // The numbers that plugin-api/src/abi/plain.rs asserts.
    assert_eq!(String::from_utf8_lossy(&said), "40 72 24 40 64 1");
}
