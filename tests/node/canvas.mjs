// The canvas in a real browser: Debian's Chromium, driven by playwright-core.
//
//   node canvas.mjs <the page's address> <the folder behind it>
//
// Opens the page, saves another one and sees it reload, then saves a hostile one that tries what a
// page can try, and prints one line of JSON. The environment variable CHROMIUM names another browser.

import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { launch } from "./browser.mjs";

const [url, folder] = process.argv.slice(2);
const told = {};

/** Runs in the page; each attempt says whether it got through. */
const hostile = `<!doctype html><p>hostile</p>
<form action="/health"><button>send</button></form>
<script>
const outcome = async (attempt) => {
  try {
    await attempt();
    return "done";
  } catch {
    return "blocked";
  }
};
const socket = (url) => new Promise((done, fail) => {
  const ws = new WebSocket(url);
  ws.onopen = done;
  ws.onerror = fail;
});
// A form that goes through takes the whole page away, and with it what the script waits for.
const submitted = () => new Promise((_, fail) => {
  document.forms[0].submit();
  setTimeout(fail, 500);
});
window.attempts = (async () => ({
  storage: await outcome(() => localStorage.setItem("a", "b")),
  cookies: await outcome(() => { document.cookie = "a=b"; if (!document.cookie) throw 0; }),
  fetch: await outcome(() => fetch("/health")),
  fetchOwn: await outcome(() => fetch("style.css")),
  elsewhere: await outcome(() => fetch("http://127.0.0.1:9/")),
  socket: await outcome(() => socket("ws://" + location.host + "/")),
  worker: await outcome(() => navigator.serviceWorker.register("style.css")),
  popup: await outcome(() => { if (!open("/health")) throw 0; }),
  form: await outcome(submitted),
}))();
</script></body>`;

const { page, close } = await launch();
try {
  const waits = page.waitForResponse((response) => response.url().endsWith("/__openclaw__/reload"));
  await page.goto(url);
  told.color = await page.locator("p").evaluate((p) => getComputedStyle(p).color);
  told.origin = await page.evaluate(() => self.origin);
  await waits;
  const again = page.waitForResponse((response) => response.url().endsWith("/__openclaw__/reload"));
  await writeFile(join(folder, "index.html"), "<!doctype html><p>drawn again</p></body>");
  const drawn = page.getByText("drawn again");
  await drawn.waitFor();
  told.afterSave = await drawn.innerText();
  await again;
  await writeFile(join(folder, "index.html"), hostile);
  await page.getByText("hostile").waitFor();
  told.attempts = await page.evaluate(() => window.attempts);
  // Nor does a page of somebody else show it.
  const other = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html" });
    response.end(`<iframe src="${url}"></iframe>`);
  });
  await new Promise((listening) => other.listen(0, "127.0.0.1", listening));
  await page.goto(`http://localhost:${other.address().port}/`);
  // Named once it is decided.
  while (!page.frames()[1].url()) await page.waitForTimeout(10);
  told.framed = page.frames()[1].url();
  other.close();
} finally {
  await close();
}
console.log(JSON.stringify(told));
