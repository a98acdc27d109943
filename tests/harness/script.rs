//! Plays a transcript: a text file that shows one behaviour of the wire, frame by frame.
//!
//! A transcript is read top to bottom; `tests/e2e/transcripts` holds them, and together they are
//! the manual of the wire. One line is one step:
//!
//! ```text
//! # a comment
//! let name {json}      names a value for later
//! open                 opens a connection; the one before is dropped, and the values it named
//! > {json}             sends a frame
//! >text anything       sends text as it stands
//! < {json}             the next frame has at least these members
//! <+ {json}            one or more frames in a row have
//! skip agent presence  from here on, events of these names are passed over unless they fit
//! x 1008 a reason      the connection is closed with exactly this code and reason
//! ```
//!
//! [`pattern`] says how values are named and compared.

pub mod pattern;

use crate::{Incoming, Socket, gateway::TOKEN};
use pattern::Variables;
use serde_json::{Value, json};
use std::{fs, path::Path};

/// Events that come by the clock or by other connections; they are never part of a behaviour
/// unless the transcript waits for them.
const BACKGROUND: [&str; 3] = ["tick", "health", "presence"];

/// Plays one transcript against the gateway on this port.
///
/// # Errors
/// The file, the line, and what differed.
pub async fn play(file: &Path, port: u16) -> Result<(), String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let mut player = Player {
        port,
        socket: None,
        repeated: None,
        skipped: BACKGROUND.map(str::to_owned).to_vec(),
        variables: Variables::default(),
    };
    player.variables.keep("token", json!(TOKEN));
    for (index, line) in text.lines().enumerate() {
        let step = player.step(line.trim()).await;
        step.map_err(|problem| format!("{name}:{}: {problem}\n    {line}", index + 1))?;
    }
    Ok(())
}

struct Player {
    port: u16,
    socket: Option<Socket>,
    /// What `<+` waited for: more of it is passed over until something else fits.
    repeated: Option<Value>,
    skipped: Vec<String>,
    variables: Variables,
}

impl Player {
    async fn step(&mut self, line: &str) -> Result<(), String> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "" | "#" => Ok(()),
            "let" => {
                let (name, value) = rest.split_once(' ').ok_or("`let` needs a name and a value")?;
                let value = self.variables.filled(&parse(value)?)?;
                self.variables.keep(name, value);
                Ok(())
            }
            "open" => {
                self.socket = Some(Socket::open(self.port).await);
                self.repeated = None;
                self.variables.forget();
                Ok(())
            }
            ">" => {
                let frame = self.variables.filled(&parse(rest)?)?;
                self.socket()?.send(&frame).await;
                Ok(())
            }
            ">text" => {
                self.socket()?.send_text(rest).await;
                Ok(())
            }
            "<" => self.expect(&parse(rest)?).await,
            "<+" => {
                let pattern = parse(rest)?;
                self.expect(&pattern).await?;
                self.repeated = Some(pattern);
                Ok(())
            }
            "skip" => {
                self.skipped.extend(rest.split_whitespace().map(str::to_owned));
                Ok(())
            }
            "x" => self.expect_end(rest).await,
            _ => Err(format!("`{verb}` is no step")),
        }
    }

    fn socket(&mut self) -> Result<&mut Socket, String> {
        self.socket.as_mut().ok_or_else(|| "no connection is open".to_owned())
    }

    /// Whether a frame that does not fit may be passed over.
    fn passes(&mut self, frame: &Value) -> bool {
        let name = frame["event"].as_str();
        let repeats = match &self.repeated {
            Some(pattern) => self.variables.matched(pattern, frame).is_ok(),
            None => false,
        };
        repeats || name.is_some_and(|name| self.skipped.iter().any(|skipped| skipped == name))
    }

    async fn expect(&mut self, wanted: &Value) -> Result<(), String> {
        loop {
            let frame = match self.socket()?.next().await {
                Incoming::Frame(frame) => frame,
                end => return Err(format!("the connection ended: {end:?}")),
            };
            match self.variables.matched(wanted, &frame) {
                Ok(()) => break,
                Err(_) if self.passes(&frame) => {}
                Err(difference) => return Err(format!("{difference}; the frame was {frame}")),
            }
        }
        self.repeated = None;
        Ok(())
    }

    async fn expect_end(&mut self, wanted: &str) -> Result<(), String> {
        let (code, reason) = wanted.split_once(' ').unwrap_or((wanted, ""));
        let due = Incoming::Closed {
            code: code.parse().map_err(|_| "a close code is a number")?,
            reason: reason.to_owned(),
        };
        loop {
            match self.socket()?.next().await {
                Incoming::Frame(frame) if self.passes(&frame) => {}
                Incoming::Frame(frame) => return Err(format!("another frame came: {frame}")),
                end if end == due => return Ok(()),
                end => return Err(format!("it ended with {end:?}")),
            }
        }
    }
}

fn parse(json: &str) -> Result<Value, String> {
    serde_json::from_str(json).map_err(|error| format!("not JSON: {error}"))
}
