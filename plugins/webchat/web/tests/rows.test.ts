// The rows of the Channels and Plugins pages.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readChannels, readPlugins } from "../src/app/rows.ts";

test("every account of every channel, in the gateway's order", () => {
  const rows = readChannels({
    channelOrder: ["b", "a"],
    channelLabels: { a: "Alpha" },
    channelAccounts: {
      a: [{ accountId: "one", running: true, connected: true }, { accountId: "two", running: false, lastError: "expired" }],
      b: [],
    },
  });
  assert.deepEqual(
    rows.map(({ channel, account, status, tone }) => [channel, account, status, tone]),
    [
      ["b", "", "No account", "off"],
      ["Alpha", "one", "Connected", "good"],
      ["Alpha", "two", "Failed", "bad"],
    ],
  );
  assert.equal(rows[2]?.error, "expired");
  assert.deepEqual(readChannels({}), []);
  assert.deepEqual(readChannels(null), []);
});

test("plugins with their state, isolation and last error", () => {
  const rows = readPlugins({
    plugins: [
      { id: "a", version: "1.0.0", state: "running", isolation: "process" },
      { id: "b", state: "quarantined", lastError: "crashed" },
      { id: "c", state: "unloaded" },
      { id: "d", state: "draining" },
    ],
  });
  assert.deepEqual(rows.map((row) => row.tone), ["good", "bad", "off", "busy"]);
  assert.deepEqual([rows[0]?.isolation, rows[1]?.error, rows[1]?.version], ["process", "crashed", undefined]);
  assert.deepEqual(readPlugins({}), []);
});
