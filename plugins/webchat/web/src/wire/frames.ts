// The shapes of the gateway protocol (version 4) that this page uses. It must not know about views
// or storage. Fields the page does not read are left out; unknown fields are ignored by design.

export const PROTOCOL_VERSION = 4;

export interface WireError {
  code: string;
  message: string;
  details?: Record<string, unknown>;
  retryable?: boolean;
  retryAfterMs?: number;
}

export interface ResponseFrame {
  type: "res";
  id: string;
  ok: boolean;
  payload?: unknown;
  error?: WireError;
}

export interface EventFrame {
  type: "event";
  event: string;
  payload?: unknown;
  /** Grows by one per broadcast on this connection; targeted events carry none. */
  seq?: number;
}

export interface Challenge {
  nonce: string;
  /** Server time in milliseconds; the device signature uses it, so clocks need not agree. */
  ts: number;
}

export interface Hello {
  protocol: number;
  server: { version: string; connId: string };
  features?: { methods?: string[]; events?: string[] };
  snapshot?: { sessionDefaults?: { defaultAgentId?: string; mainSessionKey?: string } };
  auth?: { role?: string; scopes?: string[]; deviceToken?: string };
  policy?: { maxPayload?: number; tickIntervalMs?: number };
}

/** Reads one text frame. Anything that is not a response or an event is `undefined`. */
export function readFrame(text: string): ResponseFrame | EventFrame | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  if (value["type"] === "res" && typeof value["id"] === "string") {
    return value as unknown as ResponseFrame;
  }
  if (value["type"] === "event" && typeof value["event"] === "string") {
    return value as unknown as EventFrame;
  }
  return undefined;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value as a non-empty string, else `undefined`. */
export function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
