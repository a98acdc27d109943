// Debian's Chromium with a profile of its own, driven by playwright-core. The environment variable
// CHROMIUM names another browser.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

/** Starts it: its page, and what ends it and takes its profile away. */
export async function launch() {
  const profile = await mkdtemp(join(tmpdir(), "jackfield-chromium-"));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    viewport: { width: 1280, height: 800 },
    // As root a browser has no sandbox; the rest keeps it from calling home.
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  browser.setDefaultTimeout(30_000);
  const close = async () => {
    await browser.close();
    await rm(profile, { recursive: true, force: true });
  };
  return { page: browser.pages()[0] ?? (await browser.newPage()), close };
}
