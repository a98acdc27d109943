//! The gateway's socket of one bot: log in or resume, hold it, come back with growing pauses.
//!
//! A connection is one `Shard` of the library, which keeps heartbeats (any answer within an interval,
//! or the connection counts as dead) and the sequence; when to come back, how, and how often is
//! decided here. What arrives goes through a bounded queue to `intake`. Full case: the socket is not
//! read, Discord ends it, and what was missed is repeated when it is resumed.
//!
//! Must not know: what the events mean (that is `inbound`).

mod ask;
mod frames;
mod gap;
mod intake;
mod pace;

use crate::{
    account::{Bot, ECHO_LOOK, Echo, Resumption},
    client::Call,
    error::{Failure, fatal_close},
    inbound::wire,
};
use futures_util::StreamExt;
use intake::Item;
use jackfield_plugin_api::{
    link::LinkState,
    tokio::{
        self,
        sync::{mpsc, watch},
        time::{sleep, timeout},
    },
    tracing,
};
use pace::Pace;
use std::{sync::Arc, time::Duration};
use twilight_gateway::{
    CloseFrame, ConfigBuilder, Intents, Message, Shard, ShardId, error::ReceiveMessageErrorType,
    queue::InMemoryQueue,
};

/// Events between the socket and the gateway's store.
const QUEUE_PLACES: usize = 512;
/// A closing socket is given this long.
const PARTING: Duration = Duration::from_secs(1);
/// A session that could not be resumed this often is given up for a new one.
const RESUMES_MAX: u32 = 3;
/// How often it is asked whether a missing intent was switched on; no login is spent on it.
const INTENT_LOOK: Duration = Duration::from_millis(if cfg!(test) { 50 } else { 60_000 });
/// An application's flags: Message Content is on, in full or for small bots.
const MESSAGE_CONTENT_ON: u64 = 1 << 18 | 1 << 19;
/// The close code for an intent that is not switched on.
const DISALLOWED_INTENT: u16 = 4014;
/// Longest sleep before the login budget is looked at again.
const BUDGET_PAUSE_MAX: Duration = Duration::from_mins(15);

/// What the tasks of a bot are to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Open,
    /// Let go of the socket, and of the session not.
    Handover,
    /// Log out.
    Stopping,
}

/// Why a connection is over.
#[derive(Debug, PartialEq)]
enum End {
    /// Discord, or the network, closed it; the code where there is one.
    Closed(Option<u16>),
    /// No connection came about.
    Unreachable,
    /// Discord asked for a new connection.
    Recall,
    /// What we sent did not come back.
    Deaf,
    /// Discord knows the session no longer, or asks to resume later.
    Invalid { resumable: bool },
    /// We are to end.
    Told(Phase),
    /// The gateway takes nothing any more.
    HostGone,
}

type Gateway = Shard<InMemoryQueue>;

fn session_id(shard: &Gateway) -> String {
    shard.session().map(|held| held.id().to_owned()).unwrap_or_default()
}

/// Ends when a message of ours should long have come back.
async fn silence(bot: &Bot) {
    while !bot.echo(|echo| echo.is_overdue()) {
        sleep(ECHO_LOOK).await;
    }
}

/// Starts the two tasks of a bot. They hold `phase` until they have ended.
pub(crate) fn start(bot: &Arc<Bot>, phase: &watch::Sender<Phase>) {
    bot.set_lost(false);
    let (queue, items) = mpsc::channel(QUEUE_PLACES);
    let host = bot.account.host();
    let reader = Reader {
        bot: Arc::clone(bot),
        queue,
        logins: InMemoryQueue::default(),
        pace: Pace::default(),
        resumes: 0,
        registered: false,
        denied: 0,
        unreachable: 0,
        url: None,
    };
    host.spawn(reader.run(phase.subscribe()));
    host.spawn(intake::carry(Arc::clone(bot), items, phase.subscribe()));
}

struct Reader {
    bot: Arc<Bot>,
    queue: mpsc::Sender<Item>,
    /// Paces logins as Discord wants it.
    logins: InMemoryQueue,
    pace: Pace,
    /// Attempts to resume since the last that worked.
    resumes: u32,
    registered: bool,
    /// Logins that were denied for a missing intent, one after the other.
    denied: u32,
    /// Connections that did not come about, one after the other.
    unreachable: u32,
    /// Where Discord says its gateway is.
    url: Option<String>,
}

impl Reader {
    async fn run(mut self, mut phase: watch::Receiver<Phase>) {
        loop {
            if self.resumes >= RESUMES_MAX {
                self.bot.set_resumption(None);
            }
            let resumption = self.bot.resumption();
            if resumption.is_none() {
                tokio::select! {
                    _ = phase.wait_for(|phase| *phase != Phase::Open) => return,
                    allowed = self.login_allowed() => if !allowed { return },
                }
            } else {
                self.resumes += 1;
            }
            self.bot.echo(Echo::forgive);
            let mut shard = self.shard(resumption.as_ref());
            let end = self.hold(&mut shard, &mut phase).await;
            self.keep(&shard, &end);
            if let End::Told(_) | End::HostGone = end {
                return;
            }
            if let End::Closed(Some(code)) = end
                && let Some(why) = fatal_close(code)
            {
                self.bot.report(LinkState::NeedsLogin, why).await;
                if code != DISALLOWED_INTENT {
                    return;
                }
                tokio::select! {
                    _ = phase.wait_for(|phase| *phase != Phase::Open) => return,
                    () = self.intent_on() => continue,
                }
            }
            if end == End::Unreachable {
                // Nothing was asked of the session, so it may live on.
                self.resumes = self.resumes.saturating_sub(1);
                self.unreachable += 1;
            } else {
                self.unreachable = 0;
            }
            let pause = match end {
                End::Invalid { resumable: false } => self.pace.anew(),
                _ => self.pace.pause(),
            };
            self.report_loss(&end, pause).await;
            tokio::select! {
                _ = phase.wait_for(|phase| *phase != Phase::Open) => return,
                () = sleep(pause) => {}
            }
        }
    }

    /// Waits until the missing intent is switched on in the Developer Portal.
    async fn intent_on(&mut self) {
        let call = Call::get("applications/@me");
        // Were the intent told to be on and denied all the same, the day's logins must not go.
        let pause = INTENT_LOOK * (1 << self.denied.min(6));
        self.denied += 1;
        loop {
            sleep(pause).await;
            let asked: Result<wire::Application, Failure> = self.bot.rest.patiently(&call).await;
            if asked.is_ok_and(|application| application.flags & MESSAGE_CONTENT_ON != 0) {
                return;
            }
        }
    }

    /// Waits until a new login is within Discord's daily budget, which also proves the token. False
    /// when the token is rejected for good.
    async fn login_allowed(&mut self) -> bool {
        loop {
            let asked: Result<wire::GatewayBot, Failure> =
                self.bot.rest.ask(&Call::get("gateway/bot"), crate::client::PATIENCE).await;
            let pause = match asked {
                Ok(wire::GatewayBot { url, logins: limit }) => {
                    self.url = url.filter(|url| url.starts_with("ws"));
                    let reset = Duration::from_millis(limit.reset_after);
                    let total = limit.total.max(limit.remaining);
                    self.logins.update(limit.max_concurrency, limit.remaining, reset, total);
                    if limit.remaining > 0 {
                        return true;
                    }
                    let detail = format!(
                        "Discord allows no more logins today; the next in {} minutes",
                        limit.reset_after.div_ceil(60_000)
                    );
                    self.bot.report(LinkState::Retrying, &detail).await;
                    reset.clamp(Duration::from_secs(1), BUDGET_PAUSE_MAX)
                }
                Err(failure) if failure.is_unauthorized() => {
                    self.bot.report(LinkState::NeedsLogin, &failure.to_string()).await;
                    return false;
                }
                Err(failure) => {
                    let asked = match failure {
                        Failure::Limited(after) => after,
                        _ => Duration::ZERO,
                    };
                    let pause = self.pace.pause().max(asked).max(Duration::from_secs(1));
                    let detail = format!("{failure}; trying again in {} s", pause.as_secs());
                    self.bot.report(LinkState::Retrying, &detail).await;
                    pause
                }
            };
            sleep(pause).await;
        }
    }

    fn shard(&self, resumption: Option<&Resumption>) -> Gateway {
        let settings = &self.bot.settings;
        let mut intents = Intents::GUILDS
            | Intents::GUILD_MESSAGES
            | Intents::GUILD_MESSAGE_REACTIONS
            | Intents::DIRECT_MESSAGES
            | Intents::DIRECT_MESSAGE_REACTIONS;
        intents.set(Intents::MESSAGE_CONTENT, settings.message_content);
        let config = ConfigBuilder::new(settings.token.secret().to_owned(), intents);
        let mut config = config.queue(self.logins.clone());
        if let Some(url) = settings.gateway_url.as_ref().or(self.url.as_ref()) {
            config = config.proxy_url(url.clone());
        }
        if let Some(Resumption { session_id, sequence, url }) = resumption {
            config = config.session(twilight_gateway::Session::new(*sequence, session_id.clone()));
            // An address from the settings is where the operator wants us, also to resume. One of
            // Discord's for this session takes turns with the usual one while it cannot be reached.
            let in_turn = url.as_ref().filter(|_| self.unreachable.is_multiple_of(2));
            if let (None, Some(url)) = (&settings.gateway_url, in_turn) {
                config = config.resume_url(url.clone());
            }
        }
        Shard::with_config(ShardId::ONE, config.build())
    }

    /// Reads until the connection is over.
    async fn hold(&mut self, shard: &mut Gateway, phase: &mut watch::Receiver<Phase>) -> End {
        loop {
            let read = tokio::select! {
                told = phase.wait_for(|phase| *phase != Phase::Open) => {
                    Err(told.map_or(Phase::Stopping, |phase| *phase))
                }
                () = silence(&self.bot) => return End::Deaf,
                read = shard.next() => Ok(read),
            };
            let read = match read {
                Ok(read) => read,
                Err(told) => {
                    self.part(shard, told).await;
                    return End::Told(told);
                }
            };
            match read {
                Some(Ok(Message::Text(frame))) => {
                    let session_id = session_id(shard);
                    if let Some(end) = self.take(&session_id, &frame).await {
                        return end;
                    }
                }
                Some(Ok(Message::Close(frame))) => {
                    return End::Closed(frame.map(|frame| frame.code));
                }
                Some(Err(error)) => {
                    if matches!(error.kind(), ReceiveMessageErrorType::Reconnect) {
                        return End::Unreachable;
                    }
                    // A frame that makes no sense costs itself only.
                    tracing::warn!("a frame of Discord's could not be read");
                }
                None => return End::Closed(None),
            }
        }
    }

    /// Closes the socket and takes what still comes.
    async fn part(&mut self, shard: &mut Gateway, told: Phase) {
        // 4000 keeps the session, 1000 ends it and shows the bot as offline.
        let resumable = told == Phase::Handover;
        shard.close(if resumable { CloseFrame::RESUME } else { CloseFrame::NORMAL });
        let parting = async {
            while let Some(Ok(message)) = shard.next().await {
                match message {
                    Message::Text(frame) => {
                        let session_id = session_id(shard);
                        self.take(&session_id, &frame).await;
                    }
                    Message::Close(_) => return,
                }
            }
        };
        timeout(PARTING, parting).await.ok();
    }

    /// Keeps what the next connection resumes with.
    fn keep(&self, shard: &Gateway, end: &End) {
        let over = match end {
            End::Invalid { resumable } => !resumable,
            // Discord forgot the session or never knew the sequence.
            End::Closed(Some(code)) => matches!(code, 4003 | 4007 | 4009),
            End::Told(phase) => *phase == Phase::Stopping,
            _ => false,
        };
        let url = shard.resume_url().map(str::to_owned);
        let before = self.bot.resumption().and_then(|before| before.url);
        let kept = shard.session().filter(|_| !over).map(|held| Resumption {
            session_id: held.id().to_owned(),
            sequence: held.sequence(),
            url: url.or(before),
        });
        self.bot.set_resumption(kept);
    }

    async fn report_loss(&self, end: &End, pause: Duration) {
        let why = match end {
            End::Closed(Some(code)) => format!("Discord closed the connection ({code})"),
            End::Unreachable => "the gateway of Discord cannot be reached".to_owned(),
            End::Deaf => "the connection had gone deaf".to_owned(),
            End::Recall => "Discord asked for a new connection".to_owned(),
            End::Invalid { .. } => "Discord ended the session".to_owned(),
            _ => "the connection broke".to_owned(),
        };
        let detail = format!("{why}; trying again in {:.1} s", pause.as_secs_f32());
        self.bot.report(LinkState::Retrying, &detail).await;
    }
}
