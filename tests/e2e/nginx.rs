//! Behind a real reverse proxy: Debian's nginx names the user, and the gateway believes it alone.

use harness::{Connect, Gateway, Identity, Options, http, patiently};
use serde_json::json;
use std::{fs, net::TcpListener, process::Stdio};
use tempfile::TempDir;
use tokio::process::{Child, Command};

const PROGRAM: &str = "/usr/sbin/nginx";

struct Nginx {
    port: u16,
    _child: Child,
    _home: TempDir,
}

impl Nginx {
    /// Starts one in front of a gateway; it names the user `ann`.
    async fn before(gateway: &Gateway) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder can be made");
        // Free until the proxy takes it; no other play binds a port by its number.
        let port = {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
            listener.local_addr().expect("it is bound").port()
        };
        let config = format!(
            "daemon off; master_process off; pid nginx.pid; error_log stderr;\n\
             events {{}}\n\
             http {{\n\
               access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f;\n\
               uwsgi_temp_path u; scgi_temp_path s;\n\
               map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}\n\
               server {{\n\
                 listen 127.0.0.1:{port};\n\
                 location / {{\n\
                   proxy_pass http://127.0.0.1:{};\n\
                   proxy_http_version 1.1;\n\
                   proxy_set_header Upgrade $http_upgrade;\n\
                   proxy_set_header Connection $connection_upgrade;\n\
                   proxy_set_header Host $http_host;\n\
                   proxy_set_header X-Forwarded-For $remote_addr;\n\
                   proxy_set_header X-Forwarded-Proto $scheme;\n\
                   proxy_set_header X-User ann;\n\
                 }}\n\
               }}\n\
             }}\n",
            gateway.port
        );
        fs::write(home.path().join("nginx.conf"), config).expect("the folder is ours");
        let child = Command::new(PROGRAM)
            .arg("-p")
            .arg(home.path())
            .args(["-e", "stderr", "-c", "nginx.conf"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("nginx is installed: run `tests/setup.sh test` (`make test` does)");
        let up = async {
            while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        patiently(up, || "nginx does not listen".to_owned()).await;
        Self { port, _child: child, _home: home }
    }
}

#[tokio::test]
async fn nginx_names_the_user_and_carries_a_whole_turn() {
    let settings = "[gateway]\nreload = \"manual\"\ntrusted_proxies = [\"127.0.0.1\"]\n\
         auth = { mode = \"trusted-proxy\", user_header = \"x-user\" }\n";
    let gateway = Gateway::start(Options::default().only_config(settings)).await;
    let nginx = Nginx::before(&gateway).await;
    let alive = http::get(nginx.port, "/healthz", &[]).await;
    assert_eq!(alive.status, 200);

    let ann = Connect::device(&Identity::number(1)).auth(json!({}));
    let direct = ann.clone().open(gateway.port).await.err().expect("nobody named her");
    let error = direct.error.expect("it is told why");
    assert_eq!(error.details["code"], "AUTH_IDENTITY_HEADER_REQUIRED");

    let mut client = ann.open(nginx.port).await.expect("the proxy knows her");
    assert_eq!(client.hello["auth"]["method"], "trusted-proxy");
    let ask = json!({ "sessionKey": "main", "message": "hello there", "idempotencyKey": "one" });
    client.call("chat.send", ask).await;
    let end = client.event(|event| event.name == "chat" && event.payload["state"] == "final").await;
    let text = end.payload["message"]["content"][0]["text"].as_str().unwrap_or_default();
    assert!(text.contains("hello there"), "{end:?}");
}
