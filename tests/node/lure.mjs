// The chat page opened by links that name another gateway.
//
//   node lure.mjs <the printed address> <the other gateway>
//
// Prints the addresses of all WebSockets that the page opened.

import { launch } from "./browser.mjs";

const [url, other] = process.argv.slice(2);
const [base, fragment] = url.split("#");
const there = encodeURIComponent(other);
const { page, close } = await launch();
const sockets = [];
page.on("websocket", (socket) => sockets.push(socket.url()));

for (const lure of [
  `${base}?gatewayUrl=${there}#${fragment}`,
  `${base}#gatewayUrl=${there}&${fragment}`,
  `${base}#${fragment}&gatewayUrl=${there}`,
  `${base}?gatewayUrl=${there}&url=${there}&ws=${there}`,
]) {
  await page.goto("about:blank");
  await page.goto(lure);
  await page.locator("[data-testid=connection-state][data-state=connected]").waitFor();
}
await close();
console.log(JSON.stringify({ sockets }));
