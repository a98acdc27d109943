//! The fake's end of the pipe: frames in, frames out, and those that nobody has asked for yet.

use crate::{
    abi::Status,
    channel::Channel,
    frame::{HostFrame, Init, PluginFrame, WINDOW},
    link::LinkReport,
    runtime::{Identity, engine, inbox_places, outbox::Port},
};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};

/// How long any wait may take before the test fails.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Frames the fake holds before it answers `FULL`.
pub(super) const PLACES: usize = 256;

pub(super) struct Wire {
    pub(super) inbox: mpsc::Sender<HostFrame>,
    pub(super) kept: VecDeque<PluginFrame>,
    pub(super) links: Vec<LinkReport>,
    frames: mpsc::Receiver<PluginFrame>,
    close: watch::Sender<Option<Duration>>,
    life: JoinHandle<()>,
}

struct FakePort(mpsc::Sender<PluginFrame>);

impl Port for FakePort {
    fn emit(&self, frame: &[u8]) -> Status {
        let Ok(frame) = serde_json::from_slice(frame) else { return Status::BAD_FRAME };
        match self.0.try_send(frame) {
            Ok(()) => Status::OK,
            Err(mpsc::error::TrySendError::Full(_)) => Status::FULL,
            Err(mpsc::error::TrySendError::Closed(_)) => Status::CLOSED,
        }
    }

    fn release(&self) {}
}

impl Wire {
    /// Begins a life of `C` on the current runtime.
    pub(super) fn open<C: Channel>(places: usize) -> Self {
        let init =
            Init { id: "under-test".to_owned(), generation: 1, window: WINDOW, state_dir: None };
        let (inbox, delivered) = mpsc::channel(inbox_places(&init));
        let (port, frames) = mpsc::channel(places);
        let (close, closing) = watch::channel(None);
        let life = tokio::spawn(async move {
            let identity = Identity { id: "under-test", version: "0.0.0" };
            engine::run::<C>(identity, &init, Arc::new(FakePort(port)), delivered, closing).await;
        });
        Self { inbox, kept: VecDeque::new(), links: Vec::new(), frames, close, life }
    }

    pub(super) async fn tell(&mut self, frame: HostFrame) {
        let sent = timeout(PATIENCE, self.inbox.send(frame)).await;
        sent.expect("the channel reads its frames in time").expect("the channel is alive");
    }

    /// What `pick` finds first, among the frames kept and then among those to come. The others stay.
    pub(super) async fn next<T>(
        &mut self,
        wanted: &str,
        pick: impl Fn(&PluginFrame) -> Option<T>,
    ) -> T {
        let mut kept = self.kept.iter().enumerate();
        if let Some((at, found)) = kept.find_map(|(at, frame)| Some((at, pick(frame)?))) {
            self.kept.remove(at);
            return found;
        }
        loop {
            let frame = self.receive(wanted).await;
            match pick(&frame) {
                Some(found) => return found,
                None => self.keep(frame),
            }
        }
    }

    pub(super) async fn receive(&mut self, wanted: &str) -> PluginFrame {
        match timeout(PATIENCE, self.frames.recv()).await {
            Ok(Some(frame)) => frame,
            Ok(None) => panic!("the channel ended while the test waited for {wanted}"),
            Err(elapsed) => panic!("waited for {wanted}: {elapsed}; kept: {:?}", self.kept),
        }
    }

    pub(super) fn keep(&mut self, frame: PluginFrame) {
        match frame {
            PluginFrame::Link(report) => self.links.push(report),
            PluginFrame::Hello { .. } => {} // every life begins with it
            frame => self.kept.push_back(frame),
        }
    }

    /// Keeps whatever has arrived so far.
    pub(super) fn gather(&mut self) {
        while let Ok(frame) = self.frames.try_recv() {
            self.keep(frame);
        }
    }

    /// Asks for an orderly end and waits for it.
    pub(super) async fn stop(&mut self) {
        self.tell(HostFrame::Stop).await;
        while let Ok(Some(frame)) = timeout(PATIENCE, self.frames.recv()).await {
            self.keep(frame);
        }
        let ended = timeout(PATIENCE, &mut self.life).await.expect("the channel ends in time");
        ended.expect("the loop around the channel never panics");
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.close.send_replace(Some(Duration::ZERO));
        self.life.abort();
    }
}
