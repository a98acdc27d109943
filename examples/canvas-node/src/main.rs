//! A node that shows the canvas in a headless browser; see the README.
//!
//! Two ends meet here: the gateway asks, the browser does. Each command is done to its end before
//! the next is taken, so a picture shows what was presented before it.

mod actions;
mod browser;
mod commands;

use browser::Browser;
use clap::Parser;
use jackfield::cli::{
    client::{Client, ClientError, Offer, Part, Target},
    reach::Reach,
};
use serde_json::{Value, json};
use std::{process::ExitCode, time::Duration};

/// Pause before the gateway is tried again.
const AGAIN: Duration = Duration::from_secs(2);

/// A node that shows the canvas in a headless browser.
#[derive(Parser)]
struct Args {
    /// The gateway.
    #[command(flatten)]
    reach: Reach,
    /// The browser to start
    #[arg(long, value_name = "PROGRAM", default_value = "chromium", env = "CHROMIUM")]
    chromium: String,
    /// Name for people
    #[arg(long, value_name = "NAME", default_value = "canvas-node")]
    name: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = Args::parse();
    let target = match args.reach.target() {
        Ok(target) => target,
        Err(failure) => {
            eprintln!("canvas-node: {}\n{}", failure.text, failure.next);
            return ExitCode::from(failure.code);
        }
    };
    let mut browser = match Browser::start(&args.chromium).await {
        Ok(browser) => browser,
        Err(error) => {
            eprintln!("canvas-node: {} cannot be used: {error}", args.chromium);
            return ExitCode::FAILURE;
        }
    };
    let part = Part::Node(Offer {
        name: args.name,
        caps: vec!["canvas".to_owned()],
        commands: commands::ALL.map(str::to_owned).to_vec(),
    });
    loop {
        match serve(&target, &part, &mut browser).await {
            Ok(()) => return ExitCode::SUCCESS,
            Err(Ended::Browser(error)) => {
                eprintln!("canvas-node: the browser ended: {error}");
                return ExitCode::FAILURE;
            }
            Err(Ended::Gateway(error)) => {
                eprintln!("canvas-node: {error}; trying again");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// Why a connection's work ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    Gateway(#[from] ClientError),
    #[error(transparent)]
    Browser(#[from] browser::BrowserError),
}

async fn serve(target: &Target, part: &Part, browser: &mut Browser) -> Result<(), Ended> {
    let mut gateway = Client::open_as(target, part).await?;
    println!("connected to {}", target.address());
    loop {
        tokio::select! {
            stop = tokio::signal::ctrl_c() => {
                // Without the signal there is no other way to be told: end as if told.
                drop(stop);
                gateway.close().await;
                return Ok(());
            }
            asked = gateway.event() => {
                let (event, payload) = asked?;
                if event == "node.invoke.request" {
                    let answer = answer(&mut gateway, browser, &payload).await;
                    gateway.tell("node.invoke.result", &answer).await?;
                }
            }
            done = browser.action() => {
                let event = actions::event(&done?);
                gateway.tell("node.event", &event).await?;
            }
        }
    }
}

/// Does a command; the parameters of `node.invoke.result`.
async fn answer(gateway: &mut Client, browser: &mut Browser, request: &Value) -> Value {
    let params: Value = request["paramsJSON"]
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let command = request["command"].as_str().unwrap_or_default();
    let mut answer = json!({"id": request["id"], "nodeId": request["nodeId"]});
    match commands::run(gateway, browser, command, &params).await {
        Ok(result) => {
            answer["ok"] = json!(true);
            answer["payloadJSON"] = json!(result.to_string());
        }
        Err(error) => {
            answer["ok"] = json!(false);
            answer["error"] = json!({"code": error.code(), "message": error.to_string()});
        }
    }
    answer
}
