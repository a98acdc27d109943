//! The wire: version, limits and pure types of the gateway protocol, version 4.
//!
//! Nothing here does I/O or decides anything. Facts come from frames recorded from the original
//! gateway and its clients; where a limit or a text is odd, a client depends on it.

pub mod connect;
pub mod error;
pub mod event;
pub mod frame;
pub mod hello;
pub mod key;
pub mod schema;
pub mod scope;

/// The protocol version this gateway speaks.
pub const VERSION: u32 = 4;
/// Oldest version a probe, or a node one version behind, may offer.
pub const VERSION_MIN_PROBE: u32 = 3;

/// Largest frame before `hello-ok`, bytes.
pub const HANDSHAKE_FRAME_BYTES_MAX: usize = 65_536;
/// All bytes a client may send before `hello-ok`, pipelined frames included.
pub const HANDSHAKE_BYTES_MAX: usize = 2 * HANDSHAKE_FRAME_BYTES_MAX;
/// Frames a client may pipeline behind `connect`.
pub const HANDSHAKE_FRAMES_MAX: usize = 64;
/// Time from the upgrade to a complete `connect`, milliseconds.
pub const HANDSHAKE_MS: u64 = 15_000;
/// Largest frame after `hello-ok`, bytes; announced as `policy.maxPayload`.
pub const FRAME_BYTES_MAX: usize = 26_214_400;
/// Bytes that may wait for one slow client; announced as `policy.maxBufferedBytes`.
pub const BUFFERED_BYTES_MAX: usize = 52_428_800;
/// Period of the `tick` event, milliseconds; announced as `policy.tickIntervalMs`.
pub const TICK_MS: u64 = 30_000;
/// Period of the WebSocket ping, and the time a pong may take, milliseconds.
pub const PING_MS: u64 = 25_000;
/// Sockets of one address that have not said hello yet.
pub const UNAUTHENTICATED_PER_ADDRESS_MAX: usize = 32;
/// Refused role calls in a row before the connection is closed.
pub const UNAUTHORIZED_CALLS_MAX: u32 = 10;
/// Requests of one connection that may be running at once.
pub const REQUESTS_IN_FLIGHT_MAX: usize = 256;
/// Longest close reason sent, bytes; WebSocket allows 123.
pub const CLOSE_REASON_BYTES_MAX: usize = 120;
/// Largest attachment, bytes; announced as `policy.attachments.maxBytes`.
pub const ATTACHMENT_BYTES_MAX: u64 = 19_464_192;
/// Largest image, bytes; announced as `policy.attachments.maxImageBytes`.
pub const IMAGE_BYTES_MAX: u64 = 6_291_456;
