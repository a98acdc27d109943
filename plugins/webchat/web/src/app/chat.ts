// What a person can do with conversations: open, read, write, stop. Asks the gateway and feeds its answers
// to the pure functions of ../conversation. Nothing here sends a message that nobody asked to send.
import { applyHistory, applyOlder } from "../conversation/history.ts";
import { keepOpenKey, keepOutgoing, keepTitle, readTitle } from "../conversation/keepsakes.ts";
import { newConversationKey, readConversations, titleFrom } from "../conversation/names.ts";
import { accepted, addOutgoing, discardOutgoing, refused, unanswered, type Thread } from "../conversation/thread.ts";
import { randomHex, uuid } from "../identity/encoding.ts";
import { LostError, RequestError } from "../wire/connection.ts";
import { isRecord } from "../wire/frames.ts";
import { offers, request } from "./gateway.ts";
import { MESSAGES_SHOWN, conversations, drawerOpen, hello, knownThread, openKey, page, problem, shown, threadOf, unread } from "./state.ts";

const HISTORY_LIMIT = 200;
const LIST_LIMIT = 50;

export function update(key: string, change: (thread: Thread) => Thread): void {
  const thread = threadOf(key);
  const before = thread.peek();
  const after = change(before);
  if (after === before) return;
  thread.value = after;
  if (after.outgoing !== before.outgoing) keepOutgoing(key, after.outgoing);
}

export function openConversation(key: string): void {
  page.value = "chat";
  drawerOpen.value = false;
  unread.value = new Set([...unread.peek()].filter((other) => other !== key));
  if (openKey.peek() === key) return;
  const before = openKey.peek();
  if (before !== undefined) follow(before, false);
  openKey.value = key;
  shown.value = MESSAGES_SHOWN;
  keepOpenKey(key);
  follow(key, true);
  void loadHistory(key);
}

export function newConversation(): void {
  const agent = hello.peek()?.snapshot?.sessionDefaults?.defaultAgentId ?? "main";
  openConversation(newConversationKey(agent, randomHex(8)));
}

/** Asks for the messages other people and channels write into the open conversation. */
export function follow(key: string, on: boolean): void {
  const method = on ? "sessions.messages.subscribe" : "sessions.messages.unsubscribe";
  if (hello.peek() && offers(method)) void request(method, { key }).catch(ignore);
}

// One fetch per conversation at a time; what changes during one is picked up by the next.
const fetching = new Map<string, { again: boolean }>();

/** Brings a conversation in line with the gateway. Never fails: the problem is shown instead. */
export async function loadHistory(key: string): Promise<void> {
  const running = fetching.get(key);
  if (running) {
    running.again = true;
    return;
  }
  const fetch = { again: false };
  fetching.set(key, fetch);
  try {
    do {
      fetch.again = false;
      const askedAt = Date.now();
      const payload = await request("chat.history", { sessionKey: key, limit: HISTORY_LIMIT });
      update(key, (thread) => applyHistory(thread, payload, askedAt));
      problem.value = undefined;
    } while (fetch.again);
  } catch (error) {
    report("The conversation could not be loaded", error);
  } finally {
    fetching.delete(key);
  }
}

/** Shows older messages: those already here first, then the next page of the history. */
export async function loadOlder(key: string, hidden: number): Promise<void> {
  const thread = threadOf(key).peek();
  if (hidden === 0 && thread.hasMore) {
    try {
      const offset = thread.nextOffset ?? thread.messages.length;
      const payload = await request("chat.history", { sessionKey: key, limit: HISTORY_LIMIT, offset });
      update(key, (now) => applyOlder(now, payload));
    } catch (error) {
      return report("Older messages could not be loaded", error);
    }
  }
  shown.value += MESSAGES_SHOWN;
}

export async function loadConversations(): Promise<void> {
  try {
    const payload = await request("sessions.list", { limit: LIST_LIMIT });
    conversations.value = readConversations(payload, readTitle);
  } catch (error) {
    report("The list of conversations could not be loaded", error);
  }
}

export function send(key: string, message: string): Promise<void> {
  if (/^agent:[^:]+:webchat-/.test(key) && !readTitle(key) && !message.startsWith("/")) keepTitle(key, titleFrom(message));
  return deliver(key, uuid(), message);
}

/**
 * Sends a message again. One whose fate is unknown keeps its key, so the gateway takes it once; one that
 * was refused gets a new key, because the gateway answers the old one as it did before.
 */
export function retry(key: string, outgoingKey: string): Promise<void> {
  const item = threadOf(key)
    .peek()
    .outgoing.find((other) => other.key === outgoingKey);
  if (!item) return Promise.resolve();
  if (item.state === "unknown") return deliver(key, item.key, item.text);
  discard(key, outgoingKey);
  return deliver(key, uuid(), item.text);
}

export function discard(key: string, outgoingKey: string): void {
  update(key, (thread) => discardOutgoing(thread, outgoingKey));
}

async function deliver(key: string, idempotencyKey: string, message: string): Promise<void> {
  update(key, (thread) => addOutgoing(thread, idempotencyKey, message, Date.now()));
  try {
    const answer = await request("chat.send", { sessionKey: key, message, idempotencyKey });
    const finished = isRecord(answer) && answer["status"] === "ok";
    update(key, (thread) =>
      finished
        ? accepted({ ...thread, ended: [...thread.ended, idempotencyKey] }, idempotencyKey, Date.now())
        : accepted(thread, idempotencyKey, Date.now()),
    );
    if (finished) void loadHistory(key);
  } catch (error) {
    if (error instanceof RequestError) update(key, (thread) => refused(thread, idempotencyKey, error.message));
    else update(key, (thread) => unanswered(thread, idempotencyKey));
  }
}

/** Asks the gateway to stop what it is writing here. The screen changes when it says so. */
export async function stop(key: string): Promise<void> {
  const active = knownThread(key)?.peek().runs.filter((run) => run.state === "active") ?? [];
  if (active.length === 0) return;
  const only = active.length === 1 ? { runId: active[0]!.id } : {};
  try {
    const answer = await request("chat.abort", { sessionKey: key, ...only });
    // Nothing to stop means that we missed the end.
    if (isRecord(answer) && answer["aborted"] === false) void loadHistory(key);
  } catch (error) {
    report("The reply could not be stopped", error);
  }
}

function report(what: string, error: unknown): void {
  // A lost connection has a banner of its own, and everything is loaded again after it.
  if (error instanceof LostError && !error.timedOut) return;
  problem.value = `${what}: ${error instanceof Error ? error.message : String(error)}`;
}

function ignore(): void {
  // The page works without it.
}
