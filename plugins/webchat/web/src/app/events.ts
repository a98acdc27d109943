// What the page does when the gateway reports something. The steps before it are ../wire/connection.ts
// and gateway.ts; the changes themselves are in ../conversation.
import { applyChatEvent, applyTool, disconnected } from "../conversation/thread.ts";
import { isRecord, text } from "../wire/frames.ts";
import { follow, loadConversations, loadHistory, openConversation, update } from "./chat.ts";
import { offers, request, type Listener } from "./gateway.ts";
import { knownKeys, knownThread, mainKey, openKey, page, unread } from "./state.ts";
import { loadOverview } from "./overview.ts";

/** Events come in bursts; what they make stale is fetched once they pause. */
const SETTLE_MS = 200;

export const listener: Listener = {
  ready() {
    if (openKey.peek() === undefined) openKey.value = mainKey.peek();
    if (offers("sessions.subscribe")) void request("sessions.subscribe", {}).catch(() => undefined);
    follow(openKey.peek()!, true);
    refresh();
  },
  lost() {
    for (const key of knownKeys()) update(key, disconnected);
  },
  gap: refresh,
  event(name, payload) {
    const key = text(payload["sessionKey"]);
    if (name === "chat" && key) chatEvent(key, payload);
    else if (name === "agent" && key) agentEvent(key, payload);
    else if (name === "session.message" && key) staleHistory(key);
    else if (name === "sessions.changed") conversationsChanged(key, payload);
    else if (name === "health" && page.peek() === "channels") void loadOverview("channels");
    else if (name === "plugins.changed" && page.peek() === "plugins") void loadOverview("plugins");
  },
};

function refresh(): void {
  const key = openKey.peek();
  if (key !== undefined) void loadHistory(key);
  void loadConversations();
  const now = page.peek();
  if (now !== "chat") void loadOverview(now);
}

function chatEvent(key: string, payload: Record<string, unknown>): void {
  const runId = text(payload["runId"]);
  const thread = knownThread(key);
  const isEnd = ["final", "aborted", "error"].includes(String(payload["state"]));
  if (thread) {
    const { runs, ended } = thread.peek();
    const isNew = !runs.some((run) => run.id === runId) && !ended.includes(runId ?? "");
    update(key, (before) => applyChatEvent(before, payload, Date.now()));
    // The end is on record now; and a run that began elsewhere answers a message not seen here yet.
    if (isEnd || isNew) staleHistory(key);
  }
  if (!isEnd) return;
  if (key !== openKey.peek()) unread.value = new Set([...unread.peek(), key]);
  staleList();
}

function agentEvent(key: string, payload: Record<string, unknown>): void {
  const runId = text(payload["runId"]);
  const data = isRecord(payload["data"]) ? payload["data"] : {};
  if (payload["stream"] !== "tool" || !runId || !knownThread(key)) return;
  const name = data["phase"] === "result" ? undefined : text(data["name"]);
  if (data["phase"] === "start" || data["phase"] === "result") {
    update(key, (thread) => applyTool(thread, runId, name, Date.now()));
  }
}

function conversationsChanged(key: string | undefined, payload: Record<string, unknown>): void {
  staleList();
  const reason = text(payload["reason"]);
  if (key === undefined || !reason) return;
  if (reason === "delete" && key === openKey.peek() && key !== mainKey.peek()) openConversation(mainKey.peek());
  else if (reason === "reset" || reason === "delete") staleHistory(key);
}

const timers = new Map<string, number>();

function later(name: string, act: () => void): void {
  clearTimeout(timers.get(name));
  timers.set(name, window.setTimeout(() => (timers.delete(name), act()), SETTLE_MS));
}

function staleHistory(key: string): void {
  // Conversations that are not open are fetched when they are opened.
  later(`history ${key}`, () => {
    if (key === openKey.peek()) void loadHistory(key);
  });
}

function staleList(): void {
  later("list", () => void loadConversations());
}
