//! Bodies and headers of [`HttpRequest`] and [`HttpResponse`] without the base64 in between.

use super::{HttpRequest, HttpResponse};
use base64::{DecodeError, Engine, engine::general_purpose::STANDARD};

impl HttpRequest {
    /// A request as tests make it: no query, no headers, no body.
    pub fn new(method: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            path: path.into(),
            query: None,
            headers: Vec::new(),
            body_b64: String::new(),
        }
    }

    /// Adds a header; write its name in lower case.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Replaces the body.
    #[must_use]
    pub fn with_body(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.body_b64 = STANDARD.encode(bytes);
        self
    }

    /// The first header of that lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }

    /// The body's bytes.
    ///
    /// # Errors
    /// When the host sent something that is not base64.
    pub fn body(&self) -> Result<Vec<u8>, DecodeError> {
        STANDARD.decode(&self.body_b64)
    }
}

impl HttpResponse {
    /// An answer without headers and body.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body_b64: String::new() }
    }

    /// A short plain-text answer.
    #[must_use]
    pub fn text(status: u16, text: &str) -> Self {
        Self::new(status).with_header("content-type", "text/plain; charset=utf-8").with_body(text)
    }

    /// Adds a header; write its name in lower case.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Replaces the body.
    #[must_use]
    pub fn with_body(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.body_b64 = STANDARD.encode(bytes);
        self
    }

    /// The first header of that lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }

    /// The body's bytes.
    ///
    /// # Errors
    /// When `body_b64` was filled by hand with something that is not base64.
    pub fn body(&self) -> Result<Vec<u8>, DecodeError> {
        STANDARD.decode(&self.body_b64)
    }
}

fn first<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}
