// Slack on this machine: the Web API is `emulate`'s, which others wrote; in front of it stands Socket
// Mode, which emulate does not have. That this front speaks as Slack does is proved by Slack's own
// client (slack_client.mjs).
//
//   node slack.mjs
//
// Prints one line of JSON when it listens and ends with its input. One person, who may write to the
// bot. What only a test needs stands under /ctl: say, share, again, deliver, refresh, kill, fault,
// heard, read, state.

import { createServer } from "node:http";
import { randomUUID } from "node:crypto";
import { WebSocketServer } from "ws";
import { createEmulator } from "emulate";

const APP_TOKEN = "xapp-play-app-token";
const BOT_TOKEN = "xoxb-play-bot-token";
/** The same bot to emulate, which gives a token 5,000 calls an hour; Slack counts otherwise. */
const BOT_TOKENS = [BOT_TOKEN, ...Array.from({ length: 7 }, (_, n) => `${BOT_TOKEN}-${n}`)];
const PERSON_TOKEN = "xoxp-play-person-token";
const PERSON = "U000000001"; // the one that emulate begins with
/** How long Slack waits for an acknowledgement, and when it delivers again. */
const ACK_MS = 3000;
const RETRY_MS = [0, 60_000, 300_000];

const emulator = await createEmulator({
  service: "slack",
  port: 0,
  seed: {
    slack: {
      users: [{ name: "jackfield" }],
      channels: [{ name: "assembly" }],
      tokens: [
        ...BOT_TOKENS.map((token) => ({ token, user: "jackfield" })),
        { token: PERSON_TOKEN, user_id: PERSON },
      ],
    },
  },
});

const sockets = new Set();
const waiting = new Map(); // envelope → resolve
const said = new Map(); // ts → event callback
const faults = new Map(); // method → list
const calls = {};
let opened = 0;
let relayed = 0;

/** A call of the Web API as somebody. */
async function call(token, method, fields) {
  const answer = await fetch(`${emulator.url}/api/${method}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(fields),
  });
  return answer.json();
}

const bot = await call(BOT_TOKEN, "auth.test", {});
const direct = await call(PERSON_TOKEN, "conversations.open", { users: bot.user_id });
const channels = await call(PERSON_TOKEN, "conversations.list", {});
const assembly = channels.channels.find((channel) => channel.name === "assembly").id;

/** Sends one envelope over an open connection; whether it was acknowledged in time. */
function deliver(type, payload, retry) {
  const open = [...sockets].filter((socket) => socket.readyState === socket.OPEN && !socket.leaving);
  const socket = open[Math.floor(Math.random() * open.length)];
  if (!socket) return Promise.resolve(false);
  const envelope_id = randomUUID();
  const frame = { envelope_id, type, payload, accepts_response_payload: type !== "events_api" };
  if (type === "events_api") Object.assign(frame, { retry_attempt: retry, retry_reason: retry ? "timeout" : "" });
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(waiting.delete(envelope_id) && false), ACK_MS);
    waiting.set(envelope_id, () => {
      clearTimeout(late);
      waiting.delete(envelope_id);
      resolve(true);
    });
    socket.send(JSON.stringify(frame));
  });
}

/** Delivers an event until it is acknowledged or Slack would give up. */
async function deliverUntilAcknowledged(payload) {
  for (let attempt = 0; ; attempt += 1) {
    if (await deliver("events_api", payload, attempt)) return;
    const pause = RETRY_MS[attempt];
    if (pause === undefined) return;
    await new Promise((resolve) => setTimeout(resolve, pause).unref());
  }
}

function callback(event) {
  return {
    token: "play",
    team_id: bot.team_id,
    api_app_id: "A0PLAY",
    event,
    type: "event_callback",
    event_id: `Ev${event.ts.replace(".", "")}`,
    event_time: Math.floor(Number(event.ts)),
    authorizations: [{ team_id: bot.team_id, user_id: bot.user_id, is_bot: true }],
  };
}

const control = {
  /** The person writes: into the direct chat, or into a channel. */
  async say({ text, channel = direct.channel.id, thread_ts }) {
    const posted = await call(PERSON_TOKEN, "chat.postMessage", { channel, text, thread_ts });
    if (!posted.ok) throw new Error(`the person cannot write: ${posted.error}`);
    const channel_type = channel.startsWith("D") ? "im" : "channel";
    const event = { type: "message", channel, channel_type, user: PERSON, text, ts: posted.ts };
    if (thread_ts) event.thread_ts = thread_ts;
    said.set(posted.ts, callback({ ...event, event_ts: posted.ts }));
    void deliverUntilAcknowledged(said.get(posted.ts));
    return { ts: posted.ts, channel };
  },
  /** The person brings a file into the direct chat, by the three calls of an upload. */
  async share({ text, name, content }) {
    const asked = await call(PERSON_TOKEN, "files.getUploadURLExternal", { filename: name, length: content.length });
    await fetch(asked.upload_url, { method: "POST", body: content });
    const files = [{ id: asked.file_id, title: name }];
    const channel = direct.channel.id;
    const sharing = { files, channel_id: channel, initial_comment: text };
    const shared = await call(PERSON_TOKEN, "files.completeUploadExternal", sharing);
    if (!shared.ok) throw new Error(`the person cannot share: ${shared.error}`);
    const { messages } = await call(PERSON_TOKEN, "conversations.history", { channel, limit: 1 });
    const { ts } = messages[0];
    const event = { type: "message", subtype: "file_share", channel, channel_type: "im", user: PERSON, text };
    return control.deliver({ type: "events_api", payload: callback({ ...event, files: shared.files, ts, event_ts: ts }) });
  },
  /** What the person sees in a file. */
  async read({ url }) {
    const { pathname, search } = new URL(url);
    const headers = { authorization: `Bearer ${PERSON_TOKEN}` };
    return { content: await (await fetch(`${emulator.url}${pathname}${search}`, { headers })).text() };
  },
  /** Delivers something said once more. */
  async again({ ts }) {
    return { acknowledged: await deliver("events_api", said.get(ts), 1) };
  },
  async deliver({ type, payload }) {
    return { acknowledged: await deliver(type, payload, 0) };
  },
  /** Slack asks for new connections, and drops the old ones once they stand. */
  async refresh() {
    const old = [...sockets];
    const before = opened;
    for (const socket of old) {
      socket.leaving = true;
      socket.send(JSON.stringify({ type: "disconnect", reason: "refresh_requested", debug_info: {} }));
    }
    while (opened < before + old.length) await new Promise((resolve) => setTimeout(resolve, 10));
    const overlapped = old.every((socket) => socket.readyState === socket.OPEN);
    for (const socket of old) socket.close();
    return { overlapped };
  },
  async kill() {
    for (const socket of sockets) socket.terminate();
    return {};
  },
  /** The next call of a method meets this: `limit` with `seconds`, or `lose` its answer. */
  async fault({ method, ...fault }) {
    faults.set(method, [...(faults.get(method) ?? []), fault]);
    return {};
  },
  /** What the bot wrote, as it stands now, oldest first. */
  async heard({ channel = direct.channel.id, thread_ts }) {
    const fields = thread_ts ? { channel, ts: thread_ts, limit: 200 } : { channel, limit: 200 };
    const method = thread_ts ? "conversations.replies" : "conversations.history";
    const { messages } = await call(PERSON_TOKEN, method, fields);
    const own = messages.filter((message) => message.user === bot.user_id);
    return { messages: own.sort((a, b) => (a.ts < b.ts ? -1 : 1)) };
  },
  async state() {
    return { sockets: sockets.size, opened, calls };
  },
};

async function body(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function json(response, value, status = 200) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

async function api(request, response, method, bytes) {
  calls[method] = (calls[method] ?? 0) + 1;
  if (method === "apps.connections.open") {
    const known = request.headers.authorization === `Bearer ${APP_TOKEN}`;
    const url = `ws://127.0.0.1:${server.address().port}/link/?ticket=${randomUUID()}`;
    return json(response, known ? { ok: true, url } : { ok: false, error: "invalid_auth" });
  }
  const fault = faults.get(method)?.shift();
  if (fault?.kind === "limit") {
    response.writeHead(429, { "retry-after": String(fault.seconds) });
    return response.end();
  }
  const { authorization } = request.headers;
  // emulate takes a token it does not know for its first user's.
  if (authorization !== `Bearer ${BOT_TOKEN}`) return json(response, { ok: false, error: "invalid_auth" });
  return relay(request, response, bytes, fault?.kind === "lose");
}

/** Lets emulate answer. Its addresses become ours: a plugin reaches no port but its API's. */
async function relay(request, response, bytes, lose) {
  const { authorization: given = "", "content-type": type = "" } = request.headers;
  const own_token = given === `Bearer ${BOT_TOKEN}`;
  const authorization = own_token ? `Bearer ${BOT_TOKENS[relayed++ % BOT_TOKENS.length]}` : given;
  const headers = { authorization, "content-type": type };
  const sent = bytes.length ? { body: bytes } : {};
  const answer = await fetch(`${emulator.url}${request.url}`, { method: request.method, headers, ...sent });
  const said = Buffer.from(await answer.arrayBuffer());
  if (lose) return request.socket.destroy();
  const own = `http://127.0.0.1:${server.address().port}`;
  const theirs = new RegExp(`http://(localhost|127\\.0\\.0\\.1):${new URL(emulator.url).port}`, "g");
  const kind = answer.headers.get("content-type") ?? "";
  response.writeHead(answer.status, { "content-type": kind });
  return response.end(kind.includes("json") ? said.toString().replaceAll(theirs, own) : said);
}

const server = createServer(async (request, response) => {
  try {
    const bytes = await body(request);
    const [, room, name] = new URL(request.url, "http://front").pathname.split("/");
    if (room === "api") return await api(request, response, name, bytes);
    if (room === "upload" || room === "files-pri") return await relay(request, response, bytes, false);
    if (room !== "ctl" || !control[name]) return json(response, { ok: false }, 404);
    return json(response, await control[name](bytes.length ? JSON.parse(bytes) : {}));
  } catch (error) {
    return json(response, { ok: false, error: String(error) }, 500);
  }
});

new WebSocketServer({ server, path: "/link/" }).on("connection", (socket) => {
  sockets.add(socket);
  opened += 1;
  const connection_info = { app_id: "A0PLAY" };
  const debug_info = { host: "applink-play", build_number: 1, approximate_connection_time: 18060 };
  socket.send(JSON.stringify({ type: "hello", num_connections: sockets.size, connection_info, debug_info }));
  socket.on("message", (text) => waiting.get(JSON.parse(text).envelope_id)?.());
  socket.on("close", () => sockets.delete(socket));
});

server.listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  const tokens = { appToken: APP_TOKEN, botToken: BOT_TOKEN, personToken: PERSON_TOKEN };
  console.log(JSON.stringify({ port, ...tokens, bot: bot.user_id, direct: direct.channel.id, assembly }));
});
process.stdin.on("end", () => process.exit(0)).resume();
