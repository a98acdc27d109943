// Slack's Events API on this machine: crabline's server, which others wrote, with its signatures, its
// three seconds and its redelivery; and a relay before the gateway, whose port is known only later.
//
//   node slack_events.mjs <folder for the records>
//
// Prints one line of JSON when it listens and ends with its input. POST /target {"url"} says where
// requests go, POST /lose makes the relay swallow the next answer of the gateway.

import { createServer } from "node:http";
import { join } from "node:path";
import { startSlackServer } from "@openclaw/crabline";

const [folder] = process.argv.slice(2);
const relayed = [];
let target;
let lose = 0;

const relay = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (request.url === "/target") target = JSON.parse(bytes).url;
  if (request.url === "/lose") lose += 1;
  if (request.url !== "/events") return response.end(JSON.stringify(relayed));
  const { host, connection, ...headers } = request.headers;
  const answer = await fetch(target, { method: "POST", headers, body: bytes });
  relayed.push({ status: answer.status, retry: headers["x-slack-retry-num"] ?? null });
  if (lose > 0) {
    lose -= 1;
    return request.socket.destroy();
  }
  response.writeHead(answer.status);
  return response.end(await answer.text());
});

relay.listen(0, "127.0.0.1", async () => {
  const { port } = relay.address();
  const slack = await startSlackServer({
    adminToken: "play-admin-token",
    eventsRequestUrl: `http://127.0.0.1:${port}/events`,
    recorderPath: join(folder, "slack.jsonl"),
  });
  console.log(JSON.stringify({ relay: port, ...slack.manifest }));
});
process.stdin.on("end", () => process.exit(0)).resume();
