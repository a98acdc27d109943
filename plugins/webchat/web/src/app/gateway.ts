// The tie between this page and its gateway: proves who we are, keeps what the gateway issues, and turns
// what happens to the connection into `standing`. The endpoint is the page's own host, nothing else.
import { Credentials, takeFragmentToken, type SecretKind } from "../identity/credentials.ts";
import type { Device } from "../identity/keys.ts";
import { forgetDevice, loadDevice } from "../identity/keystore.ts";
import { proofText } from "../identity/proof.ts";
import { Connection, type AfterRefusal } from "../wire/connection.ts";
import { PROTOCOL_VERSION, isRecord, text, type Challenge, type EventFrame, type Hello, type WireError } from "../wire/frames.ts";
import { classifyRefusal } from "../wire/refusal.ts";
import { hello, standing, type Standing } from "./state.ts";

declare const __WEBCHAT_VERSION__: string;

const ROLE = "operator";
const SCOPES = ["operator.read", "operator.write", "operator.approvals", "operator.pairing"];
const CLIENT = { id: "webchat-ui", version: __WEBCHAT_VERSION__, platform: "web", mode: "webchat" };
const PAIRING_RETRY_MS = 4_000;
const CLOSE_INVALIDATED = 4001;
const CLOSE_RESTART = 1012;

export interface Listener {
  /** Connected, for the first time or again: everything on screen may be stale. */
  ready(): void;
  lost(): void;
  event(name: string, payload: Record<string, unknown>): void;
  gap(): void;
}

const endpoint = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/`;
const credentials = new Credentials(endpoint);
let device: Promise<Device> | undefined;
let listener: Listener;
let sentDeviceToken: string | undefined;
let wasRefused = false;
let goodbye: string | undefined;

const connection = new Connection(endpoint, { prepare, connecting, ready, refused, lost, event, gap: () => listener.gap() });

export function start(listening: Listener): void {
  listener = listening;
  adoptFragmentToken();
  addEventListener("hashchange", () => {
    if (adoptFragmentToken()) reconnect();
  });
  addEventListener("online", () => connection.nudge());
  addEventListener("pageshow", () => connection.nudge());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") connection.nudge();
  });
  connection.open();
}

/** Asks the gateway; see `Connection.request` for how it fails. */
export function request<T = unknown>(method: string, params: unknown): Promise<T> {
  return connection.request<T>(method, params);
}

/** Whether the gateway says it has a method. One that lists none is taken to have it. */
export function offers(method: string): boolean {
  return hello.peek()?.features?.methods?.includes(method) ?? true;
}

export function retryNow(): void {
  connection.open();
}

/** Uses a secret the person typed. */
export function useSecret(secret: string, kind: SecretKind): void {
  credentials.setShared(secret, kind);
  reconnect();
}

/** Forgets the secrets and the key of this browser. The gateway keeps its record of the device. */
export async function signOut(): Promise<void> {
  connection.close();
  credentials.forgetShared();
  credentials.forgetDeviceToken();
  await forgetDevice(endpoint);
  device = undefined;
  standing.value = { phase: "auth", secret: "token", missing: true, reason: "You are signed out of this browser." };
}

function adoptFragmentToken(): boolean {
  const token = takeFragmentToken();
  if (token !== undefined) credentials.setShared(token, "token");
  return token !== undefined;
}

function reconnect(): void {
  connection.close();
  standing.value = { phase: "connecting" };
  connection.open();
}

async function prepare(challenge: Challenge): Promise<unknown> {
  device ??= loadDevice(endpoint);
  const { id, publicKey, sign } = await device;
  const auth = credentials.auth();
  sentDeviceToken = auth.deviceToken;
  const message = proofText({
    deviceId: id,
    clientId: CLIENT.id,
    clientMode: CLIENT.mode,
    role: ROLE,
    scopes: SCOPES,
    signedAt: challenge.ts,
    auth,
    nonce: challenge.nonce,
    platform: CLIENT.platform,
  });
  return {
    minProtocol: PROTOCOL_VERSION,
    maxProtocol: PROTOCOL_VERSION,
    client: CLIENT,
    role: ROLE,
    scopes: SCOPES,
    caps: ["tool-events"],
    auth,
    device: { id, publicKey, signature: await sign(message), signedAt: challenge.ts, nonce: challenge.nonce },
    locale: navigator.language,
    userAgent: navigator.userAgent,
  };
}

function connecting(): void {
  wasRefused = false;
  goodbye = undefined;
  // Waiting for an approval is a series of attempts; the screen stays as it is between them.
  const { phase } = standing.peek();
  if (phase !== "pairing" && phase !== "waiting") standing.value = { phase: "connecting" };
}

function ready(welcome: Hello): void {
  if (welcome.auth?.deviceToken) credentials.setDeviceToken(welcome.auth.deviceToken);
  hello.value = welcome;
  standing.value = { phase: "connected" };
  listener.ready();
}

function refused(error: WireError): AfterRefusal {
  wasRefused = true;
  const refusal = classifyRefusal(error);
  switch (refusal.kind) {
    case "secret":
      credentials.forgetShared();
      return stopAt({ phase: "auth", secret: refusal.secret, missing: refusal.missing, reason: refusal.reason });
    case "deviceToken":
      if (credentials.replaceDeviceToken(sentDeviceToken) || credentials.hasShared) return { retryInMs: 0 };
      return stopAt({ phase: "auth", secret: "token", missing: false, reason: refusal.reason });
    case "pairing":
      standing.value = { phase: "pairing", requestId: refusal.requestId, reason: refusal.reason };
      return { retryInMs: PAIRING_RETRY_MS };
    case "wait": {
      const { afterMs, limited, reason } = refusal;
      standing.value = { phase: "waiting", reason, limited, retryAtMs: Date.now() + afterMs };
      return { retryInMs: afterMs };
    }
    case "blocked":
      return stopAt({ phase: "blocked", reason: refusal.reason });
    case "retry":
      wasRefused = false;
      goodbye = refusal.reason;
      return "backoff";
  }
}

function stopAt(state: Standing): AfterRefusal {
  standing.value = state;
  return "stop";
}

function lost(why: { code: number; reason: string; wasReady: boolean }, retryAtMs: number | undefined): void {
  if (why.code === CLOSE_INVALIDATED && why.reason.startsWith("device removed")) credentials.replaceDeviceToken(sentDeviceToken);
  if (!wasRefused) {
    const restarting = why.code === CLOSE_RESTART ? "The gateway is restarting." : undefined;
    const unreachable = why.wasReady ? "The connection to the gateway was lost." : "The gateway cannot be reached.";
    standing.value = { phase: "offline", reason: goodbye ?? restarting ?? unreachable, retryAtMs };
  }
  if (why.wasReady) listener.lost();
}

function event(frame: EventFrame): void {
  const payload = isRecord(frame.payload) ? frame.payload : {};
  if (frame.event === "shutdown") {
    const reason = text(payload["reason"]);
    goodbye = reason?.includes("restart") ? "The gateway is restarting." : "The gateway was stopped.";
  }
  listener.event(frame.event, payload);
}
