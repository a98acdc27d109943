//! The whole plugin over a real socket, behind `FakeHost`.

use crate::channel::Line;
use jackfield_plugin_api::{
    Resume,
    error::FailureClass,
    event::Event,
    frame::{Accepted, State},
    link::LinkState,
    serde_json::{Value, json},
    testing::{FakeHost, run, text_to},
    tokio::{
        io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
        net::{
            TcpStream,
            tcp::{OwnedReadHalf, OwnedWriteHalf},
        },
        time::timeout,
    },
};
use std::time::Duration;

type Plugin = FakeHost<Line>;

struct Client {
    lines: Lines<BufReader<OwnedReadHalf>>,
    socket: OwnedWriteHalf,
}

impl Client {
    async fn connect(address: &str) -> Self {
        let (reading, socket) = TcpStream::connect(address).await.unwrap().into_split();
        Self { lines: BufReader::new(reading).lines(), socket }
    }

    async fn say(&mut self, line: &str) {
        self.socket.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    async fn hear(&mut self) -> Option<String> {
        let line = timeout(Duration::from_secs(10), self.lines.next_line()).await;
        line.expect("a line in time").unwrap()
    }
}

/// A table as the gateway hands it over, its own keys among the channel's.
fn table() -> Value {
    json!({"enabled": true, "listen": "127.0.0.1:0", "dm_policy": "open", "allow_from": ["*"]})
}

async fn address(host: &mut Plugin) -> String {
    let detail = host.link(LinkState::Connected).await.detail.unwrap();
    detail.strip_prefix("listening on ").unwrap().to_owned()
}

/// A started plugin and a client called ada, known to it.
async fn with_ada() -> (Plugin, Client) {
    let mut host = Plugin::start(table()).await;
    let mut ada = Client::connect(&address(&mut host).await).await;
    ada.say("HELLO ada").await;
    ada.say("0 here I am").await;
    host.event().await.answer(Accepted::Stored);
    assert_eq!(ada.hear().await.as_deref(), Some("ACK 0"));
    (host, ada)
}

#[test]
fn a_line_is_acknowledged_only_after_the_host_stored_it() {
    run(async {
        let (mut host, mut ada) = with_ada().await;
        ada.say(r"m1 one\ntwo").await;
        let event = host.event().await;
        assert_eq!(event.dedupe_key, "ada:m1");
        let Event::Message(message) = &event.body else { panic!("{:?}", event.body) };
        assert_eq!(message.text, "one\ntwo");
        assert_eq!(message.sender.id.as_str(), "ada");
        assert_eq!(message.place.conversation.as_str(), "ada");
        // An outbound line overtakes: were the ACK already written, it would come first.
        host.send(text_to("ada", "meanwhile")).await.unwrap();
        assert!(ada.hear().await.unwrap().starts_with("MSG "));
        event.answer(Accepted::Stored);
        assert_eq!(ada.hear().await.as_deref(), Some("ACK m1"));
        for (answer, word) in [(Accepted::Duplicate, "ACK m1"), (Accepted::Refused, "BUSY m1")] {
            ada.say("m1 again").await;
            host.event().await.answer(answer);
            assert_eq!(ada.hear().await.as_deref(), Some(word));
        }
    });
}

#[test]
fn an_outbound_message_arrives_as_one_line_under_its_receipt() {
    run(async {
        let (mut host, mut ada) = with_ada().await;
        let receipt = host.send(text_to("ada", "hello\nada")).await.unwrap();
        let expected = format!(r"MSG {} hello\nada", receipt.message.unwrap());
        assert_eq!(ada.hear().await, Some(expected));
        let error = host.send(text_to("bob", "hello")).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (FailureClass::Retryable, "not_connected"));
    });
}

#[test]
fn a_client_that_does_not_say_hello_is_told_so() {
    run(async {
        let mut host = Plugin::start(table()).await;
        let mut client = Client::connect(&address(&mut host).await).await;
        client.say("GET / HTTP/1.1").await;
        assert!(client.hear().await.unwrap().starts_with("ERR "));
        assert_eq!(client.hear().await, None);
    });
}

#[test]
fn a_newer_version_listens_where_the_old_one_did() {
    run(async {
        let (mut old, mut ada) = with_ada().await;
        let port = address(&mut old).await;
        assert_eq!(old.drain().await, 0);
        assert_eq!(ada.hear().await, None, "the old version let go of the connection");
        let state = old.export().await;
        let resume = Resume { state: Some(state), cursors: Vec::new() };
        let mut new = Plugin::try_start(table(), resume).await.unwrap();
        assert_eq!(address(&mut new).await, port);
        new.stop().await;
        // The swap is called off: the old one takes its port again.
        old.resume().await;
        old.export().await; // control calls run one after another, so `resume` is done now
        let mut ada = Client::connect(&port).await;
        ada.say("HELLO ada").await;
        ada.say("9 back again").await;
        old.event().await.answer(Accepted::Stored);
        assert_eq!(ada.hear().await.as_deref(), Some("ACK 9"));
    });
}

#[test]
fn state_of_another_schema_is_left_alone() {
    run(async {
        let state = State { schema: 99, data: json!({"port": 1}) };
        let resume = Resume { state: Some(state), cursors: Vec::new() };
        let mut host = Plugin::try_start(table(), resume).await.unwrap();
        assert_ne!(address(&mut host).await, "127.0.0.1:1");
    });
}

#[test]
fn a_wrong_address_is_blamed_on_its_setting() {
    run(async {
        for listen in ["everywhere", "192.0.2.1:1"] {
            let table = json!({"listen": listen});
            let error = Plugin::try_start(table, Resume::default()).await.err().unwrap();
            assert_eq!(error.config_path.as_deref(), Some("/listen"), "{error}");
            assert!(error.text.contains(listen), "{error}");
        }
    });
}

#[test]
fn the_faults_that_can_be_survived_here_are() {
    run(async {
        let table = json!({"fault": "panic_in_start"});
        let error = Plugin::try_start(table, Resume::default()).await.err().unwrap();
        assert!(error.text.contains("told to panic"), "{error}");
        let mut host = Plugin::start(json!({"fault": "panic_in_send"})).await;
        let error = host.send(text_to("ada", "x")).await.unwrap_err();
        assert_eq!(error.class, FailureClass::Uncertain);
    });
}
