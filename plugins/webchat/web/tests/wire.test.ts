// Frames, waiting times and what a refused connect means.
import assert from "node:assert/strict";
import { test } from "node:test";
import { reconnectDelayMs } from "../src/wire/backoff.ts";
import { readFrame } from "../src/wire/frames.ts";
import { classifyRefusal } from "../src/wire/refusal.ts";

const refusal = (code: string, details: Record<string, unknown> = {}, more: Record<string, unknown> = {}) =>
  classifyRefusal({ code: "INVALID_REQUEST", message: "m", details: { code, ...details }, ...more });

test("waiting grows from 0.8 s to 15 s", () => {
  assert.deepEqual([0, 1, 2].map((attempt) => reconnectDelayMs(attempt, 0)), [800, 1360, 2312]);
  assert.equal(reconnectDelayMs(1000, 0), 15_000);
  assert.equal(reconnectDelayMs(0, 1), 640);
});

test("frames that make no sense are ignored", () => {
  for (const text of ["", "{", "[]", "null", '{"type":"res"}', '{"type":"event"}', '{"type":"req","id":"1"}']) {
    assert.equal(readFrame(text), undefined);
  }
  assert.equal(readFrame('{"type":"event","event":"tick","seq":4}')?.type, "event");
});

test("who must act", () => {
  assert.equal(refusal("AUTH_TOKEN_MISSING").kind, "secret");
  assert.deepEqual(refusal("AUTH_PASSWORD_MISMATCH"), {
    kind: "secret",
    secret: "password",
    missing: false,
    reason: "The gateway did not accept that password.",
  });
  assert.equal(refusal("AUTH_DEVICE_TOKEN_MISMATCH").kind, "deviceToken");
  assert.equal(refusal("PROTOCOL_MISMATCH", { expectedProtocol: 5 }).kind, "blocked");
  assert.equal(refusal("DEVICE_AUTH_SIGNATURE_EXPIRED").kind, "retry");
  assert.equal(refusal("DEVICE_AUTH_SIGNATURE_INVALID").kind, "blocked");
});

test("waiting as long as the gateway asks", () => {
  const limited = refusal("AUTH_RATE_LIMITED", {}, { retryAfterMs: 1234 });
  assert.equal(limited.kind === "wait" && limited.afterMs, 1234);
  const starting = classifyRefusal({ code: "UNAVAILABLE", message: "gateway starting; retry shortly", retryAfterMs: 500 });
  assert.equal(starting.kind === "wait" && !starting.limited && starting.afterMs, 500);
});

test("a pairing request by its details or, failing that, by its message", () => {
  const given = refusal("PAIRING_REQUIRED", { requestId: "r1", reason: "not-paired" });
  assert.equal(given.kind === "pairing" && given.requestId, "r1");
  const said = classifyRefusal({
    code: "NOT_PAIRED",
    message: "pairing required: device is not approved yet (requestId: r2)",
    details: { code: "PAIRING_REQUIRED" },
  });
  assert.equal(said.kind === "pairing" && said.requestId, "r2");
});
