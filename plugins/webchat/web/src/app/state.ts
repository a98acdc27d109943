// What is on screen, as signals. Views read them; only the other files of this folder change what came
// from the gateway.
import { computed, signal, type Signal } from "@preact/signals";
import { readOpenKey, readOutgoing } from "../conversation/keepsakes.ts";
import { FALLBACK_MAIN_KEY, type Conversation } from "../conversation/names.ts";
import { emptyThread, type Thread } from "../conversation/thread.ts";
import type { Hello } from "../wire/frames.ts";

/** How things stand with the gateway. Times are page time in milliseconds. */
export type Standing =
  | { phase: "connecting" }
  | { phase: "connected" }
  | { phase: "offline"; reason: string; retryAtMs: number | undefined }
  | { phase: "auth"; secret: "token" | "password"; missing: boolean; reason: string }
  | { phase: "pairing"; requestId: string | undefined; reason: string }
  | { phase: "waiting"; reason: string; retryAtMs: number; limited: boolean }
  | { phase: "blocked"; reason: string };

export type Page = "chat" | "channels" | "plugins";

/** How many messages are drawn at once; "Load older" adds as many again. */
export const MESSAGES_SHOWN = 200;

export const standing = signal<Standing>({ phase: "connecting" });
export const hello = signal<Hello | undefined>(undefined);
export const page = signal<Page>("chat");
export const openKey = signal<string | undefined>(readOpenKey());
export const conversations = signal<Conversation[] | undefined>(undefined);
/** Keys of conversations with a reply that has not been looked at. */
export const unread = signal<ReadonlySet<string>>(new Set());
/** Something that went wrong and that the person should know, until dismissed. */
export const problem = signal<string | undefined>(undefined);
export const drawerOpen = signal(false);
export const pickerOpen = signal(false);
/** Number of entries drawn of the open conversation. */
export const shown = signal(MESSAGES_SHOWN);

export const isConnected = computed(() => standing.value.phase === "connected");
export const mainKey = computed(() => hello.value?.snapshot?.sessionDefaults?.mainSessionKey ?? FALLBACK_MAIN_KEY);

const THREADS_KEPT = 20;
const threads = new Map<string, Signal<Thread>>();

/** The conversation with this key; the least recently used ones are let go. */
export function threadOf(key: string): Signal<Thread> {
  const known = threads.get(key);
  const thread = known ?? signal<Thread>({ ...emptyThread, outgoing: readOutgoing(key) });
  threads.delete(key);
  threads.set(key, thread);
  for (const [oldest, candidate] of threads) {
    if (threads.size <= THREADS_KEPT) break;
    if (oldest !== openKey.peek() && candidate.peek().outgoing.length === 0) threads.delete(oldest);
  }
  return thread;
}

/** The conversation if it has been opened on this page. */
export function knownThread(key: string): Signal<Thread> | undefined {
  return threads.get(key);
}

/** The keys of all conversations that have been opened on this page. A copy: using one moves it. */
export function knownKeys(): string[] {
  return [...threads.keys()];
}

export const openThread = computed(() => (openKey.value === undefined ? emptyThread : threadOf(openKey.value).value));
