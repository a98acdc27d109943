// The state of a conversation through runs, reconnects and histories.
import assert from "node:assert/strict";
import { test } from "node:test";
import { applyHistory, applyOlder } from "../src/conversation/history.ts";
import { plainText, readMessages } from "../src/conversation/message.ts";
import { newConversationKey, readConversations, titleFrom, titleOf } from "../src/conversation/names.ts";
import { accepted, addOutgoing, applyChatEvent, disconnected, emptyThread, isBusy, refused, unanswered, type Thread } from "../src/conversation/thread.ts";
import { timeline } from "../src/conversation/timeline.ts";

const chat = (thread: Thread, state: string, more: Record<string, unknown> = {}, now = 10) =>
  applyChatEvent(thread, { runId: "k1", sessionKey: "s", state, ...more }, now);
const said = (words: string) => ({ role: "assistant", content: [{ type: "text", text: words }] });
const record = (id: string, role: string, words: string, more: Record<string, unknown> = {}) => ({
  role,
  content: words,
  timestamp: 1,
  ...more,
  __openclaw: { id },
});
const asked = record("m1", "user", "hello", { idempotencyKey: "k1:user" });
const answered = record("m2", "assistant", "hi there");
const history = (...messages: unknown[]) => ({ messages, hasMore: false });
const sent = () => accepted(addOutgoing(emptyThread, "k1", "hello", 1), "k1", 2);
const shape = (thread: Thread) =>
  timeline(thread).map((entry) =>
    entry.kind === "message" ? `${entry.message.role}:${plainText(entry.message.parts)}` : entry.kind === "run" ? `run:${entry.run.text}` : `out:${entry.outgoing.text}`,
  );

test("deltas add up, the cumulative message wins, and replace replaces", () => {
  let thread = chat(sent(), "delta", { deltaText: "he" });
  thread = chat(thread, "delta", { deltaText: "llo" });
  assert.equal(thread.runs[0]?.text, "hello");
  thread = chat(thread, "delta", { deltaText: "!", message: said("hello you!") });
  assert.equal(thread.runs[0]?.text, "hello you!");
  thread = chat(thread, "delta", { deltaText: "bye", replace: true });
  assert.equal(thread.runs[0]?.text, "bye");
});

test("a run is busy from the acknowledgement to its end, whatever its end is", () => {
  assert.equal(isBusy(sent()), true);
  for (const state of ["final", "aborted", "error"]) assert.equal(isBusy(chat(sent(), state)), false);
});

test("events that were faster than the acknowledgement", () => {
  const thread = chat(addOutgoing(emptyThread, "k1", "hello", 1), "final");
  assert.equal(isBusy(accepted(thread, "k1", 20)), false);
});

test("what comes after the end changes nothing", () => {
  const ended = chat(chat(sent(), "delta", { deltaText: "x" }), "aborted");
  assert.equal(chat(ended, "delta", { deltaText: "y" }), ended);
});

test("nothing shows twice once the history has it", () => {
  let thread = chat(sent(), "final", { message: said("hi there") });
  assert.deepEqual(shape(thread), ["out:hello", "run:hi there"]);
  thread = applyHistory(thread, history(asked), 20);
  assert.deepEqual(shape(thread), ["user:hello", "run:hi there"]);
  thread = applyHistory(thread, history(asked, answered), 30);
  assert.deepEqual(shape(thread), ["user:hello", "assistant:hi there"]);
  assert.deepEqual(shape(applyHistory(thread, history(asked, answered), 40)), ["user:hello", "assistant:hi there"]);
});

test("a history without keys is matched by its words", () => {
  const thread = chat(sent(), "final", { message: said("hi there") });
  const plain = history(record("m1", "user", "hello"), answered);
  assert.deepEqual(shape(applyHistory(thread, plain, 20)), ["user:hello", "assistant:hi there"]);
});

test("a partial reply stays when the history does not keep it", () => {
  const thread = chat(chat(sent(), "delta", { deltaText: "half" }), "aborted", { stopReason: "rpc" });
  assert.deepEqual(shape(applyHistory(thread, history(asked), 20)), ["user:hello", "run:half"]);
});

test("a failed reply stays where it was asked for", () => {
  const failed = applyHistory(chat(sent(), "error", { errorMessage: "no model" }), history(asked), 20);
  assert.equal(failed.runs[0]?.error, "no model");
  const more = [asked, record("m3", "user", "again"), record("m4", "assistant", "yes")];
  assert.deepEqual(shape(applyHistory(failed, history(...more), 30)), ["user:hello", "run:", "user:again", "assistant:yes"]);
});

test("a reload in the middle of a run takes it up again", () => {
  const live = { ...history(asked), inFlightRun: { runId: "k1", text: "so f" } };
  let thread = applyHistory(emptyThread, live, 5);
  assert.equal(isBusy(thread), true);
  assert.deepEqual(shape(thread), ["user:hello", "run:so f"]);
  thread = chat(thread, "delta", { deltaText: "ar", message: said("so far") });
  assert.deepEqual(shape(thread), ["user:hello", "run:so far"]);
});

test("a history that is idle clears a run we missed the end of", () => {
  const writing = chat(sent(), "delta", { deltaText: "hi" }, 10);
  assert.equal(isBusy(applyHistory(writing, history(asked, answered), 20)), false);
  assert.equal(isBusy(applyHistory(writing, history(asked), 5)), true, "an answer asked for before the last sign of life");
});

test("a lost connection: the run waits for the history, the send becomes unknown", () => {
  let thread = disconnected(chat(addOutgoing(sent(), "k2", "second", 5), "delta", { deltaText: "hi" }));
  assert.equal(isBusy(thread), false);
  assert.deepEqual(thread.outgoing.map((item) => item.state), ["accepted", "unknown"]);
  thread = applyHistory(thread, { ...history(asked), inFlightRun: { runId: "k1", text: "hi th" } }, 20);
  assert.equal(isBusy(thread), true);
  assert.deepEqual(shape(thread), ["user:hello", "run:hi th", "out:second"]);
  const arrived = record("m9", "user", "second", { idempotencyKey: "k2:user" });
  assert.deepEqual(applyHistory(thread, history(asked, answered, arrived), 30).outgoing, []);
});

test("a refused or unanswered send stays until the person decides", () => {
  assert.equal(refused(addOutgoing(emptyThread, "k1", "x", 1), "k1", "too long").outgoing[0]?.error, "too long");
  assert.equal(unanswered(addOutgoing(emptyThread, "k1", "x", 1), "k1").outgoing[0]?.state, "unknown");
  assert.equal(unanswered(sent(), "k1").outgoing[0]?.state, "accepted");
});

test("a silent reply leaves nothing", () => {
  assert.deepEqual(shape(applyHistory(chat(sent(), "final"), history(asked), 20)), ["user:hello"]);
});

test("older pages go in front and survive a refresh", () => {
  const page = { messages: [record("m3", "user", "c"), record("m4", "assistant", "d")], hasMore: true, nextOffset: 2 };
  let thread = applyHistory(emptyThread, page, 1);
  assert.equal(thread.nextOffset, 2);
  thread = applyOlder(thread, { messages: [record("m1", "user", "a"), record("m2", "assistant", "b")], hasMore: false });
  assert.deepEqual(thread.messages.map((message) => message.id), ["m1", "m2", "m3", "m4"]);
  thread = applyHistory(thread, page, 2);
  assert.deepEqual(thread.messages.map((message) => message.id), ["m1", "m2", "m3", "m4"]);
  assert.equal(thread.hasMore, false);
});

test("messages without an id get a stable one, messages with one are unique", () => {
  const bare = { role: "user", content: "x", timestamp: 5 };
  const twice = readMessages([bare, bare]).map((message) => message.id);
  assert.equal(new Set(twice).size, 2);
  assert.deepEqual(readMessages([bare, bare]).map((message) => message.id), twice);
  assert.equal(readMessages([asked, asked]).length, 1);
  assert.deepEqual(readMessages([{ role: "assistant", content: [] }, null, 3, { role: "system", content: "x" }]), []);
});

test("names of conversations", () => {
  assert.equal(newConversationKey("main", "1a2b3c4d"), "agent:main:webchat-1a2b3c4d");
  assert.equal(titleOf("agent:main:main"), "Main");
  assert.equal(titleOf("agent:main:telegram:direct:42"), "Telegram · 42");
  assert.equal(titleOf("agent:work:webchat-1a2b3c4d"), "Chat 1a2b3c4d (work)");
  assert.equal(titleFrom("  **Plan** the\tweek\nplease"), "Plan the week");
  const rows = readConversations({ sessions: [{ key: "a", updatedAt: 1 }, { key: "b", updatedAt: 2, label: "B" }, {}] }, () => undefined);
  assert.deepEqual(rows.map((row) => row.title), ["B", "a"]);
});
