//! What was said while nobody listened: after a login that continues no session, each channel is read
//! from its last stored message on.
//!
//! Bounded: so many channels, so many messages in each, nothing older than a day. A channel that was
//! never heard before is read from the newest message stored anywhere, since we listened until then.

use super::intake::{BATCH, Intake, Over};
use crate::{
    client::Call,
    error::Failure,
    inbound::{sent_at_ms, wire},
    places::DIRECT,
};
use jackfield_plugin_api::{serde_json::Value, tokio::time::sleep, tracing};
use std::{
    collections::{HashMap, HashSet},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const PAGE: usize = 100;
const PAGES_MAX: usize = 5;
const CHANNELS_MAX: usize = 100;
const DIRECT_MAX: usize = 50;
const AGE_MAX_MS: u64 = 24 * 3600 * 1000;
/// Discord is asked this often, each time patiently, before a gap is left open.
const ROUNDS_MAX: u32 = 5;
const ROUND_PAUSE: Duration = Duration::from_secs(5);
/// Whoever goes on asking a wall is kept out longer.
const WALL_PAUSE: Duration = Duration::from_mins(1);
const FORUMS: [u8; 2] = [15, 16];

/// The gaps of one login.
#[derive(Default)]
pub(super) struct Gap {
    cursors: HashMap<String, u64>,
    /// The newest message stored anywhere; none, and nothing was ever heard: then there is no gap.
    newest: Option<u64>,
    /// The servers we were in at login. One that comes later was joined, and its past is not ours.
    guilds: HashSet<String>,
}

/// A channel to read, and from where.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Missed {
    channel: String,
    guild: Option<String>,
    after: u64,
}

impl Gap {
    pub(super) fn open(cursors: &HashMap<String, u64>, ready: &wire::Ready) -> Self {
        Self {
            newest: cursors.values().max().copied(),
            cursors: cursors.clone(),
            guilds: ready.guilds.iter().map(|guild| guild.id.clone()).collect(),
        }
    }

    /// Direct chats: Discord does not list them, so those that spoke last are read.
    pub(super) fn direct(&self) -> Vec<Missed> {
        let mut chats: Vec<Missed> = self
            .cursors
            .iter()
            .filter_map(|(stream, after)| {
                let channel = stream.strip_prefix(DIRECT)?.strip_prefix('/')?.to_owned();
                Some(Missed { channel, guild: None, after: *after })
            })
            .collect();
        chats.sort_by_key(|chat| std::cmp::Reverse(chat.after));
        chats.truncate(DIRECT_MAX);
        chats
    }

    /// The channels and threads of a server in which something was said since.
    pub(super) fn of_guild(&mut self, guild: &wire::Guild) -> Vec<Missed> {
        let Some(newest) = self.newest.filter(|_| self.guilds.remove(&guild.id)) else {
            return Vec::new();
        };
        let channels = guild.channels.iter().chain(&guild.threads);
        let mut missed: Vec<(u64, Missed)> = channels
            .filter(|channel| !FORUMS.contains(&channel.kind))
            .filter_map(|channel| {
                let last: u64 = channel.last_message_id.as_ref()?.parse().ok()?;
                let stream = format!("{}/{}", guild.id, channel.id);
                let after = self.cursors.get(&stream).copied().unwrap_or(newest);
                let guild = Some(guild.id.clone());
                let missed = Missed { channel: channel.id.clone(), guild, after };
                (last > after).then_some((last, missed))
            })
            .collect();
        missed.sort_by_key(|(last, _)| std::cmp::Reverse(*last));
        if missed.len() > CHANNELS_MAX {
            tracing::warn!(
                left = missed.len() - CHANNELS_MAX,
                "too many channels to catch up with"
            );
            missed.truncate(CHANNELS_MAX);
        }
        missed.into_iter().map(|(_, missed)| missed).collect()
    }

    /// Reads and offers what was missed, oldest first.
    pub(super) async fn fill(
        &mut self,
        intake: &mut Intake,
        missed: Vec<Missed>,
    ) -> Result<(), Over> {
        for channel in missed {
            let mut after = channel.after.max(not_before());
            for page in 1.. {
                let Some(messages) = read(intake, &channel.channel, after).await else { break };
                let Some(last) = messages.last().and_then(number) else {
                    if page == 1 && channel.guild.is_some() {
                        tracing::warn!(
                            channel.channel,
                            "something was said there that may not be read: the bot may lack Read \
                             Message History"
                        );
                    }
                    break;
                };
                for some in messages.chunks(BATCH) {
                    let mut offers = Vec::new();
                    for message in some {
                        offers.extend(intake.message(message, channel.guild.as_deref()).await);
                    }
                    intake.offer(offers).await?;
                }
                if messages.len() < PAGE {
                    break;
                }
                if page >= PAGES_MAX {
                    tracing::warn!(channel.channel, "more was missed than is caught up with");
                    break;
                }
                after = last;
            }
        }
        Ok(())
    }
}

/// A page of messages, oldest first; `None` when Discord does not let us read there.
async fn read(intake: &Intake, channel: &str, after: u64) -> Option<Vec<wire::Message>> {
    let call = Call::get(format!("channels/{channel}/messages?after={after}&limit={PAGE}"));
    for _ in 0..ROUNDS_MAX {
        let answer: Result<Vec<Value>, Failure> = intake.bot.rest.patiently(&call).await;
        match answer {
            Ok(page) => {
                let read = jackfield_plugin_api::serde_json::from_value;
                let mut page: Vec<wire::Message> =
                    page.into_iter().filter_map(|message| read(message).ok()).collect();
                page.sort_by_key(number);
                return Some(page);
            }
            Err(failure @ Failure::Walled(_)) => {
                tracing::warn!(%failure, channel, "cannot catch up yet");
                sleep(WALL_PAUSE).await;
            }
            Err(failure) if failure.is_passing() => {
                tracing::warn!(%failure, channel, "cannot catch up yet");
                sleep(ROUND_PAUSE).await;
            }
            Err(failure) => {
                tracing::info!(%failure, channel, "nothing to catch up with");
                return None;
            }
        }
    }
    None
}

fn number(message: &wire::Message) -> Option<u64> {
    message.id.parse().ok()
}

/// The number a message would have that is as old as may be.
fn not_before() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX).saturating_sub(AGE_MAX_MS);
    let epoch = sent_at_ms("0").unwrap_or_default();
    ms.saturating_sub(epoch) << 22
}

#[cfg(test)]
mod tests {
    use super::{Gap, Missed};
    use crate::{inbound::wire, tests::fixture};
    use jackfield_plugin_api::serde_json::{from_value, json};
    use std::collections::HashMap;

    fn gap(cursors: &[(&str, u64)]) -> Gap {
        let ready: wire::Ready = from_value(json!({
            "user": {"id": "1"}, "guilds": [{"id": "197038439483310086", "unavailable": true}],
        }))
        .unwrap();
        let cursors: HashMap<_, _> =
            cursors.iter().map(|(stream, id)| ((*stream).to_owned(), *id)).collect();
        Gap::open(&cursors, &ready)
    }

    #[test]
    fn channels_with_news_are_read_from_what_is_stored() {
        let guild: wire::Guild = fixture("guild_create");
        let missed = |channel: &str, after| Missed {
            channel: channel.to_owned(),
            guild: Some("197038439483310086".to_owned()),
            after,
        };
        let stored = ("197038439483310086/41771983423143937", 155_117_677_105_512_448);
        let mut behind = gap(&[stored]);
        assert_eq!(
            behind.of_guild(&guild),
            [missed("1045000000000000010", stored.1), missed("41771983423143937", stored.1)],
            "a thread that began meanwhile, too; a forum holds no messages"
        );
        assert_eq!(behind.of_guild(&guild), [], "once for a login");
        let at_the_end = ("197038439483310086/41771983423143937", 1_045_000_000_000_000_020);
        assert_eq!(gap(&[at_the_end]).of_guild(&guild), []);
    }

    #[test]
    fn the_past_of_a_new_bot_or_server_is_not_ours() {
        let guild: wire::Guild = fixture("guild_create");
        assert_eq!(gap(&[]).of_guild(&guild), []);
        let mut joined = gap(&[("dm/5", 7)]);
        let other = wire::Guild { id: "6".to_owned(), ..guild };
        assert_eq!(joined.of_guild(&other), []);
        let direct = Missed { channel: "5".to_owned(), guild: None, after: 7 };
        assert_eq!(joined.direct(), [direct]);
    }
}
