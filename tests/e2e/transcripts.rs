//! Plays every transcript of `tests/e2e/transcripts`, each against a gateway of its own.

use harness::{Gateway, Options, libraries::root, script};
use std::{fs, path::PathBuf};

#[tokio::test]
async fn every_transcript_plays() {
    let folder = root().join("tests/e2e/transcripts");
    let entries = fs::read_dir(folder).expect("the transcripts are in the repository");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "there is at least one transcript");

    let mut problems = Vec::new();
    for file in files {
        let gateway = Gateway::start(Options::default()).await;
        if let Err(problem) = script::play(&file, gateway.port).await {
            problems.push(format!("{problem}\n{}", gateway.output.tail()));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}
