//! A plugin built with any released `plugin-api` carries messages in this gateway.

use harness::{
    Gateway, Options, Terminal, libraries,
    line::{Person, line_port},
};

/// Every release of the contract.
const RELEASES: [&str; 2] = ["1.0.0", "1.1.0"];

#[tokio::test]
async fn every_release_still_carries_messages() {
    for (release, isolation) in RELEASES.iter().flat_map(|r| [(r, "process"), (r, "in-process")]) {
        let options = Options::default().config(&format!(
            "[plugins.line-echo]\nisolation = \"{isolation}\"\n\
             [channels.line]\nenabled = true\nlisten = \"127.0.0.1:0\"\ndm_policy = \"open\""
        ));
        let home = Gateway::lay_out(&options);
        libraries::pack_museum(release, &home.path().join("plugins/line-echo"));
        let gateway = Gateway::start_in(home, Vec::new()).await;
        let mut client = gateway.client().await;
        let mut ada = Person::connect(line_port(&mut client).await, "ada").await;
        ada.say_and_wait("m1", "from long ago").await;
        assert!(ada.message().await.contains("from long ago"), "{release} {isolation}");
    }
}

#[tokio::test]
async fn a_piece_is_what_it_says() {
    for release in RELEASES {
        let person = Terminal::anywhere();
        let package = person.home().join("line-echo");
        libraries::pack_museum(release, &package);
        let said = person.done(&["plugins", "explain", &package.display().to_string()]).await;
        assert!(said.contains(&format!("\"api\":\"{release}\"")), "{said}");
    }
}
