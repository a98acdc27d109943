// Brings a conversation in line with what the gateway has on record (`chat.history`). Pure. A reply or
// a message of ours that is on screen goes only once the record shows it, and nothing is shown twice.
import { isRecord, text } from "../wire/frames.ts";
import { plainText, readMessages, type Message } from "./message.ts";
import { interrupted, newRun, type Outgoing, type Run, type Thread } from "./thread.ts";

/** Applies an answer of `chat.history` for the newest messages, asked for at page time `askedAt`. */
export function applyHistory(thread: Thread, payload: unknown, askedAt: number): Thread {
  const history = isRecord(payload) ? payload : {};
  const page = readMessages(history["messages"]);
  const messages = joinPage(thread.messages, page, history["hasMore"] === true);
  const keptOlder = messages.length > page.length;
  const next: Thread = {
    ...thread,
    messages,
    loaded: true,
    hasMore: keptOlder ? thread.hasMore : history["hasMore"] === true,
    nextOffset: keptOlder ? thread.nextOffset : numberOr(history["nextOffset"], page.length),
  };
  next.outgoing = next.outgoing.filter((item) => userIndex(next, item) < 0);
  next.runs = settleRuns(next, history["inFlightRun"], askedAt);
  return next;
}

/** Puts an older page in front. */
export function applyOlder(thread: Thread, payload: unknown): Thread {
  const history = isRecord(payload) ? payload : {};
  const known = new Set(thread.messages.map((message) => message.id));
  const older = readMessages(history["messages"]).filter((message) => !known.has(message.id));
  return {
    ...thread,
    messages: [...older, ...thread.messages],
    hasMore: history["hasMore"] === true && older.length > 0,
    nextOffset: numberOr(history["nextOffset"], thread.messages.length + older.length),
  };
}

/** Keeps older pages that were loaded before, if the new page reaches back to them. */
function joinPage(before: Message[], page: Message[], hasMore: boolean): Message[] {
  const first = page[0];
  if (!hasMore || !first) return page;
  const overlap = before.findIndex((message) => message.id === first.id);
  return overlap > 0 ? [...before.slice(0, overlap), ...page] : page;
}

function settleRuns(thread: Thread, inFlight: unknown, askedAt: number): Run[] {
  const live = isRecord(inFlight) ? inFlight : {};
  const liveId = text(live["runId"]);
  const liveText = text(live["text"]) ?? "";
  const runs = thread.runs.flatMap((run): Run[] => {
    if (run.id === liveId) {
      if (thread.ended.includes(run.id)) return [run];
      return [{ ...run, state: "active", error: undefined, text: longer(run.text, liveText) }];
    }
    if (run.state === "active" && run.heardAt >= askedAt) return [run];
    if (isShown(thread, run)) return [];
    if (run.state !== "active") return [run];
    return run.text === "" ? [] : [interrupted(run)];
  });
  if (liveId && !thread.ended.includes(liveId) && !runs.some((run) => run.id === liveId)) {
    runs.push({ ...newRun(thread, liveId, askedAt), text: liveText });
  }
  return runs;
}

/** Whether the history holds the reply of a run: by its id, by its turn, or by the same text. */
function isShown(thread: Thread, run: Run): boolean {
  const { messages } = thread;
  if (messages.some((message) => message.role === "assistant" && message.runId === run.id)) return true;
  const asked = messages.findIndex((message) => message.role === "user" && message.runId === run.id);
  const from = asked >= 0 ? asked + 1 : messages.findIndex((message) => message.id === run.after) + 1;
  for (const message of messages.slice(from)) {
    if (asked >= 0 && message.role === "user") break;
    if (message.role !== "assistant") continue;
    const shown = plainText(message.parts).trim();
    if (asked >= 0 && (shown !== "" || message.error !== undefined)) return true;
    if (shown !== "" && shown === run.text.trim()) return true;
  }
  return false;
}

/** Where the history shows a message of ours, or -1. Without a key, the same words after it count. */
function userIndex(thread: Thread, item: Outgoing): number {
  const { messages } = thread;
  const byKey = messages.findIndex((message) => message.role === "user" && message.runId === item.key);
  if (byKey >= 0) return byKey;
  const from = messages.findIndex((message) => message.id === item.after) + 1;
  const same = messages
    .slice(from)
    .findIndex((message) => message.role === "user" && message.runId === undefined && plainText(message.parts).trim() === item.text.trim());
  return same < 0 ? -1 : from + same;
}

function longer(one: string, other: string): string {
  return other.length >= one.length ? other : one;
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}
