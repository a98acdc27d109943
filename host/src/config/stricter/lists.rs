//! The channels: who may write to the assistant, and where.

use super::{Narrowing, Said, list, read};
use std::collections::BTreeSet;
use toml::{Table, Value};

pub(super) fn channels(narrowing: &mut Narrowing<'_>, good: &mut Table) {
    let names: Vec<String> = match good.get("channels").and_then(Value::as_table) {
        Some(channels) => channels.keys().cloned().collect(),
        None => return,
    };
    for name in names {
        let channel = Channel { name: &name };
        narrowing.switch(good, &channel.path("enabled"), false, false);
        let order = ["disabled", "allowlist", "pairing", "open"];
        narrowing.word(good, &channel.path("dm_policy"), &order, "pairing");
        narrowing.admitted(good, &channel.path("allow_from"), None);
        channel.groups(narrowing, good);
        channel.group_senders(narrowing, good);
        let order = ["disabled", "allowlist", "open"];
        narrowing.word(good, &channel.path("group_policy"), &order, "allowlist");
        channel.mentions(narrowing, good);
    }
}

struct Channel<'a> {
    name: &'a str,
}

impl Channel<'_> {
    fn path<'b>(&'b self, setting: &'b str) -> [&'b str; 3] {
        ["channels", self.name, setting]
    }

    /// Who may speak in groups. An empty list narrows nothing there, so lists without a common name
    /// close the groups.
    fn group_senders(&self, narrowing: &mut Narrowing<'_>, good: &mut Table) {
        let path = self.path("group_allow_from");
        let Said::Value(asked) = narrowing.asked(&path) else { return };
        let Some(asked) = list(asked).filter(|asked| !asked.is_empty()) else { return };
        let kept = read(good, &path).and_then(list).unwrap_or_default();
        if kept.is_empty() {
            narrowing.set(good, &path, asked.into());
            return;
        }
        let common: Vec<String> =
            kept.iter().filter(|sender| asked.contains(sender)).cloned().collect();
        if common.is_empty() {
            narrowing.set(good, &self.path("group_policy"), Value::from("disabled"));
        } else if common != kept {
            narrowing.set(good, &path, common.into());
        }
    }

    /// Which groups are listened to. One that is to be left out is kept with `allow = false`, since no
    /// group at all would mean any.
    fn groups(&self, narrowing: &mut Narrowing<'_>, good: &mut Table) {
        let path = self.path("groups");
        let asked = match narrowing.asked(&path) {
            Said::Value(Value::Table(asked)) => asked.clone(),
            _ => return,
        };
        let kept = read(good, &path).and_then(Value::as_table).cloned().unwrap_or_default();
        let allowed = |table: &Table, group: &str| {
            let rule = table.get(group).and_then(Value::as_table);
            rule.map(|rule| rule.get("allow").and_then(Value::as_bool) != Some(false))
        };
        let open = narrowing.asked(&self.path("group_policy")) == Said::Value(&Value::from("open"));
        let some_listed = !asked.is_empty() && narrowing.whole && !open;
        for group in kept.keys().chain(asked.keys()).collect::<BTreeSet<_>>() {
            let of = ["channels", self.name, "groups", group.as_str(), "allow"];
            let out = match allowed(&asked, group) {
                Some(allow) => !allow,
                None => some_listed,
            };
            if out && allowed(&kept, group) != Some(false) {
                narrowing.set(good, &of, Value::from(false));
            } else if !out && kept.is_empty() && some_listed {
                // Listed senders were heard in any group; from now on in these.
                narrowing.set(good, &of, Value::from(true));
            }
        }
    }

    /// Where the assistant must be addressed: there where either says so.
    fn mentions(&self, narrowing: &mut Narrowing<'_>, good: &mut Table) {
        let general = self.path("require_mention");
        let kept_general = read(good, &general).and_then(Value::as_bool).unwrap_or(true);
        let asked_general = narrowing.asked(&general).or(true, Value::as_bool);
        let groups = |table: &Table| -> BTreeSet<String> {
            let groups = read(table, &self.path("groups")).and_then(Value::as_table);
            groups.into_iter().flatten().map(|(name, _)| name.clone()).collect()
        };
        for group in groups(good).union(&groups(narrowing.asked)) {
            let of = ["channels", self.name, "groups", group.as_str(), "require_mention"];
            let kept = read(good, &of).and_then(Value::as_bool).unwrap_or(kept_general);
            let asked = match narrowing.asked(&of) {
                Said::Value(value) => value.as_bool(),
                Said::Nothing | Said::Unknown => asked_general,
            };
            let known = groups(good).contains(group);
            if asked == Some(true) && !kept && known {
                narrowing.set(good, &of, Value::from(true));
            }
        }
        narrowing.switch(good, &general, true, true);
    }
}
