//! `jackfield qr`: a setup code for a phone, to scan or to type.

use super::{print, reach::Reach, report::Failure};
use crate::{clock::Clock, protocol::scope::Scope};
use qrcode::{EcLevel, QrCode, render::unicode::Dense1x2};
use serde_json::{Value, json};

/// What opens a gateway that only its own machine reaches.
const ELSEWHERE: &str = "behind a tunnel or a proxy: jackfield qr --public-url wss://NAME; \
    on your own network: gateway.bind = \"0.0.0.0\" and gateway.tls.enabled = true";

/// Arguments of `jackfield qr`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The code works once and for ten minutes. Whoever scans it is paired: show it to nobody else.")]
pub struct Args {
    /// Address at which the phone reaches the gateway, such as `wss://gateway.example`
    /// [default: the one it listens on]
    #[arg(long = "public-url", value_name = "URL")]
    public_url: Option<String>,
    /// What the phone may do [default: everything]
    #[arg(long, value_name = "WHAT", value_parser = ["limited", "node"])]
    profile: Option<String>,
    /// Print the code alone, without the picture
    #[arg(long)]
    code_only: bool,
    /// The gateway.
    #[command(flatten)]
    reach: Reach,
}

/// Runs the verb.
///
/// # Errors
/// Of the connection, or that phones cannot reach the gateway.
pub fn run(args: &Args) -> Result<(), Failure> {
    let mut params = json!({});
    if let Some(url) = &args.public_url {
        params["publicUrl"] = json!(url);
    }
    if let Some(profile) = &args.profile {
        params["bootstrapProfile"] = json!(profile);
    }
    let scopes = [Scope::Admin, Scope::Pairing];
    let asked =
        args.reach.ask(&scopes, "device.pair.setupCode", params, |of| shown(of, args.code_only));
    asked.map_err(|failure| {
        if failure.text.contains("only bound to loopback") {
            failure.next(ELSEWHERE)
        } else {
            failure
        }
    })
}

fn shown(of: &Value, code_only: bool) -> String {
    let code = print::cell(of, "setupCode");
    if code_only {
        return code;
    }
    let facts = print::facts(&[
        ("code", code.clone()),
        ("gateway", print::cell(of, "gatewayUrl")),
        ("ends", print::when(Clock::system().now_ms(), of.get("expiresAtMs"))),
    ]);
    match picture(&code) {
        Some(picture) => format!("{picture}\n{facts}"),
        None => facts,
    }
}

/// Light on dark, as most terminals are; scanners read both.
fn picture(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    Some(code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_drawn_as_a_square_with_its_margin() {
        let picture = picture(&"x".repeat(300)).expect("it fits");
        let lines: Vec<usize> = picture.lines().map(|line| line.chars().count()).collect();
        assert!(lines.iter().all(|width| *width == lines[0]), "{picture}");
        assert_eq!(lines.len(), lines[0].div_ceil(2), "two rows of points a line");
    }

    #[test]
    fn alone_the_code_is_all_there_is() {
        let of = json!({"setupCode": "abc", "gatewayUrl": "ws://h", "expiresAtMs": 1});
        assert_eq!(shown(&of, true), "abc");
        assert!(shown(&of, false).contains("ws://h"));
    }
}
