// The state of one conversation and how run events, sends and a lost connection change it; history.ts
// applies what the gateway has on record. Pure: each function returns a new state. What the gateway says always wins, so whether
// a run is going on follows from its events and its history, never from a button that was pressed.
import { isRecord, text } from "../wire/frames.ts";
import { plainText, readParts, type Message } from "./message.ts";

/** A message of ours the history does not show yet. `key` is its idempotency key and its run's id. */
export interface Outgoing {
  key: string;
  text: string;
  at: number;
  /** The last message on screen when it was sent. */
  after: string | undefined;
  /** `unknown`: the connection went before the answer came. `refused`: the gateway said no. */
  state: "sending" | "accepted" | "unknown" | "refused";
  error?: string;
}

/** A reply being written, or one that ended and that the history does not show yet. */
export interface Run {
  id: string;
  text: string;
  state: "active" | "final" | "aborted" | "error";
  /** What the gateway is doing while there is no text: a phase name or `tool:<name>`. */
  phase: string | undefined;
  error: string | undefined;
  /** The last message on screen when the run was first seen. */
  after: string | undefined;
  /** Page time of the last sign of life, to tell which of a history answer and the run is newer. */
  heardAt: number;
}

export interface Thread {
  messages: Message[];
  outgoing: Outgoing[];
  runs: Run[];
  /** Ids of runs that ended, the last of them last: what still arrives about them is an echo. */
  ended: string[];
  loaded: boolean;
  hasMore: boolean;
  nextOffset: number | undefined;
}

export const emptyThread: Thread = {
  messages: [],
  outgoing: [],
  runs: [],
  ended: [],
  loaded: false,
  hasMore: false,
  nextOffset: undefined,
};

const ENDED_MAX = 50;

/** The error of a run that we stopped hearing of. It may still be going on. */
const INTERRUPTED = "The connection was lost before the reply was complete.";

export function interrupted(run: Run): Run {
  return { ...run, state: "aborted", error: INTERRUPTED };
}

export function isBusy(thread: Thread): boolean {
  return thread.runs.some((run) => run.state === "active");
}

/** Applies a `chat` event of this conversation. */
export function applyChatEvent(thread: Thread, payload: Record<string, unknown>, now: number): Thread {
  const runId = text(payload["runId"]);
  if (!runId) return thread;
  if (thread.ended.includes(runId)) return thread;
  const known = thread.runs.find((run) => run.id === runId);
  const run: Run = known ? { ...known, state: "active", error: undefined, heardAt: now } : newRun(thread, runId, now);
  const whole = isRecord(payload["message"]) ? plainText(readParts(payload["message"]["content"])) : undefined;
  switch (payload["state"]) {
    case "status":
      run.phase = text(payload["phase"]);
      break;
    case "delta":
      run.text = deltaText(run.text, payload, whole);
      run.phase = undefined;
      break;
    case "final":
      run.state = "final";
      run.text = whole || run.text;
      break;
    case "aborted":
      run.state = "aborted";
      run.text = whole || run.text;
      break;
    case "error":
      run.state = "error";
      run.error = text(payload["errorMessage"]) ?? "The reply failed.";
      run.text = whole || run.text;
      break;
    default:
      return thread;
  }
  const silent = run.state === "final" && run.text === "";
  return {
    ...thread,
    ended: run.state === "active" ? thread.ended : [...thread.ended, runId].slice(-ENDED_MAX),
    outgoing: thread.outgoing.map((item) => (item.key === runId ? { ...item, state: "accepted" } : item)),
    runs: silent ? thread.runs.filter((other) => other.id !== runId) : putRun(thread.runs, run),
  };
}

/** The cumulative text is the safer of the two: it is right even after a missed event. */
function deltaText(before: string, payload: Record<string, unknown>, whole: string | undefined): string {
  if (whole) return whole;
  const delta = typeof payload["deltaText"] === "string" ? payload["deltaText"] : "";
  return payload["replace"] === true ? delta : before + delta;
}

/** Notes which tool a run is using, from an `agent` event of stream `tool`. */
export function applyTool(thread: Thread, runId: string, name: string | undefined, now: number): Thread {
  const run = thread.runs.find((other) => other.id === runId && other.state === "active");
  if (!run) return thread;
  const phase = name === undefined ? undefined : `tool:${name}`;
  return { ...thread, runs: putRun(thread.runs, { ...run, phase, heardAt: now }) };
}

export function addOutgoing(thread: Thread, key: string, message: string, now: number): Thread {
  const item: Outgoing = { key, text: message, at: now, after: lastId(thread), state: "sending" };
  const others = thread.outgoing.filter((other) => other.key !== key);
  return { ...thread, outgoing: [...others, item] };
}

export function discardOutgoing(thread: Thread, key: string): Thread {
  return { ...thread, outgoing: thread.outgoing.filter((item) => item.key !== key) };
}

/** The gateway took the message; its run begins, unless its events were faster. */
export function accepted(thread: Thread, key: string, now: number): Thread {
  const outgoing = thread.outgoing.map((item): Outgoing => (item.key === key ? { ...item, state: "accepted" } : item));
  if (thread.ended.includes(key) || thread.runs.some((run) => run.id === key)) return { ...thread, outgoing };
  return { ...thread, outgoing, runs: [...thread.runs, newRun(thread, key, now)] };
}

export function refused(thread: Thread, key: string, error: string): Thread {
  return mark(thread, (item) => item.key === key, "refused", error);
}

/** No answer will come for this message: it may or may not have arrived. */
export function unanswered(thread: Thread, key: string): Thread {
  return mark(thread, (item) => item.key === key && item.state === "sending", "unknown");
}

function mark(thread: Thread, which: (item: Outgoing) => boolean, state: Outgoing["state"], error?: string): Thread {
  const change = (item: Outgoing): Outgoing => ({ ...item, state, ...(error === undefined ? {} : { error }) });
  return { ...thread, outgoing: thread.outgoing.map((item) => (which(item) ? change(item) : item)) };
}

/** The connection closed: no run can be said to go on until the history says so. */
export function disconnected(thread: Thread): Thread {
  const lost = mark(thread, (item) => item.state === "sending", "unknown");
  const runs = lost.runs.filter((run) => run.state !== "active" || run.text !== "");
  return { ...lost, runs: runs.map((run) => (run.state === "active" ? interrupted(run) : run)) };
}

export function newRun(thread: Thread, id: string, now: number): Run {
  return { id, text: "", state: "active", phase: undefined, error: undefined, after: lastId(thread), heardAt: now };
}

function putRun(runs: Run[], run: Run): Run[] {
  const index = runs.findIndex((other) => other.id === run.id);
  return index < 0 ? [...runs, run] : runs.with(index, run);
}

function lastId(thread: Thread): string | undefined {
  return thread.messages.at(-1)?.id;
}
