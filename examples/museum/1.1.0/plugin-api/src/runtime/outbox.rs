//! The one way out: a bounded queue of frames, encoded and offered to the host in order.
//!
//! Full cases: a full queue makes its senders wait; a host that answers `FULL` is offered the same
//! frame again after a growing pause, and everything behind it waits. Nothing is lost or overtaken.

use super::ledger::Ledger;
use crate::{
    abi::Status,
    error::SendError,
    frame::{Accepted, FRAME_BYTES_HARD, FRAME_BYTES_MAX, PluginFrame},
    http::HttpResponse,
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    time::sleep,
};

const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// The host's end, as little of it as the runtime needs.
pub(crate) trait Port: Send + Sync + 'static {
    /// Offers one encoded frame; copies, never blocks.
    fn emit(&self, frame: &[u8]) -> Status;
    /// Says that no call will follow.
    fn release(&self);
}

/// Moves frames to the host until the host closes, or until `ending` turns true and the queue is empty.
pub(crate) async fn pump(
    port: Arc<dyn Port>,
    mut frames: mpsc::Receiver<PluginFrame>,
    ledger: Arc<Ledger>,
    mut ending: watch::Receiver<bool>,
) {
    let mut open = true;
    loop {
        let frame = tokio::select! {
            frame = frames.recv() => frame,
            _ = ending.wait_for(|over| *over), if open => {
                open = false;
                frames.close();
                continue;
            }
        };
        let Some(frame) = frame else { break };
        let event = if let PluginFrame::Event { id, .. } = &frame { Some(*id) } else { None };
        let status = match encode(frame) {
            Some(bytes) => offer(&*port, &bytes).await,
            None => Status::BAD_FRAME,
        };
        match status {
            Status::OK => {}
            // Not taken and never will be: the event stays with the platform.
            Status::BAD_FRAME => {
                tracing::error!("the host cannot take a frame of this plugin; it was dropped");
                if let Some(id) = event {
                    ledger.answer(id, Accepted::Refused);
                }
            }
            _ => break,
        }
    }
    ledger.close();
}

async fn offer(port: &dyn Port, bytes: &[u8]) -> Status {
    let mut pause = PAUSE_MIN;
    loop {
        let status = port.emit(bytes);
        if status != Status::FULL {
            return status;
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// A frame as bytes within its limit. An answer that is too large becomes a small one that says so;
/// anything else that is too large is `None`.
fn encode(frame: PluginFrame) -> Option<Vec<u8>> {
    let limit = match &frame {
        PluginFrame::HttpReply { .. } => FRAME_BYTES_HARD,
        _ => FRAME_BYTES_MAX,
    };
    let bytes = serde_json::to_vec(&frame).ok()?;
    if bytes.len() <= limit {
        return Some(bytes);
    }
    tracing::error!(bytes = bytes.len(), limit, "a frame is too large");
    let smaller = match frame {
        PluginFrame::HttpReply { req_id, .. } => {
            let response = HttpResponse::text(500, "the plugin's answer is too large\n");
            PluginFrame::HttpReply { req_id, response }
        }
        PluginFrame::Ack { seq, mut receipt } => {
            receipt.extra = Value::Null;
            PluginFrame::Ack { seq, receipt }
        }
        PluginFrame::Nack { seq, error } => {
            let text = "the plugin's explanation is too long to pass on".to_owned();
            let code = error.code.chars().take(64).collect();
            PluginFrame::Nack { seq, error: SendError { code, text, ..error } }
        }
        _ => return None,
    };
    serde_json::to_vec(&smaller).ok().filter(|bytes| bytes.len() <= limit)
}
