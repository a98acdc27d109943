// Puts recorded messages, messages on their way and replies being written into the order in which
// they are shown. Pure.
import type { Message } from "./message.ts";
import type { Outgoing, Run, Thread } from "./thread.ts";

export type Entry =
  | { kind: "message"; id: string; message: Message }
  | { kind: "outgoing"; id: string; outgoing: Outgoing; running: boolean }
  | { kind: "run"; id: string; run: Run };

export function timeline(thread: Thread): Entry[] {
  const { messages } = thread;
  const slots = new Map<number, Entry[]>();
  const place = (slot: number, entry: Entry) => slots.set(slot, [...(slots.get(slot) ?? []), entry]);

  // Replies to recorded messages come before messages that are still on their way.
  const waiting = new Set(thread.outgoing.map((outgoing) => outgoing.key));
  for (const run of thread.runs) {
    if (!waiting.has(run.id)) place(runSlot(messages, run), runEntry(run));
  }
  for (const outgoing of thread.outgoing) {
    const slot = outgoing.state === "accepted" ? slotAfter(messages, outgoing.after) : messages.length;
    const runs = thread.runs.filter((run) => run.id === outgoing.key);
    const running = runs.some((run) => run.state === "active");
    place(slot, { kind: "outgoing", id: `out-${outgoing.key}`, outgoing, running });
    for (const run of runs) place(slot, runEntry(run));
  }

  const entries: Entry[] = [];
  for (let index = 0; index <= messages.length; index++) {
    entries.push(...(slots.get(index) ?? []));
    const message = messages[index];
    if (message) entries.push({ kind: "message", id: message.id, message });
  }
  return entries;
}

function runEntry(run: Run): Entry {
  return { kind: "run", id: `run-${run.id}`, run };
}

/** A run belongs to the end of the turn that asked for it. */
function runSlot(messages: Message[], run: Run): number {
  const asked = messages.findIndex((message) => message.role === "user" && message.runId === run.id);
  if (asked >= 0) return turnEnd(messages, asked + 1);
  return run.state === "active" ? messages.length : slotAfter(messages, run.after);
}

function slotAfter(messages: Message[], id: string | undefined): number {
  const anchor = messages.findIndex((message) => message.id === id);
  if (anchor >= 0) return anchor + 1;
  return id === undefined ? 0 : messages.length;
}

function turnEnd(messages: Message[], from: number): number {
  const next = messages.findIndex((message, index) => index >= from && message.role === "user");
  return next < 0 ? messages.length : next;
}
