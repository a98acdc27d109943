//! The channel behind a host that is faked: the loop, the credit and the panic wall are the real
//! ones.

use crate::channel::Adapter;
use jackfield_plugin_api::{
    Resume,
    frame::Accepted,
    serde_json::json,
    testing::{self, FakeHost},
    tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    },
};

async fn started() -> (FakeHost<Adapter>, TcpStream) {
    let mut host = FakeHost::<Adapter>::start(json!({"listen": "127.0.0.1:0"})).await;
    let said = host.probe("default").await.expect("it listens");
    let address = said.trim_start_matches("listening on ").split(',').next().expect("an address");
    let person = TcpStream::connect(address).await.expect("it listens there");
    (host, person)
}

#[test]
fn a_line_arrives_and_the_answer_goes_back() {
    testing::run(async {
        let (mut host, mut person) = started().await;
        person.write_all(b"ada\nhello\n").await.expect("connected");
        let event = host.event().await;
        assert_eq!(event.body.sender().map(|sender| sender.id.as_str()), Some("ada"));
        event.answer(Accepted::Stored);
        host.send(testing::text_to("ada", "hi there")).await.expect("she is connected");
        let mut heard = [0; 9];
        person.read_exact(&mut heard).await.expect("something is said");
        assert_eq!(&heard, b"hi there\n");
        host.stop().await;
    });
}

#[test]
fn who_is_not_there_gets_it_later() {
    testing::run(async {
        let mut host = FakeHost::<Adapter>::start(json!({"listen": "127.0.0.1:0"})).await;
        let refused = host.send(testing::text_to("bob", "hi")).await.unwrap_err();
        assert_eq!(refused.code, "not_connected");
        host.stop().await;
    });
}

#[test]
fn an_address_that_is_none_is_named() {
    testing::run(async {
        let start = FakeHost::<Adapter>::try_start(json!({"listen": "nowhere"}), Resume::default());
        let error = start.await.err().expect("it cannot listen there");
        assert_eq!(error.config_path.as_deref(), Some("/listen"));
    });
}
