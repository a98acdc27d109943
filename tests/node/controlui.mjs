// The control page that the protocol's authors publish, unchanged, in Debian's Chromium.
//
//   node controlui.mjs <address> <token>
//
// Does what a person does and prints one line of JSON with what was seen: what the page said, what
// it asked for in vain, what its console complained of. SCREENSHOTS names a folder for pictures.

import { join } from "node:path";
import { launch } from "./browser.mjs";

const [url, token] = process.argv.slice(2);
const said = "hello control page";
const told = { sent: [], refused: [], complaints: [], banners: [] };
// Screens of what this gateway keeps. Not: shops, libraries, usage by day, past approvals.
const screens = [
  "sessions", "agents", "automations", "systems", "tasks", "logs", "debug",
  "settings", "settings/channels", "settings/devices",
];
// What a screen says when it could not load something.
const failure = /unknown method|failed to load|could not (be )?load|gateway unreachable|missing scope/i;

const { page, close } = await launch();

page.on("console", (line) => {
  if (line.type() === "error") told.complaints.push(line.text());
});
page.on("pageerror", (error) => told.complaints.push(String(error)));
page.on("websocket", (socket) => {
  const asked = new Map();
  socket.on("framesent", ({ payload }) => {
    const frame = JSON.parse(payload);
    if (frame.type === "req") asked.set(frame.id, frame.method);
  });
  socket.on("framereceived", ({ payload }) => {
    const frame = JSON.parse(payload);
    if (frame.type === "res" && !frame.ok) {
      told.refused.push(`${asked.get(frame.id)}: ${frame.error?.message}`);
    }
  });
});

async function picture(name) {
  if (process.env.SCREENSHOTS) {
    await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name.replace(/\W/g, "-")}.png`) });
  }
}

async function chat() {
  await page.goto(`${url}#token=${encodeURIComponent(token)}`);
  const composer = page.locator("textarea").first();
  await composer.waitFor();
  await composer.fill(said);
  await composer.press("Enter");
  const both = page.getByText(said, { exact: true });
  await both.nth(1).waitFor();
  told.sent = (await both.allInnerTexts()).slice(0, 2);
  await picture("chat");
}

async function lookAround() {
  for (const screen of screens) {
    await page.goto(`${url}${screen}`);
    await page.waitForLoadState("networkidle");
    const lines = (await page.innerText("body")).split("\n");
    told.banners.push(...lines.filter((line) => failure.test(line)).map((line) => `${screen}: ${line}`));
    await picture(screen);
  }
}

async function onAPhone() {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${url}chat/main`);
  await page.locator("textarea").first().waitFor();
  told.phoneOverflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  await picture("phone");
}

try {
  told.configWithoutSecret = (await fetch(`${url}control-ui-config.json`)).status;
  await chat();
  await lookAround();
  await onAPhone();
} catch (error) {
  await picture("failed");
  console.error(JSON.stringify(told));
  throw error;
} finally {
  await close();
}
console.log(JSON.stringify(told));
