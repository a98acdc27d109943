// The device proof against the recorded vectors of the protocol (key of RFC 8032, test 1).
import assert from "node:assert/strict";
import { test } from "node:test";
import { splitFragment } from "../src/identity/credentials.ts";
import { uuid } from "../src/identity/encoding.ts";
import { deviceFrom, seedKey } from "../src/identity/keys.ts";
import { proofText } from "../src/identity/proof.ts";

const SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const DEVICE_ID = "21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9";
const device = deviceFrom(seedKey(Uint8Array.from(SEED.match(/../g)!, (pair) => parseInt(pair, 16))));

test("the identity follows from the key", () => {
  assert.equal(device.publicKey, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
  assert.equal(device.id, DEVICE_ID);
});

test("an operator with a token", async () => {
  const message = proofText({
    deviceId: DEVICE_ID,
    clientId: "openclaw-tui",
    clientMode: "ui",
    role: "operator",
    scopes: ["operator.read", "operator.write"],
    signedAt: 1700000000000,
    auth: { token: "tok-123" },
    nonce: "nonce-abc",
    platform: " Linux ",
    deviceFamily: "LINUX",
  });
  assert.equal(
    message,
    `v3|${DEVICE_ID}|openclaw-tui|ui|operator|operator.read,operator.write|1700000000000|tok-123|nonce-abc|linux|linux`,
  );
  assert.equal(
    await device.sign(message),
    "LS3kLULldh0logUOfeCejqYj4ZBnfCLo8fmGGIBJsgB78gRUqRjXMiSA647rEQe4C_Jp23nQVfOwIr2xIrrYDg",
  );
});

test("a node with empty fields", async () => {
  const message = proofText({
    deviceId: DEVICE_ID,
    clientId: "node-host",
    clientMode: "node",
    role: "node",
    scopes: [],
    signedAt: 1700000000000,
    auth: {},
    nonce: "nonce-abc",
    platform: "darwin",
  });
  assert.equal(message, `v3|${DEVICE_ID}|node-host|node|node||1700000000000||nonce-abc|darwin|`);
  assert.equal(
    await device.sign(message),
    "MehXCbkCi_R9uKvBFFEDax2Sr4mDxbIze0kpZprIvpzRRIfEF4DQOr5qb35UQ0QON7KDtw0HrY--91k6Mi_RAg",
  );
});

test("the token field is the first that is not empty", () => {
  const tokenField = (auth: { token?: string; deviceToken?: string; bootstrapToken?: string }) =>
    proofText({ deviceId: "d", clientId: "c", clientMode: "m", role: "r", scopes: [], signedAt: 1, auth, nonce: "n" }).split("|")[7];
  assert.equal(tokenField({ token: "", deviceToken: "device", bootstrapToken: "boot" }), "device");
  assert.equal(tokenField({ token: "shared", deviceToken: "device" }), "shared");
  assert.equal(tokenField({ bootstrapToken: "boot" }), "boot");
  assert.equal(tokenField({}), "");
});

test("a token is taken out of the fragment and the rest stays", () => {
  assert.deepEqual(splitFragment("#token=a%2Bb"), { token: "a+b", rest: "" });
  assert.deepEqual(splitFragment("#x=1&token=t"), { token: "t", rest: "#x=1" });
  assert.deepEqual(splitFragment("#token="), { token: undefined, rest: "" });
  assert.deepEqual(splitFragment("#somewhere"), { token: undefined, rest: "#somewhere" });
});

test("ids are version 4 UUIDs", () => {
  assert.match(uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.notEqual(uuid(), uuid());
});
