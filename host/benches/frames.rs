//! What the check of an inbound frame against its schemas costs, beside reading it as JSON, which any
//! gateway has to do.
//!
//! `cargo bench --bench frames`
#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a bench: it prints figures for people and has nobody to report to"
)]

use jackfield::{
    methods,
    protocol::{frame::RequestFrame, schema::Validator},
};
use serde_json::{Value, json};
use std::{hint::black_box, time::Instant};

const ROUNDS: u32 = 200_000;

fn main() {
    let table = methods::table();
    let envelope = Validator::of::<RequestFrame>();
    println!("{:<22} {:>6} {:>9} {:>9} {:>9}", "ns per frame", "bytes", "read", "frame", "params");
    for (method, params) in samples() {
        let frame = json!({ "type": "req", "id": "17", "method": method, "params": params });
        let text = frame.to_string();
        let validator = table.find(method).unwrap().validator();
        assert_eq!(validator.check(&params), Ok(()), "{method} is called as a client would");
        let read = each(|| drop(black_box(serde_json::from_str::<Value>(black_box(&text)))));
        let whole = each(|| drop(black_box(envelope.check(black_box(&frame)))));
        let inner = each(|| drop(black_box(validator.check(black_box(&params)))));
        println!("{method:<22} {:>6} {read:>9.0} {whole:>9.0} {inner:>9.0}", text.len());
    }
}

/// What clients send most, and one frame with a long text.
fn samples() -> [(&'static str, Value); 5] {
    let say = |text: &str| json!({ "sessionKey": "agent:main:main", "message": text, "idempotencyKey": "8e1f" });
    [
        ("health", json!({})),
        ("chat.history", json!({ "sessionKey": "agent:main:main", "limit": 200 })),
        ("chat.send", say("what is a jackfield?")),
        ("agent", say(&"a long story ".repeat(800))),
        (
            "send",
            json!({ "channel": "line", "to": "anna", "message": "tea is ready", "idempotencyKey": "8e20" }),
        ),
    ]
}

/// Nanoseconds of one call, over many.
fn each(mut call: impl FnMut()) -> f64 {
    (0..ROUNDS / 10).for_each(|_| call());
    let begun = Instant::now();
    (0..ROUNDS).for_each(|_| call());
    begun.elapsed().as_nanos() as f64 / f64::from(ROUNDS)
}
