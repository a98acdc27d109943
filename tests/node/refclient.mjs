// The published reference client, unchanged, against a running gateway.
//
//   node refclient.mjs <ws url> <token>
//
// Connects twice: as a back end with the shared secret alone, and as a device that signs with its
// own key. Prints one line of JSON with what it was told; ends with 1 when something was refused.

import { createPrivateKey, createPublicKey, generateKeyPairSync, createHash, sign } from "node:crypto";
import { GatewayClient } from "@openclaw/gateway-client";

const [url, token] = process.argv.slice(2);
const told = { events: {}, gaps: [], errors: [] };

/** Starts a client and resolves with it and its hello. */
function connected(options) {
  return new Promise((resolve, reject) => {
    const client = new GatewayClient({
      url,
      token,
      minProtocol: 4,
      maxProtocol: 4,
      scopes: ["operator.admin", "operator.read", "operator.write"],
      onHelloOk: (hello) => resolve({ client, hello }),
      onConnectError: reject,
      ...options,
    });
    client.start();
  });
}

/** A device identity in the form the client wants, and the functions that use it. */
function device() {
  const pair = generateKeyPairSync("ed25519");
  const raw = (key) => key.export({ format: "der", type: "spki" }).subarray(-32);
  const tokens = new Map();
  return {
    tokens,
    deviceIdentity: {
      deviceId: createHash("sha256").update(raw(pair.publicKey)).digest("hex"),
      privateKeyPem: pair.privateKey.export({ format: "pem", type: "pkcs8" }),
      publicKeyPem: pair.publicKey.export({ format: "pem", type: "spki" }),
    },
    hostDeps: {
      signDevicePayload: (pem, payload) =>
        sign(null, Buffer.from(payload), createPrivateKey(pem)).toString("base64url"),
      publicKeyRawBase64UrlFromPem: (pem) => raw(createPublicKey(pem)).toString("base64url"),
      loadDeviceAuthToken: ({ role }) => tokens.get(role) ?? null,
      storeDeviceAuthToken: ({ role, token, scopes }) => tokens.set(role, { token, scopes }),
      clearDeviceAuthToken: ({ role }) => tokens.delete(role),
    },
  };
}

async function backend() {
  let chatEnded;
  const chatEnd = new Promise((resolve) => (chatEnded = resolve));
  let seq = 0;
  const { client, hello } = await connected({
    onEvent: ({ event, payload, seq: number }) => {
      told.events[event] = (told.events[event] ?? 0) + 1;
      if (number !== undefined && number !== ++seq) told.errors.push(`event ${number} after ${seq - 1}`);
      if (event === "chat" && ["final", "aborted", "error"].includes(payload.state)) chatEnded(payload.state);
    },
    onGap: (gap) => told.gaps.push(gap),
    onClose: (code, reason) => told.errors.push(`closed: ${code} ${reason}`),
  });
  told.hello = { protocol: hello.protocol, methods: hello.features.methods.length };
  told.health = await client.request("health", {});
  told.run = await client.request(
    "agent",
    { message: "hello from the reference client", sessionKey: "main", idempotencyKey: "reference-run" },
    { expectFinal: true, onAccepted: (payload) => (told.accepted = payload.status) },
  );
  told.chatEnd = await chatEnd;
  told.unknown = await client.request("no.such.method", {}).then(
    () => ({}),
    (error) => ({ code: error.gatewayCode, message: error.message }),
  );
  await client.stopAndWait();
  // Stopping closes the connection: that close is no error.
  told.errors = told.errors.filter((error) => !error.startsWith("closed: 1005") && !error.startsWith("closed: 1000"));
}

async function appWithDevice() {
  const { tokens, ...identity } = device();
  const app = { clientName: "openclaw-tui", mode: "ui", platform: "linux", ...identity };
  const first = await connected(app);
  told.device = { token: typeof tokens.get("operator")?.token === "string" };
  await first.client.stopAndWait();
  // Without the shared secret the device's own token must be enough.
  const second = await connected({ ...app, token: undefined });
  told.device.method = second.hello.auth.method;
  await second.client.request("status", {});
  await second.client.stopAndWait();
}

try {
  await backend();
  await appWithDevice();
  console.log(JSON.stringify(told));
  process.exit(0);
} catch (error) {
  console.error(error);
  console.log(JSON.stringify(told));
  process.exit(1);
}
