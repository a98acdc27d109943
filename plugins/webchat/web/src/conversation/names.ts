// Conversation keys and what people read instead of them. Pure.
import { isRecord, text } from "../wire/frames.ts";

/** One row of the conversation list. */
export interface Conversation {
  key: string;
  title: string;
  /** Where it takes place, when that is not this page and the title does not say it: `telegram`. */
  channel: string | undefined;
  updatedAt: number | undefined;
  active: boolean;
}

export const FALLBACK_MAIN_KEY = "agent:main:main";

export function newConversationKey(agentId: string, randomHex: string): string {
  return `agent:${agentId}:webchat-${randomHex}`;
}

/** Reads the rows of `sessions.list`, the most recent first. */
export function readConversations(payload: unknown, titles: (key: string) => string | undefined): Conversation[] {
  const rows = isRecord(payload) && Array.isArray(payload["sessions"]) ? payload["sessions"] : [];
  const conversations = rows.flatMap((row): Conversation[] => {
    const key = isRecord(row) ? text(row["key"]) : undefined;
    if (!isRecord(row) || !key) return [];
    const channel = text(row["channel"]);
    const title = text(row["label"]) ?? titles(key) ?? text(row["displayName"]) ?? text(row["derivedTitle"]) ?? titleOf(key);
    const isSaid = channel === "webchat" || (channel !== undefined && title.toLowerCase().includes(channel));
    return [
      {
        key,
        title,
        channel: isSaid ? undefined : channel,
        updatedAt: typeof row["updatedAt"] === "number" ? row["updatedAt"] : undefined,
        active: row["hasActiveRun"] === true,
      },
    ];
  });
  return conversations.sort((one, other) => (other.updatedAt ?? 0) - (one.updatedAt ?? 0));
}

/** A readable name for a key that has no title. */
export function titleOf(key: string): string {
  const [scope, agent, ...rest] = key.split(":");
  if (scope !== "agent" || rest.length === 0) return key === "main" ? "Main" : key;
  const name = rest.join(":");
  const suffix = agent === "main" ? "" : ` (${agent})`;
  if (name === "main") return `Main${suffix}`;
  const webchat = /^webchat-([0-9a-f]+)$/.exec(name);
  if (webchat) return `Chat ${webchat[1]}${suffix}`;
  if (rest.length >= 3) return `${capital(rest[0]!)} · ${rest.slice(2).join(":")}${suffix}`;
  return `${name}${suffix}`;
}

/** A title from the first words somebody wrote. */
export function titleFrom(message: string): string {
  const line = message.trim().split("\n", 1)[0] ?? "";
  const plain = line.replace(/[*_`#>]/g, "").replace(/\s+/g, " ").trim();
  return plain.length > 48 ? `${plain.slice(0, 47).trimEnd()}…` : plain;
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
