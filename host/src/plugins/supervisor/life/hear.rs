//! What a plugin says, and what that does to its life.
//!
//! Inbound walk: the carrier comes before, [`intake`](crate::plugins::intake) after. Must not know:
//! time.

use super::{FATAL_GRACE, FOR_EVER, HandOver, Life, Phase, Role};
use crate::plugins::{
    PluginEvent, Refusal,
    carrier::{Exit, Incoming},
    log::{Record, join_fields},
    manifest::version_pair,
    slot::LINKS_MAX,
    stage::Staged,
    supervisor::{End, FINISH_TIME},
    trust::Floor,
    usage::Counted,
};
use jackfield_plugin_api::{
    abi::PROTOCOL,
    error::{PluginError, SendError},
    fetch::Fetched,
    frame::{Accepted, HostFrame, PluginFrame, State},
    link::LinkReport,
};
use tokio::time;

impl Life {
    /// Takes what the carrier brings; gives the end when it was the last.
    pub(super) async fn hear(&mut self, incoming: Option<Incoming>) -> Option<End> {
        match incoming {
            Some(Incoming::Loaded(layers)) => {
                self.loaded = true;
                self.layers.clone_from(&layers);
                if self.role == Role::Serving {
                    self.slot.confined(layers);
                }
                let host = format!("jackfield {}", self.shared.settings.host_version);
                let protocol = PROTOCOL.to_owned();
                self.post(&HostFrame::Hello { protocol, host, features: Vec::new() });
                None
            }
            Some(Incoming::Frame(frame)) => {
                self.hear_frame(*frame).await;
                None
            }
            Some(Incoming::Refused(_)) if self.is_ending() => Some(self.ended(&Exit::Closed)),
            Some(Incoming::Refused(refusal)) => Some(End::Refused(refusal)),
            Some(Incoming::Ended(exit)) => Some(self.ended(&exit)),
            None => Some(self.ended(&Exit::Lost)),
        }
    }

    async fn hear_frame(&mut self, frame: PluginFrame) {
        let ledger = &self.live.ledger;
        let expected = match frame {
            PluginFrame::Ack { seq, receipt } => {
                self.slot.tally.count(Counted::Sent);
                ledger.settle_message(seq, Ok(receipt))
            }
            PluginFrame::Nack { seq, error } => {
                self.slot.tally.count(Counted::Failed);
                ledger.settle_message(seq, Err(error))
            }
            PluginFrame::HttpReply { req_id, response } => ledger.settle_http(req_id, response),
            PluginFrame::ProbeReply { req_id, ok, detail } => {
                let line = detail.unwrap_or_else(|| if ok { "works" } else { "fails" }.to_owned());
                ledger.settle_probe(req_id, if ok { Ok(line) } else { Err(line) })
            }
            PluginFrame::Hello { protocol, id, version, features }
                if self.phase == Phase::Loading =>
            {
                self.live.can(features);
                self.greet(&protocol, &id, &version).await;
                true
            }
            PluginFrame::Fetched { req_id, fetched, error } => {
                ledger.settle_fetch(req_id, brought(fetched, error))
            }
            PluginFrame::Reconciled { req_id, outcome } => ledger.settle_reconcile(req_id, outcome),
            PluginFrame::Ready { epoch } => self.ready(epoch),
            PluginFrame::Event { id, account, dedupe_key, cursor, album, body } => {
                let channel = self.slot.entry.channel.clone();
                self.take(id, PluginEvent { channel, account, dedupe_key, cursor, album, body })
            }
            PluginFrame::Link(report) => self.relink(report),
            PluginFrame::Pong { n } => self.pong(n),
            PluginFrame::Log { level, target, message, fields, span } => {
                let fields = fields.iter().map(|(key, value)| (key.as_str(), value.as_str()));
                let fields = &join_fields(fields);
                let (origin, message, span) = (&*target, &*message, &*span);
                self.slot.log.record(Record { level, origin, message, fields, span });
                true
            }
            PluginFrame::Fatal { error } => self.fatal(error),
            PluginFrame::Drained { epoch, .. } => self.note(epoch, |it| it.drained = true),
            PluginFrame::State { epoch, state } => self.note(epoch, |it| it.state = Some(state)),
            PluginFrame::Hello { .. } | PluginFrame::Unknown => false,
        };
        if !expected {
            self.unexpected += 1;
            let plugin = self.staged.shown();
            tracing::debug!(%plugin, so_far = self.unexpected, "a frame nobody waits for; ignored");
        }
    }

    async fn greet(&mut self, protocol: &str, id: &str, version: &str) {
        if let Err(refusal) = self.recognise(protocol, id, version) {
            return self.end_now(End::Refused(refusal));
        }
        if self.role == Role::Candidate {
            self.phase = Phase::Greeted;
            self.deadline = self.shared.clock.monotonic() + FOR_EVER;
        } else {
            let legacy = self.legacy.take();
            self.begin(legacy).await;
        }
    }

    /// Lets it begin to work: with the settings and cursors of now, and what an earlier version
    /// handed over.
    pub(in crate::plugins::supervisor) async fn begin(&mut self, state: Option<State>) {
        let asked = self.shared.inbox.cursors(&self.slot.entry.channel);
        let Ok(cursors) = time::timeout(FINISH_TIME, asked).await else {
            let file = self.staged.shown();
            let detail = "its place in its streams could not be read from storage".to_owned();
            return self.end_now(End::Refused(Refusal::Host { file, detail }));
        };
        let config = self.config.take().unwrap_or_else(|| self.slot.config());
        self.phase = Phase::Starting;
        self.deadline = self.shared.clock.monotonic() + self.shared.settings.start_time;
        self.post(&HostFrame::Start { config, state, cursors, epoch: self.generation });
    }

    /// The plugin is what its manifest says, and speaks our protocol.
    fn recognise(&self, protocol: &str, id: &str, version: &str) -> Result<(), Refusal> {
        let manifest = &self.staged.manifest;
        let file = || self.staged.shown();
        let major = |text: &str| version_pair(text).map(|(major, _)| major);
        if major(protocol) != major(PROTOCOL) {
            let (wanted, ours) = (protocol.to_owned(), PROTOCOL.to_owned());
            return Err(Refusal::Protocol { file: file(), wanted, ours });
        }
        let pairs = [("id", &manifest.id, id), ("version", &manifest.version, version)];
        match pairs.into_iter().find(|(_, manifest, said)| manifest != said) {
            None => Ok(()),
            Some((field, manifest, said)) => Err(Refusal::Identity {
                file: file(),
                field: field.to_owned(),
                manifest: manifest.clone(),
                library: said.to_owned(),
            }),
        }
    }

    fn ready(&mut self, epoch: u64) -> bool {
        if self.phase != Phase::Starting || epoch != self.generation {
            return false;
        }
        self.phase = Phase::Running;
        self.ran = true;
        self.deadline = self.shared.clock.monotonic() + FOR_EVER;
        if self.role == Role::Serving {
            self.slot.runs(self.live.clone());
            let Staged { manifest, grant, .. } = &self.staged;
            let floor = Floor::of(&self.shared.settings.state_dir);
            floor.raise(&manifest.id, &manifest.version, grant);
        }
        true
    }

    /// Events may come before `ready`: some platforms speak first. After `stop` they are left
    /// unanswered, and come again in the next life. A version that handed over keeps its events.
    fn take(&mut self, id: u64, event: PluginEvent) -> bool {
        if self.role == Role::Parked {
            self.post(&HostFrame::EventAck { id, accepted: Accepted::Refused });
            return true;
        }
        let taken = matches!(self.phase, Phase::Starting | Phase::Running | Phase::Leaving);
        if taken {
            self.slot.tally.count(Counted::Event);
            self.intake.offer(id, event);
        }
        taken
    }

    /// Told outside at once, unless another version is taking over or has.
    fn relink(&mut self, report: LinkReport) -> bool {
        match self.links.iter().position(|link| link.account == report.account) {
            Some(index) => self.links[index].clone_from(&report),
            None if self.links.len() < LINKS_MAX => self.links.push(report.clone()),
            None => {}
        }
        if self.role == Role::Serving && self.handing_over.is_none() {
            self.tell(report);
        }
        true
    }

    /// Tells outside how its links stand.
    pub(in crate::plugins::supervisor) fn tell_links(&self) {
        self.links.iter().cloned().for_each(|report| self.tell(report));
    }

    fn tell(&self, report: LinkReport) {
        self.slot.link(report.clone());
        self.shared.inbox.link_changed(&self.slot.entry.channel, report);
    }

    /// Something about the hand-over; of an attempt that was called off it is nothing.
    fn note(&mut self, epoch: u64, note: impl FnOnce(&mut HandOver)) -> bool {
        match &mut self.handing_over {
            Some((current, hand_over)) if *current == epoch => {
                note(hand_over);
                true
            }
            _ => false,
        }
    }

    fn pong(&mut self, n: u64) -> bool {
        self.ponged |= n == self.ping;
        self.misses = 0;
        true
    }

    fn fatal(&mut self, error: PluginError) -> bool {
        let end = match self.phase {
            Phase::Loading | Phase::Greeted | Phase::Starting => {
                End::Refused(Refusal::FailedToStart {
                    file: self.staged.shown(),
                    text: error.text,
                    setting: error.config_path,
                })
            }
            Phase::Running => self.fell(format!("gave up: {error}")),
            // Its end is under way for another reason.
            Phase::Leaving | Phase::Closing | Phase::Killed => return true,
        };
        self.end_in_order(end, FATAL_GRACE);
        true
    }
}

/// What an answer to `fetch` says; an error outweighs a claim of success.
fn brought(fetched: Option<Fetched>, error: Option<SendError>) -> Result<Fetched, SendError> {
    match (fetched, error) {
        (Some(fetched), None) => Ok(fetched),
        (_, Some(error)) => Err(error),
        (None, None) => {
            Err(SendError::permanent("no_answer", "the plugin said neither success nor failure"))
        }
    }
}
