// Slack's own Socket Mode client against the front of slack.mjs.
//
//   node slack_client.mjs <port of the front> <app token> <bot's user id>
//
// Connects, takes one message and a slash command, acknowledges both, and sees a refresh through.
// Prints one line of JSON.

import { SocketModeClient, LogLevel } from "@slack/socket-mode";

const [port, appToken] = process.argv.slice(2);
const front = `http://127.0.0.1:${port}`;
const told = { events: [], commands: [], complaints: [] };
const logger = {
  debug() {},
  info() {},
  warn: (...words) => told.complaints.push(words.join(" ")),
  error: (...words) => told.complaints.push(words.join(" ")),
  setLevel() {},
  getLevel: () => LogLevel.WARN,
  setName() {},
};

async function control(name, body = {}) {
  const answer = await fetch(`${front}/ctl/${name}`, { method: "POST", body: JSON.stringify(body) });
  return answer.json();
}

const client = new SocketModeClient({
  appToken,
  logger,
  clientOptions: { slackApiUrl: `${front}/api/`, allowAbsoluteUrls: true },
});
client.on("message", async ({ ack, event, retry_num }) => {
  await ack();
  told.events.push({ text: event.text, retry: retry_num });
});
client.on("slash_commands", async ({ ack, body }) => {
  await ack();
  told.commands.push(body.command);
});

await client.start();
const { ts } = await control("say", { text: "hello, official client" });
while (told.events.length < 1) await new Promise((resolve) => setTimeout(resolve, 10));
told.again = await control("again", { ts });
told.command = await control("deliver", { type: "slash_commands", payload: { command: "/ask" } });
told.refresh = await control("refresh");
await control("say", { text: "after the refresh" });
while (told.events.length < 3) await new Promise((resolve) => setTimeout(resolve, 10));
console.log(JSON.stringify(told));
process.exit(0);
