//! A person at the far end of the example's line channel: a TCP socket that speaks its few words.

use crate::{Client, eventually, patiently};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// What the channel says to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The message with this id is in the gateway's keeping.
    Ack(String),
    /// The message with this id was not taken.
    Busy(String),
    /// A message for this person.
    Message {
        /// The platform's name for it.
        receipt: String,
        /// Its text.
        text: String,
    },
    /// The channel closed the line.
    Gone,
}

/// One person, connected.
pub struct Person {
    lines: Lines<BufReader<OwnedReadHalf>>,
    write: OwnedWriteHalf,
}

impl Person {
    /// As [`Person::connect`]; `None` when nobody listens, or the line is cut at once.
    pub async fn try_connect(port: u16, name: &str) -> Option<Self> {
        let (read, mut write) = TcpStream::connect(("127.0.0.1", port)).await.ok()?.into_split();
        write.write_all(format!("HELLO {name}\n").as_bytes()).await.ok()?;
        Some(Self { lines: BufReader::new(read).lines(), write })
    }

    /// Connects and says who it is.
    pub async fn connect(port: u16, name: &str) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port))
            .await
            .expect("the line channel listens where it says");
        let (read, write) = stream.into_split();
        let mut person = Self { lines: BufReader::new(read).lines(), write };
        person.write_line(&format!("HELLO {name}")).await;
        person
    }

    /// Says something.
    pub async fn say(&mut self, id: &str, text: &str) {
        let text = text.replace('\\', "\\\\").replace('\n', "\\n");
        self.write_line(&format!("{id} {text}")).await;
    }

    /// As [`Person::say`]; false when the line is cut.
    pub async fn try_say(&mut self, id: &str, text: &str) -> bool {
        let line = format!("{id} {text}\n");
        self.write.write_all(line.as_bytes()).await.is_ok()
    }

    /// Waits for the next thing to hear.
    pub async fn hear(&mut self) -> Heard {
        let line = patiently(self.lines.next_line(), || "nothing was heard on the line".to_owned());
        let Ok(Some(line)) = line.await else {
            return Heard::Gone;
        };
        let mut words = line.splitn(3, ' ');
        let (verb, id) = (words.next().unwrap_or(""), words.next().unwrap_or("").to_owned());
        match verb {
            "ACK" => Heard::Ack(id),
            "BUSY" => Heard::Busy(id),
            "MSG" => Heard::Message { receipt: id, text: unescape(words.next().unwrap_or("")) },
            _ => panic!("the line channel said something unknown: {line}"),
        }
    }

    /// Says something and waits until the gateway keeps it; what is heard before is returned.
    pub async fn say_and_wait(&mut self, id: &str, text: &str) -> Vec<Heard> {
        self.say(id, text).await;
        let mut before = Vec::new();
        loop {
            match self.hear().await {
                Heard::Ack(acked) if acked == id => return before,
                Heard::Gone => panic!("the line was cut before {id} was acknowledged"),
                other => before.push(other),
            }
        }
    }

    /// The text of the next message; acknowledgements before it are dropped.
    pub async fn message(&mut self) -> String {
        loop {
            match self.hear().await {
                Heard::Message { text, .. } => return text,
                Heard::Ack(_) => {}
                other => panic!("a message was due, not {other:?}"),
            }
        }
    }

    async fn write_line(&mut self, line: &str) {
        let line = format!("{line}\n");
        self.write.write_all(line.as_bytes()).await.expect("the line is open");
    }
}

/// The port on which the channel listens, asked of the gateway until the link is up.
pub async fn line_port(client: &mut Client) -> u16 {
    port_of(client, "line").await
}

/// The same for the example under another channel's name.
pub async fn port_of(client: &mut Client, channel: &str) -> u16 {
    let mut last = Value::Null;
    let port = eventually("the line channel listens", async || {
        last = client.call("channels.status", json!({})).await;
        let detail = last["channelAccounts"][channel][0]["detail"].as_str()?;
        detail.strip_prefix("listening on ")?.rsplit(':').next()?.parse().ok()
    })
    .await;
    assert_ne!(port, 0, "a bound port is not zero: {last}");
    port
}

fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        plain.push(match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some(other) => other,
                None => '\\',
            },
            _ => c,
        });
    }
    plain
}
