// WebChat in a real browser: Debian's Chromium, driven by playwright-core.
//
//   node webchat.mjs <the printed address>
//
// Does what a person does and prints one line of JSON with what was on the screen. The environment
// variable CHROMIUM names another browser; SCREENSHOTS names a folder for pictures of the page.

import { join } from "node:path";
import { launch } from "./browser.mjs";

const [url] = process.argv.slice(2);
const said = "hello from a real browser, word by word by word";
const told = { violations: [], complaints: [], streamed: [] };

const { page, close } = await launch();

const message = (role) => page.locator(`[data-testid=message][data-role=${role}]`);
const text = (locator) => locator.locator(".bubble, .prose").first().innerText();

async function picture(name) {
  if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`) });
}

async function watch() {
  await page.exposeFunction("reportViolation", (what) => told.violations.push(what));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) =>
      window.reportViolation(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`),
    );
  });
  const origin = new URL(url).origin;
  page.on("console", (line) => {
    if (["error", "warning"].includes(line.type())) told.complaints.push(line.text());
  });
  page.on("pageerror", (error) => told.complaints.push(String(error)));
  page.on("request", (request) => {
    const asked = new URL(request.url());
    const own = asked.origin === origin || ["data:", "blob:"].includes(asked.protocol);
    if (!own) told.complaints.push(`asked another origin: ${asked.origin}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) told.complaints.push(`${response.status()} for ${response.url()}`);
  });
}

async function connected() {
  await page.locator("[data-testid=connection-state][data-state=connected]").waitFor();
}

/** Notes how long the reply is each time the page changes. */
async function noteGrowth() {
  await page.evaluate(() => {
    window.growth = [];
    new MutationObserver(() => {
      const reply = document.querySelector("[data-testid=message][data-role=assistant] .prose");
      const length = reply?.innerText.length ?? 0;
      if (length > 0 && window.growth.at(-1) !== length) window.growth.push(length);
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
}

async function talk() {
  await page.goto(url);
  await connected();
  told.state = await page.getByTestId("connection-state").getAttribute("data-state");
  told.tokenInUrl = page.url().includes("token");
  await noteGrowth();
  await page.getByTestId("composer").fill(said);
  await page.getByTestId("send").click();
  await message("assistant").and(page.locator("[data-state=streaming]")).waitFor();
  await picture("streaming");
  await message("assistant").and(page.locator("[data-state=final]")).waitFor();
  told.streamed = await page.evaluate(() => window.growth);
  told.user = await text(message("user"));
  told.reply = await text(message("assistant"));
}

async function comeBack() {
  await page.reload();
  await connected();
  await message("assistant").waitFor();
  told.afterReload = [];
  for (const one of await page.getByTestId("message").all()) told.afterReload.push(await text(one));
  await picture("after-reload");
  await page.setViewportSize({ width: 360, height: 740 });
  told.phoneOverflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  await picture("phone");
}

/** Words that would be a page of their own if anything took them for one. */
async function hostileWords() {
  const words =
    "<img/src=x/onerror=window.pwned=1><script>window.pwned=1</script><svg/onload=window.pwned=1>" +
    "<iframe/srcdoc='<script>parent.pwned=1</script>'>[go](javascript:window.pwned=1)";
  await page.getByTestId("composer").fill(words);
  await page.getByTestId("send").click();
  await message("assistant").and(page.locator("[data-state=final]")).nth(1).waitFor();
  const odd = "img, script, iframe, svg[onload], [onerror], [onload], a[href^='javascript']";
  told.hostile = {
    shown: (await text(message("user").nth(1))) === words,
    made: await page.locator(`:is(.prose, .bubble) :is(${odd})`).evaluateAll((all) => all.map((one) => one.outerHTML)),
    ran: await page.evaluate(() => window.pwned ?? null),
  };
}

let failed = 0;
try {
  await watch();
  await talk();
  await comeBack();
  await hostileWords();
} catch (error) {
  failed = 1;
  console.error(error);
  console.error(await page.locator("body").innerText().catch(() => "the page is gone"));
} finally {
  await close();
}
console.log(JSON.stringify(told));
process.exit(failed);
