//! Started by a service manager: readiness, signs of life, stopping, as `sd_notify(3)` writes them.

use harness::patiently;
use std::process::Stdio;
use tokio::{net::UnixDatagram, process::Command};

/// The next datagram with this line in it; the ones before it are passed over.
async fn told(socket: &UnixDatagram, line: &str) -> String {
    let hear = async {
        loop {
            let mut text = [0; 1024];
            let length = socket.recv(&mut text).await.expect("the socket is ours");
            let text = String::from_utf8_lossy(&text[..length]).into_owned();
            if text.lines().any(|said| said == line) {
                return text;
            }
        }
    };
    patiently(hear, || format!("`{line}` was not told")).await
}

#[tokio::test]
async fn systemd_hears_of_readiness_life_and_stopping() {
    let home = tempfile::tempdir().expect("a temporary folder can be made");
    let path = home.path().join("notify");
    let systemd = UnixDatagram::bind(&path).expect("the folder is writable");
    let mut child = Command::new(harness::libraries::binary())
        .args(["gateway", "--port", "0", "--token", "play-token-0123456789", "--state-dir"])
        .arg(home.path().join("state"))
        .env_clear()
        .env("HOME", home.path())
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "300000")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the gateway can be started");

    let ready = told(&systemd, "READY=1").await;
    assert!(ready.contains("STATUS=listening on 127.0.0.1:"), "{ready}");
    told(&systemd, "WATCHDOG=1").await;
    told(&systemd, "WATCHDOG=1").await;
    let pid = child.id().expect("it runs");
    harness::gateway::signal(pid, rustix::process::Signal::TERM);
    told(&systemd, "STOPPING=1").await;
    let status = patiently(child.wait(), || "it did not end".to_owned()).await;
    assert!(status.expect("it was started here").success());
}
