//! Posts of a forum, found again: Discord takes no nonce with one, so an uncertain one is looked for
//! among the forum's posts, by who made it, when, its name and its first message.

use super::history::{Look, Since, bare, own_id};
use crate::{
    account::Bot,
    client::Call,
    error::Failure,
    inbound::wire::{Channel, Message, ThreadList},
};

/// Posts that went to sleep meanwhile; the newest come first.
const ARCHIVED: usize = 50;
/// Posts whose first message is read.
const READ_MAX: usize = 10;

/// What became of a post.
#[derive(Debug, PartialEq)]
pub(super) enum Post {
    /// It is there; its number.
    There(String),
    /// It provably is not.
    Absent,
    /// There is one that may be it, or not everything could be seen.
    Unclear,
}

pub(super) async fn find(
    bot: &Bot,
    key: &str,
    forum: &str,
    (name, look): (&str, &Look),
    since: Since,
) -> Result<Post, Failure> {
    let own = own_id(bot).await?;
    let guild = bot.places().known(forum).and_then(|known| known.guild.clone());
    let Some(guild) = guild else { return Ok(Post::Unclear) };
    let active = Call::get(format!("guilds/{guild}/threads/active"));
    let mut posts: Vec<Channel> = bot.rest.patiently::<ThreadList>(&active).await?.threads;
    let archived = format!("channels/{forum}/threads/archived/public?limit={ARCHIVED}");
    posts.extend(bot.rest.patiently::<ThreadList>(&Call::get(archived)).await?.threads);
    posts.retain(|post| {
        post.parent_id.as_deref() == Some(forum)
            && post.owner_id.as_deref() == Some(&own)
            && bare(post.name.as_deref().unwrap_or_default()) == bare(name)
            && since.covers(&post.id)
            && !bot.is_of_another(&post.id, key)
    });
    posts.sort_by(|a, b| b.id.cmp(&a.id));
    posts.dedup_by(|a, b| a.id == b.id);
    let mut there = Vec::new();
    for post in posts.iter().take(READ_MAX) {
        let call = Call::get(format!("channels/{}/messages/{}", post.id, post.id));
        match bot.rest.patiently::<Message>(&call).await {
            Ok(first) if look.is(&first) => there.push(post.id.clone()),
            _ => {}
        }
    }
    let alike = posts.len() - there.len();
    Ok(match there.pop() {
        Some(post) if since.sure || there.is_empty() => Post::There(post),
        None if alike == 0 => Post::Absent,
        _ => Post::Unclear,
    })
}
