//! Files in, settings or named errors out.

use super::*;
use std::fs;

fn load(text: &str) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jackfield.toml");
    fs::write(&path, text).unwrap();
    Config::load_with(&path, &|name| (name == "TOK").then(|| "from-env".to_owned()))
}

#[test]
fn nothing_at_all_is_a_working_configuration() {
    let config = Config::load(Path::new("/nonexistent/jackfield.toml")).unwrap();
    assert_eq!(config.gateway.port, 18_789);
    assert!(config.gateway.bind_ip().unwrap().is_loopback());
    assert_eq!(config.agent.id, "main");
}

#[test]
fn a_typing_slip_is_named_with_what_was_meant() {
    let error = load("[gateway]\nprot = 1\n").unwrap_err().to_string();
    assert!(error.contains("gateway") && error.contains("did you mean `port`?"), "{error}");
    let error = load("[gateway]\nport = \"x\"\n").unwrap_err().to_string();
    assert!(error.contains("gateway.port"), "{error}");
    let error = load("[gateway\n").unwrap_err().to_string();
    assert!(error.contains("not valid TOML") && error.contains("line 1"), "{error}");
}

#[test]
fn the_environment_fills_in_and_a_missing_variable_is_named() {
    let config = load("[gateway.auth]\ntoken = \"${TOK}\"\n").unwrap();
    assert_eq!(config.gateway.auth.token.unwrap().expose(), "from-env");
    let error = load("[channels.line]\nkeys = [\"a${NOPE}\"]\n").unwrap_err().to_string();
    assert!(
        error.contains("channels.line.keys[0]") && error.contains("NOPE is not set"),
        "{error}"
    );
}

#[test]
fn drop_ins_lie_over_the_file_in_order_of_their_names() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jackfield.toml");
    fs::create_dir(dir.path().join("conf.d")).unwrap();
    fs::write(&path, "[gateway]\nport = 1\nbind = \"127.0.0.1\"\n").unwrap();
    fs::write(dir.path().join("conf.d/20.toml"), "[gateway]\nport = 3\n").unwrap();
    fs::write(
        dir.path().join("conf.d/10.toml"),
        "[gateway]\nport = 2\n[channels.line]\nenabled = true\n",
    )
    .unwrap();
    let config = Config::load(&path).unwrap();
    assert_eq!((config.gateway.port, config.gateway.bind.as_str()), (3, "127.0.0.1"));
    assert!(config.channels["line"].enabled);
}

#[test]
fn an_open_door_is_refused() {
    for (text, word) in [
        (
            "[gateway]\nbind = \"0.0.0.0\"\n[gateway.auth]\nmode = \"none\"\n",
            "without authentication",
        ),
        ("[gateway.auth]\nmode = \"password\"\n", "needs gateway.auth.password"),
        ("[gateway.auth]\ntoken = \"  \"\n", "blank"),
        ("[gateway.auth]\ntoken = \"undefined\"\n", "placeholder"),
        ("[gateway]\nbind = \"localhost:1\"\n", "not an IP address"),
    ] {
        let error = load(text).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn a_secret_never_prints() {
    let config = load("[gateway.auth]\ntoken = \"hush-hush\"\n").unwrap();
    assert!(!format!("{config:?}").contains("hush"));
}

#[test]
fn a_channel_table_reaches_its_plugin_whole() {
    let config =
        load("[channels.line]\nenabled = true\nlisten = \"x\"\ndm_policy = \"open\"\n").unwrap();
    let table = config.channels["line"].table();
    assert_eq!(table["listen"], "x");
    assert_eq!(table["enabled"], true);
    assert_eq!(config.channels["line"].accounts(), ["default"]);
}

#[test]
fn a_model_backend_needs_a_model_and_an_address() {
    let with = |more: &str| load(&format!("[agent]\nbackend = \"openai\"\n[agent.openai]\n{more}"));
    for (text, word) in [
        ("", "agent.openai.model"),
        ("model = \"m\"", "agent.openai.base_url"),
        ("model = \"m\"\nbase_url = \"localhost:11434\"", "is no web address"),
        ("model = \"m\"\nbase_url = \"//v1\"", "http://127.0.0.1:11434/v1"),
        ("model = \"m\"\nbase_url = \"http://h/v1\"\nidle_timeout_s = 0", "at least 1"),
    ] {
        let error = with(text).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    let config =
        with("model = \"m\"\nbase_url = \"http://h/v1\"\napi_key = \"hush-hush\"").unwrap();
    assert!(!format!("{config:?}").contains("hush"));
    assert!(load("[agent.openai]\nmodel = \"m\"").is_ok(), "unused settings may be incomplete");
}

#[test]
fn of_a_file_that_is_cut_off_what_stands_before_counts() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jackfield.toml");
    for (text, expected, whole) in [
        ("a = 1\nb = 2\n", "a = 1\nb = 2", true),
        ("a = 1\nb = [\"x\",\n  \"y", "a = 1", false),
        ("a = 1\nb = \nc = 3\n", "a = 1", false),
        ("a = [\n 1,\n = 2", "", false),
        ("=", "", false),
    ] {
        fs::write(&path, text).unwrap();
        let found = source::salvage(&path);
        assert_eq!(found, (expected.parse().unwrap(), whole), "{text}");
    }
    fs::write(&path, b"a = 1\nb = \"\xff\"\n").unwrap();
    assert_eq!(source::salvage(&path), ("a = 1".parse().unwrap(), false));
    fs::create_dir(dir.path().join("conf.d")).unwrap();
    fs::write(dir.path().join("conf.d/1.toml"), "a = 3\nc = 4").unwrap();
    assert_eq!(source::salvage(&path), ("a = 3\nc = 4".parse().unwrap(), false));
    fs::remove_file(&path).unwrap();
    assert!(!source::salvage(&path).1, "a file that is gone says nothing");
}
