// An agent of the Agent Client Protocol on its official library, for what no agent on npm does: it
// repeats what it was told and tells the tokens of each turn. It has no models and no tools.

import { AgentSideConnection, PROTOCOL_VERSION, ndJsonStream } from "@agentclientprotocol/sdk";
import { randomUUID } from "node:crypto";
import { Readable, Writable } from "node:stream";

class Parrot {
  constructor(client) {
    this.client = client;
  }

  async initialize() {
    return { protocolVersion: PROTOCOL_VERSION, agentCapabilities: { loadSession: false } };
  }

  async authenticate() {
    return {};
  }

  async newSession() {
    return { sessionId: randomUUID() };
  }

  async cancel() {}

  async prompt({ sessionId, prompt }) {
    const text = prompt.map((block) => block.text ?? "").join("");
    const content = { type: "text", text };
    await this.client.sessionUpdate({ sessionId, update: { sessionUpdate: "agent_message_chunk", content } });
    const usage = { inputTokens: 11, outputTokens: 7, cachedReadTokens: 5, cachedWriteTokens: 3, totalTokens: 26 };
    return { stopReason: "end_turn", usage };
  }
}

const stream = ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin));
new AgentSideConnection((client) => new Parrot(client), stream);
