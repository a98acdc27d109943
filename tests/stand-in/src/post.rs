//! What goes out: one connection to the platform, one message at a time, each answered.

use jackfield_plugin_api::{
    SendError,
    outbound::Receipt,
    tokio::{
        io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
        net::TcpStream,
        sync::Mutex,
    },
};

/// The way to the platform.
pub(crate) struct Post {
    server: String,
    connection: Mutex<Option<BufReader<TcpStream>>>,
}

impl Post {
    pub(crate) fn new(server: String) -> Self {
        Self { server, connection: Mutex::default() }
    }

    /// Sends one message and waits for its number.
    pub(crate) async fn send(
        &self,
        key: &str,
        user: &str,
        text: &str,
    ) -> Result<Receipt, SendError> {
        let mut connection = self.connection.lock().await;
        let mut line = match connection.take() {
            Some(line) => line,
            None => self.connect().await?,
        };
        let broken = |error: std::io::Error| SendError::uncertain("broken", error.to_string());
        let said = format!("{key} {user} {}\n", text.replace('\n', " "));
        line.get_mut().write_all(said.as_bytes()).await.map_err(broken)?;
        let mut answer = String::new();
        line.read_line(&mut answer).await.map_err(broken)?;
        let number = answer.trim_end().strip_prefix("OK ").map(str::to_owned);
        let number = number.ok_or_else(|| SendError::uncertain("unanswered", "no number came"))?;
        *connection = Some(line);
        Ok(Receipt { message: Some(number.as_str().into()), ..Receipt::default() })
    }

    async fn connect(&self) -> Result<BufReader<TcpStream>, SendError> {
        let absent = |error: std::io::Error| SendError::retryable("absent", error.to_string());
        let mut socket = TcpStream::connect(&self.server).await.map_err(absent)?;
        socket.write_all(b"POST\n").await.map_err(absent)?;
        Ok(BufReader::new(socket))
    }
}
