//! The author's kit: a new crate that is what every build compiles and tests, and the suite that
//! says whether a built plugin keeps its promises.

use harness::{Terminal, cc::CPlugin, eventually, libraries, line::Person};
use serde_json::Value;
use std::{fs, path::Path, process::Command};

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// How each check came out, by its name.
fn outcomes(report: &Value) -> Vec<(String, String, String)> {
    let checks = report["checks"].as_array().expect("a report lists checks");
    let word = |check: &Value, field: &str| check[field].as_str().unwrap_or_default().to_owned();
    checks.iter().map(|c| (word(c, "name"), word(c, "outcome"), word(c, "text"))).collect()
}

#[tokio::test]
async fn a_new_crate_is_the_example_under_another_name() {
    let person = Terminal::anywhere();
    let api = text(&libraries::root().join("plugin-api"));
    let said = person.done(&["plugins", "new", "my-channel", "--out", "made", "--api", &api]).await;
    assert!(said.contains("cargo test"), "{said}");
    let (made, example) = (person.home().join("made"), libraries::source("my-channel"));
    // What the workspace builds and tests is, file by file, what an author gets.
    let sources = ["plugin.toml", "config.schema.json", "README.md", "src/lib.rs", "src/tests.rs"];
    for file in sources.iter().chain(&["src/config.rs", "src/channel.rs", "src/receive.rs"]) {
        let read = |folder: &Path| fs::read_to_string(folder.join(file)).expect("it is there");
        assert_eq!(read(&made), read(&example), "{file}");
    }
    let count = |folder: &Path| fs::read_dir(folder.join("src")).expect("it is there").count();
    assert_eq!(count(&made), count(&example), "no file is left out");

    person.done(&["plugins", "new", "other-name", "--out", "other", "--api", &api]).await;
    let other = person.home().join("other");
    let manifest = fs::read_to_string(other.join("plugin.toml")).expect("it was written");
    for words in ["id = \"other-name\"", "libjackfield_other_name.so", "label = \"Other name\""] {
        assert!(manifest.contains(words), "{manifest}");
    }
    // Cargo reads it and finds the contract where it was told.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut metadata = Command::new(cargo);
    metadata.args(["metadata", "--format-version", "1", "--no-deps", "--offline"]);
    let ran = metadata.current_dir(&other).output().expect("cargo runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let found: Value = serde_json::from_slice(&ran.stdout).expect("metadata is JSON");
    let package = &found["packages"][0];
    assert_eq!(package["name"], "jackfield-other-name");
    let depends = package["dependencies"].as_array().expect("a list");
    let contract = depends.iter().find(|of| of["name"] == "jackfield-plugin-api");
    assert_eq!(contract.expect("it depends on the contract")["path"], api.as_str());

    let again = person.run(&["plugins", "new", "other-name", "--out", "other"]).await;
    assert!(again.code == 1 && again.err.contains("not empty"), "{again:?}");
}

#[tokio::test]
async fn what_was_built_from_the_new_crate_keeps_its_promises() {
    let person = Terminal::anywhere();
    let package = person.home().join("my-channel");
    libraries::pack("my-channel", &package);
    let listen = "listen=\"127.0.0.1:0\"";
    let report = person.document(&["plugins", "test", &text(&package), "--set", listen]).await;
    let outcomes = outcomes(&report);
    assert!(outcomes.iter().all(|(_, outcome, _)| outcome != "broken"), "{report}");
    for name in ["lifecycle", "unknown frames", "unknown kind", "backpressure", "redelivery"] {
        let kept = outcomes.iter().any(|(of, outcome, _)| of == name && outcome == "kept");
        assert!(kept, "{name}: {report}");
    }
    let wall = outcomes.iter().find(|(name, ..)| name == "panic wall").expect("it is looked at");
    assert!(wall.2.contains("settings that make no sense"), "{wall:?}");
}

#[tokio::test]
async fn the_example_keeps_its_promises_with_people_on_the_line() {
    for museum in [false, true] {
        let person = Terminal::anywhere();
        let package = person.home().join("line-echo");
        if museum {
            libraries::pack_museum("1.0.0", &package);
        } else {
            libraries::pack("line-echo", &package);
        }
        // A port that was free a moment ago.
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("it is bound").port();
        drop(free);
        let listen = format!("listen=\"127.0.0.1:{port}\"");
        let package = text(&package);
        let words = ["plugins", "test", &package, "--set", &listen, "--events", "3", "--json"];
        let people = async {
            let reached = async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok();
            eventually("the channel listens", reached).await;
            let mut ada = Person::connect(port, "ada").await;
            for n in 1..=3 {
                ada.say(&format!("m{n}"), "hello").await;
            }
            ada
        };
        let (said, _ada) = tokio::join!(person.run(&words), people);
        let report = said.document();
        assert_eq!(said.code, 0, "{said:?}");
        let outcomes = outcomes(&report);
        let kept = |name: &str| outcomes.iter().any(|(of, how, _)| of == name && how == "kept");
        for name in ["events", "drain", "resume", "export", "second life", "stop under load"] {
            assert!(kept(name), "{name}: {report}");
        }
    }
}

#[tokio::test]
async fn a_broken_promise_is_told_and_ends_with_a_code() {
    let person = Terminal::anywhere();
    let (hello, trespasser) = (person.home().join("hello"), person.home().join("trespasser"));
    CPlugin::hello().pack(&hello);
    let report = person.document(&["plugins", "test", &text(&hello)]).await;
    assert_eq!(report["ok"], true, "{report}");
    // It answers no message at all.
    CPlugin::trespasser("").pack(&trespasser);
    let said = person.run(&["plugins", "test", &text(&trespasser), "--limit", "1"]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("BROKEN   kinds") && said.out.contains(" broken"), "{said:?}");
    let none = person.run(&["plugins", "test", &text(&person.home().join("absent"))]).await;
    assert_eq!(none.code, 1, "{none:?}");
}
