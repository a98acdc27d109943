// Reads messages as the gateway writes them in `chat.history` and `chat` events. Pure, and forgiving:
// transcripts hold messages of many versions and of channels this page knows nothing about.
import { isRecord, text } from "../wire/frames.ts";

export type Part =
  | { kind: "text"; text: string }
  | { kind: "toolCall"; name: string; detail: string }
  | { kind: "toolResult"; name: string; detail: string; failed: boolean }
  | { kind: "attachment"; label: string };

export interface Message {
  /** Unique within its conversation and the same after every fetch. */
  id: string;
  role: "user" | "assistant" | "tool";
  parts: Part[];
  /** Server time in milliseconds, when the gateway gave one. */
  at: number | undefined;
  /** The key the sender gave `chat.send`; it is also the id of the run it started. */
  runId: string | undefined;
  aborted: boolean;
  error: string | undefined;
}

/** The plain text of a message, its text parts joined. */
export function plainText(parts: readonly Part[]): string {
  return parts.flatMap((part) => (part.kind === "text" ? [part.text] : [])).join("\n\n");
}

/** Reads a list of messages; those with nothing to show are left out, and every id is unique. */
export function readMessages(value: unknown): Message[] {
  if (!Array.isArray(value)) return [];
  const seen = new Map<string, number>();
  const messages: Message[] = [];
  for (const raw of value) {
    const message = readMessage(raw);
    if (!message) continue;
    const known = seen.get(message.id) ?? 0;
    seen.set(message.id, known + 1);
    const given = isRecord(raw) && isRecord(raw["__openclaw"]) && text(raw["__openclaw"]["id"]);
    if (known > 0 && given) continue;
    if (known > 0) message.id = `${message.id}~${known}`;
    messages.push(message);
  }
  return messages;
}

export function readMessage(raw: unknown): Message | undefined {
  if (!isRecord(raw)) return undefined;
  const role = readRole(raw["role"]);
  if (!role) return undefined;
  const meta = isRecord(raw["__openclaw"]) ? raw["__openclaw"] : {};
  const parts = role === "tool" ? [readToolResult(raw)] : readParts(raw["content"]);
  const at = typeof raw["timestamp"] === "number" ? raw["timestamp"] : undefined;
  const error = raw["stopReason"] === "error" ? (text(raw["errorMessage"]) ?? "The reply failed.") : undefined;
  if (parts.length === 0 && error === undefined) return undefined;
  return {
    id: text(meta["id"]) ?? `${role}-${at ?? "?"}-${fingerprint(JSON.stringify(parts))}`,
    role,
    parts,
    at,
    runId: text(meta["runId"]) ?? runIdOf(text(meta["idempotencyKey"]) ?? text(raw["idempotencyKey"])),
    aborted: raw["stopReason"] === "aborted" || isRecord(raw["openclawAbort"]),
    error,
  };
}

/** Transcripts write the key of a user's message as `<key>:user`. */
function runIdOf(idempotencyKey: string | undefined): string | undefined {
  return idempotencyKey?.replace(/:(user|assistant)$/, "");
}

function readRole(role: unknown): Message["role"] | undefined {
  if (role === "user" || role === "assistant") return role;
  if (role === "toolResult" || role === "tool") return "tool";
  return undefined;
}

export function readParts(content: unknown): Part[] {
  if (typeof content === "string") return content.trim() === "" ? [] : [{ kind: "text", text: content }];
  if (!Array.isArray(content)) return [];
  return content.flatMap((part): Part[] => {
    if (!isRecord(part)) return [];
    switch (part["type"]) {
      case "text": {
        const words = text(part["text"]);
        return words?.trim() ? [{ kind: "text", text: words }] : [];
      }
      case "toolCall":
      case "tool_use":
        return [
          {
            kind: "toolCall",
            name: text(part["name"]) ?? "tool",
            detail: pretty(part["arguments"] ?? part["input"]),
          },
        ];
      case "image":
      case "audio":
      case "video":
      case "file":
        return [{ kind: "attachment", label: text(part["fileName"]) ?? text(part["name"]) ?? String(part["type"]) }];
      default:
        return [];
    }
  });
}

function readToolResult(raw: Record<string, unknown>): Part {
  return {
    kind: "toolResult",
    name: text(raw["toolName"]) ?? "tool",
    detail: plainText(readParts(raw["content"])),
    failed: raw["isError"] === true,
  };
}

function pretty(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

/** A short stable number for messages that carry no id (FNV-1a). */
function fingerprint(value: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < value.length; index++) {
    hash = Math.imul(hash ^ value.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0).toString(36);
}
