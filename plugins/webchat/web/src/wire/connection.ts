// One WebSocket to the gateway at a time: challenge, connect, requests, events, tick watchdog and
// reconnecting. It must not know what the requests mean nor where credentials are kept.
import { reconnectDelayMs } from "./backoff.ts";
import { isRecord, readFrame, type Challenge, type EventFrame, type Hello, type ResponseFrame, type WireError } from "./frames.ts";

const HANDSHAKE_MS = 15_000;
const REQUEST_MS = 30_000;
const DEFAULT_TICK_MS = 30_000;
/** A connection that lasted this long counts as good: the waiting times start over. */
const STEADY_MS = 2_000;
const CLOSE_TICK_TIMEOUT = 4000;
const CLOSE_CONNECT_FAILED = 4008;

/** A request that was answered with an error by the gateway. */
export class RequestError extends Error {
  constructor(readonly wire: WireError) {
    super(wire.message);
  }
}

/** A request whose answer will never come: whether the gateway acted on it is unknown. */
export class LostError extends Error {
  constructor(
    message: string,
    readonly timedOut = false,
  ) {
    super(message);
  }
}

/** What the owner wants after a refused `connect`: a delay in milliseconds, or to stay closed. */
export type AfterRefusal = { retryInMs: number } | "stop" | "backoff";

export interface Owner {
  /** Builds the `connect` parameters for this challenge. */
  prepare(challenge: Challenge): Promise<unknown>;
  connecting(): void;
  ready(hello: Hello): void;
  refused(error: WireError): AfterRefusal;
  /** The connection ended. `retryAtMs` is when the next attempt starts, if there is one. */
  lost(why: { code: number; reason: string; wasReady: boolean }, retryAtMs: number | undefined): void;
  event(frame: EventFrame): void;
  /** Events were skipped; what is on screen may be stale. */
  gap(): void;
}

interface Waiting {
  resolve(payload: unknown): void;
  reject(error: Error): void;
  timer: number;
}

export class Connection {
  private socket: WebSocket | undefined;
  private ready = false;
  private readyAtMs = 0;
  private attempt = 0;
  private afterRefusal: AfterRefusal | undefined;
  private requestCount = 0;
  private lastSeq: number | undefined;
  private lastHeardMs = 0;
  private tickMs = DEFAULT_TICK_MS;
  private handshakeTimer = 0;
  private watchdogTimer = 0;
  private retryTimer = 0;
  private readonly waiting = new Map<string, Waiting>();

  constructor(
    private readonly url: string,
    private readonly owner: Owner,
  ) {}

  get isReady(): boolean {
    return this.ready;
  }

  /** Connects now, whatever timer was running. Does nothing while a connection is open. */
  open(): void {
    clearTimeout(this.retryTimer);
    this.retryTimer = 0;
    if (this.socket) return;
    this.afterRefusal = undefined;
    this.owner.connecting();
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.handshakeTimer = window.setTimeout(() => this.drop(CLOSE_CONNECT_FAILED, "no answer"), HANDSHAKE_MS);
    socket.addEventListener("message", (message) => {
      if (this.socket === socket && typeof message.data === "string") this.receive(message.data);
    });
    socket.addEventListener("close", (close) => {
      if (this.socket === socket) this.ended(close.code, close.reason);
    });
  }

  /** Closes and stays closed until `open`. */
  close(): void {
    this.afterRefusal = "stop";
    clearTimeout(this.retryTimer);
    this.retryTimer = 0;
    this.drop(1000, "");
  }

  /** The network or the page came back: retry at once, or check that the open socket still lives. */
  nudge(): void {
    if (this.retryTimer && this.afterRefusal === undefined) this.open();
    else if (this.ready) this.checkTicks();
  }

  /**
   * Asks the gateway. Rejects with `RequestError` when it answers with an error and with
   * `LostError` when no answer can come any more.
   */
  request<T>(method: string, params: unknown): Promise<T> {
    if (!this.ready) return Promise.reject(new LostError("not connected"));
    return this.send(method, params, REQUEST_MS) as Promise<T>;
  }

  private send(method: string, params: unknown, timeoutMs: number): Promise<unknown> {
    const id = `web-${++this.requestCount}`;
    return new Promise((resolve, reject) => {
      const timer = window.setTimeout(() => {
        this.waiting.delete(id);
        reject(new LostError("the gateway did not answer in time", true));
      }, timeoutMs);
      this.waiting.set(id, { resolve, reject, timer });
      this.socket?.send(JSON.stringify({ type: "req", id, method, params }));
    });
  }

  private receive(data: string): void {
    this.lastHeardMs = Date.now();
    const frame = readFrame(data);
    if (!frame) return;
    if (frame.type === "res") this.settle(frame);
    else if (frame.event === "connect.challenge") void this.introduce(frame);
    else this.deliver(frame);
  }

  private settle(frame: ResponseFrame): void {
    const waiting = this.waiting.get(frame.id);
    if (!waiting) return;
    this.waiting.delete(frame.id);
    clearTimeout(waiting.timer);
    if (frame.ok) waiting.resolve(frame.payload);
    else waiting.reject(new RequestError(frame.error ?? { code: "UNAVAILABLE", message: "The gateway gave no reason." }));
  }

  private deliver(frame: EventFrame): void {
    if (frame.seq !== undefined) {
      const skipped = this.lastSeq !== undefined && frame.seq > this.lastSeq + 1;
      this.lastSeq = Math.max(frame.seq, this.lastSeq ?? 0);
      if (skipped) this.owner.gap();
    }
    this.owner.event(frame);
  }

  private async introduce(frame: EventFrame): Promise<void> {
    const socket = this.socket;
    if (this.ready || !isRecord(frame.payload)) return;
    try {
      const params = await this.owner.prepare(frame.payload as unknown as Challenge);
      if (this.socket !== socket) return;
      const hello = (await this.send("connect", params, HANDSHAKE_MS)) as Hello;
      if (this.socket === socket) this.begin(hello);
    } catch (error) {
      if (this.socket !== socket) return;
      if (error instanceof RequestError) this.afterRefusal = this.owner.refused(error.wire);
      this.drop(CLOSE_CONNECT_FAILED, "connect failed");
    }
  }

  private begin(hello: Hello): void {
    clearTimeout(this.handshakeTimer);
    this.ready = true;
    this.readyAtMs = Date.now();
    this.tickMs = hello.policy?.tickIntervalMs ?? DEFAULT_TICK_MS;
    this.watchdogTimer = window.setInterval(() => this.checkTicks(), this.tickMs);
    this.owner.ready(hello);
  }

  private checkTicks(): void {
    if (Date.now() - this.lastHeardMs > 2 * this.tickMs) this.drop(CLOSE_TICK_TIMEOUT, "tick timeout");
  }

  /** Ends the socket without waiting for the other side's close, which may never come. */
  private drop(code: number, reason: string): void {
    const socket = this.socket;
    if (!socket) return;
    this.ended(code, reason);
    socket.close(code, reason);
  }

  private ended(code: number, reason: string): void {
    const wasReady = this.ready;
    this.socket = undefined;
    this.ready = false;
    this.lastSeq = undefined;
    clearTimeout(this.handshakeTimer);
    clearInterval(this.watchdogTimer);
    for (const waiting of this.waiting.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(new LostError("the connection closed"));
    }
    this.waiting.clear();
    if (wasReady && Date.now() - this.readyAtMs > STEADY_MS) this.attempt = 0;
    this.owner.lost({ code, reason, wasReady }, this.scheduleRetry());
  }

  private scheduleRetry(): number | undefined {
    const after = this.afterRefusal;
    if (after === "stop") return undefined;
    const asked = typeof after === "object" ? after.retryInMs : undefined;
    const delay = asked ?? reconnectDelayMs(this.attempt++, Math.random());
    if (after === "backoff") this.afterRefusal = undefined;
    this.retryTimer = window.setTimeout(() => this.open(), delay);
    return Date.now() + delay;
  }
}
