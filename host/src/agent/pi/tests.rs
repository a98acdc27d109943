//! A run with programs that speak as Pi does, or should: the older form, long lines, odd letters, death.

use super::*;
use crate::{
    agent::{Decision, Question, program::Ground},
    clock::Clock,
    config::{Secret, agent::ProgramSection},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

struct Nobody;

impl Approver for Nobody {
    fn ask(&self, _: Question) -> BoxFuture<'static, Decision> {
        Box::pin(async { Decision::Deny })
    }
}

/// Answers the question for the state; what follows is the answer to the first prompt.
const STATE: &str = r#"
read -r line
printf '{"type":"response","id":"1","success":true,"data":{"messageCount":1,"model":{"id":"m","provider":"p"}}}\n'
read -r line
"#;

/// Runs one turn with a program of the shell; answers its steps and how it ended.
async fn turn(script: &str) -> (Vec<Step>, Result<(), BackendError>) {
    let home = tempfile::tempdir().unwrap();
    let mut settings = ProgramSection {
        command: ["sh", "-c", script].map(str::to_owned).to_vec(),
        ..ProgramSection::default()
    };
    settings.env.insert("PLAY_TOKEN".into(), Secret::new("hidden-0123456789"));
    let ground = Ground {
        home: home.path().to_owned(),
        clock: Clock::system(),
        tracker: TaskTracker::new(),
        stop: CancellationToken::new(),
    };
    let pi = Pi::new(Program::new(&settings, ground), Permission::Deny, Arc::new(Nobody));
    let (out, mut came) = mpsc::channel(64);
    let prompt = Prompt { session_id: "s".into(), text: "hello".into(), ..Prompt::default() };
    let heard = async {
        let mut steps = Vec::new();
        while let Some(step) = came.recv().await {
            match (steps.last_mut(), step) {
                (Some(Step::Text(words)), Step::Text(more)) => words.push_str(&more),
                (_, step) => steps.push(step),
            }
        }
        steps
    };
    tokio::join!(heard, pi.run(prompt, out))
}

fn says(text: &str) -> String {
    format!(
        r#"printf '%s\n' '{{"type":"message_update","assistantMessageEvent":{{"type":"text_delta","delta":"{text}"}}}}'"#
    )
}

#[tokio::test]
async fn the_older_form_ends_with_silence() {
    let words = [says("one"), says("\u{2028}two")].join("\n");
    let end = r#"printf '{"type":"agent_end","messages":[]}\n'; sleep 30"#;
    let (steps, ended) = turn(&format!("{STATE}\n{words}\n{end}")).await;
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(steps, [Step::Text("one\u{2028}two".into())]);
}

#[tokio::test]
async fn a_long_line_is_read_whole() {
    let long = r#"printf '{"type":"message_update","assistantMessageEvent":{"type":"text_delta","delta":"'
        head -c 5000000 /dev/zero | tr '\0' x
        printf '"}}\n{"type":"agent_end","messages":[],"willRetry":false}\n{"type":"agent_settled"}\n'
        sleep 30"#;
    let (steps, ended) = turn(&format!("{STATE}\n{long}")).await;
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(steps, [Step::Text("x".repeat(5_000_000))]);
}

#[tokio::test]
async fn a_program_that_dies_says_why_without_its_secrets() {
    let words = says("I was just");
    let death = r#"echo "out of luck, $PLAY_TOKEN" >&2; exit 3"#;
    let (steps, ended) = turn(&format!("{STATE}\n{words}\n{death}")).await;
    let text = ended.unwrap_err().to_string();
    assert!(text.contains("ended in the middle") && text.contains("exit status: 3"), "{text}");
    assert!(text.contains("out of luck, ***"), "{text}");
    assert_eq!(steps, [Step::Text("I was just".into())]);

    let (_, ended) = turn("echo 'no model' >&2; exit 1").await;
    let text = ended.unwrap_err().to_string();
    assert!(text.contains("cannot be used") && text.contains("no model"), "{text}");
}
