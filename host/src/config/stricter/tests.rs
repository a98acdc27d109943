//! Nothing wider than either, and what could not be told left alone.

use super::narrow;
use toml::Table;

fn table(text: &str) -> Table {
    text.parse().unwrap()
}

/// `good` after the file `asked` was rejected, with what changed.
fn narrowed(good: &str, asked: &str, whole: bool) -> (Table, Vec<String>) {
    let mut good = table(good);
    let changed = narrow(&mut good, &table(asked), whole, &|_| None);
    (good, changed)
}

fn becomes(good: &str, asked: &str, expected: &str) {
    let (found, _) = narrowed(good, asked, true);
    assert_eq!(found, table(expected), "{good} | {asked}");
}

const LINE: &str = "[channels.line]\nenabled = true\n";

#[test]
fn of_two_policies_the_stricter_holds() {
    let with = |more: &str| format!("{LINE}{more}");
    for (good, asked, expected) in [
        ("dm_policy = \"open\"", "dm_policy = \"allowlist\"", "dm_policy = \"allowlist\""),
        ("dm_policy = \"allowlist\"", "dm_policy = \"open\"", "dm_policy = \"allowlist\""),
        ("dm_policy = \"open\"", "", "dm_policy = \"pairing\""),
        ("dm_policy = \"open\"", "dm_policy = \"alowlist\"", "dm_policy = \"open\""),
        ("group_policy = \"open\"", "", "group_policy = \"allowlist\""),
        ("", "group_policy = \"disabled\"", "group_policy = \"disabled\""),
        ("require_mention = false", "", "require_mention = true"),
        ("require_mention = true", "require_mention = false", "require_mention = true"),
    ] {
        becomes(&with(good), &with(asked), &with(expected));
    }
    becomes(LINE, "", "[channels.line]\nenabled = false\n");
}

#[test]
fn a_list_keeps_whom_both_name_and_never_grows() {
    let with = |more: &str| format!("{LINE}dm_policy = \"allowlist\"\n{more}");
    for (good, asked, expected) in [
        ("allow_from = [\"a\", \"b\"]", "allow_from = [\"b\", \"c\"]", "allow_from = [\"b\"]"),
        ("allow_from = [\"a\"]", "allow_from = \"a\"", "allow_from = [\"a\"]"),
        ("allow_from = [\"a\"]", "allow_from = [1]", "allow_from = [\"a\"]"),
        ("allow_from = [\"a\"]", "", "allow_from = []"),
        ("", "allow_from = [\"a\"]", ""),
    ] {
        becomes(&with(good), &with(asked), &with(expected));
    }
}

#[test]
fn an_empty_list_that_would_admit_everybody_closes_instead() {
    let with = |more: &str| format!("{LINE}group_policy = \"open\"\n{more}");
    becomes(
        &with("group_allow_from = [\"a\", \"b\"]"),
        &with("group_allow_from = [\"b\"]"),
        &with("group_allow_from = [\"b\"]"),
    );
    becomes(&with(""), &with("group_allow_from = [\"b\"]"), &with("group_allow_from = [\"b\"]"));
    becomes(&with("group_allow_from = [\"a\"]"), &with(""), &with("group_allow_from = [\"a\"]"));
    becomes(
        &with("group_allow_from = [\"a\"]"),
        &with("group_allow_from = [\"b\"]"),
        &format!("{LINE}group_policy = \"disabled\"\ngroup_allow_from = [\"a\"]"),
    );
}

#[test]
fn a_group_that_is_not_listed_any_more_is_left_out_by_name() {
    let with = |more: &str| format!("{LINE}group_allow_from = [\"a\"]\n{more}");
    becomes(
        &with("[channels.line.groups.g]\n[channels.line.groups.h]"),
        &with("[channels.line.groups.g]\nrequire_mention = true"),
        &with("[channels.line.groups.g]\n[channels.line.groups.h]\nallow = false"),
    );
    becomes(
        &with(""),
        &with("[channels.line.groups.g]"),
        &with("[channels.line.groups.g]\nallow = true"),
    );
    becomes(
        &with("[channels.line.groups.g]\nrequire_mention = false"),
        &with("[channels.line.groups.g]\nallow = false"),
        &with("[channels.line.groups.g]\nrequire_mention = true\nallow = false"),
    );
}

#[test]
fn the_port_is_no_wider_than_the_file_asks() {
    let good = "[gateway]\nbind = \"0.0.0.0\"\nallow_plain_bind = true\n\
                allowed_origins = [\"*\"]\nauth = { mode = \"token\", token = \"old-secret\" }\n\
                [plugins]\nsignatures = \"off\"\n[plugins.x]\nisolation = \"in-process\"\n";
    let asked = "[gateway]\nbind = \"127.0.0.1\"\nprot = 1\n\
                 allowed_origins = [\"https://a.example\"]\n\
                 auth = { mode = \"token\", token = \"new-secret\" }\n\
                 [plugins]\nsignatures = \"require\"\nrevoked = [\"ab\"]\n\
                 [plugins.x]\nenabled = false\n[nodes]\ndeny = [\"sms.send\"]";
    let (found, changed) = narrowed(good, asked, true);
    let expected = "[gateway]\nbind = \"127.0.0.1\"\nallow_plain_bind = false\n\
                    allowed_origins = [\"https://a.example\"]\n\
                    auth = { mode = \"token\", token = \"new-secret\" }\n\
                    [plugins]\nsignatures = \"require\"\nrevoked = [\"ab\"]\n\
                    [plugins.x]\nisolation = \"process\"\nenabled = false\n\
                    [nodes]\ndeny = [\"sms.send\"]";
    assert_eq!(found, table(expected));
    assert!(changed.contains(&"gateway.auth".to_owned()), "{changed:?}");
    assert!(changed.contains(&"plugins.x.enabled".to_owned()), "{changed:?}");
    // And the other way round nothing is opened.
    let (kept, _) = narrowed(expected, good, true);
    let auth = kept["gateway"]["auth"]["token"].as_str();
    assert_eq!(auth, Some("old-secret"), "the newer file's secret, whichever it is");
    assert_eq!(kept["gateway"]["bind"].as_str(), Some("127.0.0.1"));
    assert_eq!(kept["plugins"], table(expected)["plugins"]);
}

#[test]
fn what_cannot_be_read_changes_nothing() {
    let good = format!(
        "[gateway]\nbind = \"0.0.0.0\"\n{LINE}dm_policy = \"open\"\nallow_from = [\"a\"]\n\
         group_allow_from = [\"b\"]\n[channels.line.groups.g]\nrequire_mention = false"
    );
    assert_eq!(narrowed(&good, "", false), (table(&good), Vec::new()));
    let odd = "gateway = 1\nchannels = \"x\"\nplugins = []";
    assert_eq!(narrowed(&good, odd, true), (table(&good), Vec::new()));
    let (found, changed) = narrowed(&good, "[channels.line]\ndm_policy = \"disabled\"", false);
    assert_eq!(found["channels"]["line"]["dm_policy"].as_str(), Some("disabled"));
    assert_eq!(changed, ["channels.line.dm_policy"], "what stood before the slip counts");
}

proptest::proptest! {
    #[test]
    fn nobody_is_let_in_whom_either_keeps_out(
        good in proptest::collection::vec("[a-d]", 0..4),
        asked in proptest::collection::vec("[a-d]", 0..4),
    ) {
        let with = |list: &[String]| format!("{LINE}allow_from = {list:?}");
        let (found, _) = narrowed(&with(&good), &with(&asked), true);
        let kept = found["channels"]["line"]["allow_from"].as_array().unwrap();
        for id in kept {
            let id = id.as_str().unwrap().to_owned();
            proptest::prop_assert!(good.contains(&id) && asked.contains(&id));
        }
    }
}
