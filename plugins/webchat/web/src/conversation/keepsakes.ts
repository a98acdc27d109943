// What this browser keeps of conversations between visits: drafts, titles given to new conversations,
// the one that is open in this tab, and messages whose delivery is not settled.
import { read, write } from "../identity/storage.ts";
import { isRecord, text } from "../wire/frames.ts";
import type { Outgoing } from "./thread.ts";

const PREFIX = "jackfield.webchat.";

export function readDraft(key: string): string {
  return read("localStorage", `${PREFIX}draft ${key}`) ?? "";
}

export function keepDraft(key: string, draft: string): void {
  write("localStorage", `${PREFIX}draft ${key}`, draft === "" ? undefined : draft);
}

export function readTitle(key: string): string | undefined {
  return read("localStorage", `${PREFIX}title ${key}`);
}

export function keepTitle(key: string, title: string): void {
  write("localStorage", `${PREFIX}title ${key}`, title);
}

export function readOpenKey(): string | undefined {
  return read("sessionStorage", `${PREFIX}open`);
}

export function keepOpenKey(key: string): void {
  write("sessionStorage", `${PREFIX}open`, key);
}

/** Messages a reload interrupted. Whether they arrived is unknown; they are never sent by themselves. */
export function readOutgoing(key: string): Outgoing[] {
  const kept = read("sessionStorage", `${PREFIX}outgoing ${key}`);
  if (!kept) return [];
  try {
    const items: unknown = JSON.parse(kept);
    return Array.isArray(items) ? items.flatMap(readItem) : [];
  } catch {
    return [];
  }
}

export function keepOutgoing(key: string, outgoing: Outgoing[]): void {
  const unsettled = outgoing.filter((item) => item.state !== "accepted");
  write("sessionStorage", `${PREFIX}outgoing ${key}`, unsettled.length === 0 ? undefined : JSON.stringify(unsettled));
}

function readItem(item: unknown): Outgoing[] {
  if (!isRecord(item)) return [];
  const key = text(item["key"]);
  const words = text(item["text"]);
  if (!key || !words) return [];
  const at = typeof item["at"] === "number" ? item["at"] : 0;
  return [{ key, text: words, at, after: text(item["after"]), state: "unknown" }];
}
