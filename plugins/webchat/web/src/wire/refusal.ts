// Sorts a refused `connect` by what the person must do about it. Pure.
import { text, type WireError } from "./frames.ts";

export type Refusal =
  /** The shared token (or password) is missing or wrong. */
  | { kind: "secret"; secret: "token" | "password"; missing: boolean; reason: string }
  /** The token this browser was issued no longer works. */
  | { kind: "deviceToken"; reason: string }
  /** Somebody has to approve this browser. */
  | { kind: "pairing"; requestId: string | undefined; reason: string }
  /** Too many attempts, or the gateway is still starting. */
  | { kind: "wait"; afterMs: number; limited: boolean; reason: string }
  /** Trying again cannot help; the person has to change something first. */
  | { kind: "blocked"; reason: string }
  | { kind: "retry"; reason: string };

const RATE_LIMIT_DEFAULT_MS = 30_000;

export function classifyRefusal(error: WireError): Refusal {
  const details = error.details ?? {};
  const code = text(details["code"]) ?? "";
  switch (code) {
    case "AUTH_TOKEN_MISSING":
    case "AUTH_REQUIRED":
      return secret("token", true, "This gateway asks for a token.");
    case "AUTH_TOKEN_MISMATCH":
    case "AUTH_UNAUTHORIZED":
      return secret("token", false, "The gateway did not accept that token.");
    case "AUTH_BOOTSTRAP_TOKEN_INVALID":
      return secret("token", false, "The set-up code is no longer valid.");
    case "AUTH_PASSWORD_MISSING":
      return secret("password", true, "This gateway asks for a password.");
    case "AUTH_PASSWORD_MISMATCH":
      return secret("password", false, "The gateway did not accept that password.");
    case "AUTH_DEVICE_TOKEN_MISMATCH":
      return { kind: "deviceToken", reason: "The access this browser had was withdrawn." };
    case "AUTH_SCOPE_MISMATCH":
      return { kind: "deviceToken", reason: "This browser's access does not cover the chat." };
    case "AUTH_RATE_LIMITED":
      return {
        kind: "wait",
        afterMs: error.retryAfterMs ?? RATE_LIMIT_DEFAULT_MS,
        limited: true,
        reason: "Too many failed attempts.",
      };
    case "PAIRING_REQUIRED":
      return {
        kind: "pairing",
        requestId: text(details["requestId"]) ?? requestIdIn(error.message),
        reason: pairingReason(text(details["reason"])),
      };
    case "PROTOCOL_MISMATCH":
    case "CLIENT_VERSION_MISMATCH":
      return { kind: "blocked", reason: versionReason(details["expectedProtocol"]) };
    case "CONTROL_UI_ORIGIN_NOT_ALLOWED":
      return {
        kind: "blocked",
        reason: `The gateway does not accept pages from this address. Open it by the gateway's own address, or allow this one in its configuration. (${error.message})`,
      };
    case "DEVICE_AUTH_SIGNATURE_EXPIRED":
    case "DEVICE_AUTH_NONCE_MISMATCH":
    case "DEVICE_AUTH_NONCE_REQUIRED":
      return { kind: "retry", reason: error.message };
  }
  if (code.startsWith("DEVICE_AUTH_") || code.endsWith("DEVICE_IDENTITY_REQUIRED")) {
    return { kind: "blocked", reason: `The gateway did not accept this browser's key: ${error.message}` };
  }
  if (error.code === "UNAVAILABLE" && error.retryAfterMs !== undefined) {
    return { kind: "wait", afterMs: error.retryAfterMs, limited: false, reason: error.message };
  }
  if (error.code === "INVALID_REQUEST") return { kind: "blocked", reason: error.message };
  return { kind: "retry", reason: error.message };
}

function secret(which: "token" | "password", missing: boolean, reason: string): Refusal {
  return { kind: "secret", secret: which, missing, reason };
}

function requestIdIn(message: string): string | undefined {
  return /\(requestId: ([^)]+)\)/.exec(message)?.[1];
}

function pairingReason(reason: string | undefined): string {
  switch (reason) {
    case "scope-upgrade":
      return "This browser asks for more than it was approved for.";
    case "role-upgrade":
      return "This browser asks for a role it was not approved for.";
    case "metadata-upgrade":
      return "This browser has changed since it was approved.";
    default:
      return "This browser has not been approved yet.";
  }
}

function versionReason(expected: unknown): string {
  const gateway = typeof expected === "number" ? `version ${expected}` : "another version";
  return `This page speaks version 4 of the gateway protocol and the gateway expects ${gateway}. Update whichever is older, then reload.`;
}
