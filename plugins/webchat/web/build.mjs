// Builds the page into ../assets with stable file names and the same bytes each time:
// no hashes, no dates, no source maps. With --tests it bundles the tests for `node --test` instead.
import { build } from "esbuild";
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const assets = join(here, "..", "assets");
const testOutput = join(here, "build", "tests");

/** Browsers with Ed25519 in WebCrypto, light-dark() and :has(), which is what the page is drawn for. */
const browsers = ["chrome123", "firefox121", "safari17.5"];

/** Packages whose code ends up in the output, with the licence text each one asks us to pass on. */
const bundled = [
  { name: "preact", licence: "MIT" },
  { name: "@preact/signals", licence: "MIT" },
  { name: "@preact/signals-core", licence: "MIT" },
  { name: "marked", licence: "MIT" },
  { name: "dompurify", licence: "Apache-2.0 (chosen from MPL-2.0 OR Apache-2.0)" },
  { name: "highlight.js", licence: "BSD-3-Clause" },
  { name: "@noble/ed25519", licence: "MIT" },
  { name: "@noble/hashes", licence: "MIT" },
];

const shared = {
  absWorkingDir: here,
  bundle: true,
  format: "esm",
  charset: "utf8",
  logLevel: "warning",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
};

async function buildPage() {
  await rm(assets, { recursive: true, force: true });
  await mkdir(assets, { recursive: true });
  const { version } = JSON.parse(await readFile(join(here, "package.json"), "utf8"));
  const page = { ...shared, minify: true, target: browsers };
  await build({
    ...page,
    entryPoints: { app: "src/main.tsx" },
    outdir: assets,
    // The highlighter stays a file of its own, fetched when the first code block appears.
    external: ["./highlight.js"],
    define: { __WEBCHAT_VERSION__: JSON.stringify(version) },
  });
  await build({ ...page, entryPoints: { highlight: "src/markdown/languages.ts" }, outdir: assets });
  await build({ ...page, entryPoints: { app: "src/styles/app.css" }, outdir: assets });
  await copyFile(join(here, "src/index.html"), join(assets, "index.html"));
  await copyFile(join(here, "src/favicon.svg"), join(assets, "favicon.svg"));
  await writeFile(join(assets, "LEGAL.txt"), await legalText());
}

async function legalText() {
  const parts = [
    "Jackfield WebChat is licensed under MIT OR Apache-2.0.\n" +
      "app.js and highlight.js contain the following packages.\n",
  ];
  for (const { name, licence } of bundled) {
    const folder = join(here, "node_modules", name);
    const { version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).filter((entry) => /^licen[cs]e/i.test(entry)).sort()[0];
    if (!file) throw new Error(`${name} carries no licence text`);
    const text = (await readFile(join(folder, file), "utf8")).replaceAll("\r\n", "\n").trim();
    parts.push(`${"=".repeat(78)}\n${name} ${version} — ${licence}\n${"=".repeat(78)}\n\n${text}\n`);
  }
  return parts.join("\n");
}

async function buildTests() {
  await rm(testOutput, { recursive: true, force: true });
  const files = (await readdir(join(here, "tests"))).filter((file) => file.endsWith(".test.ts")).sort();
  await build({
    ...shared,
    entryPoints: files.map((file) => join("tests", file)),
    outdir: testOutput,
    platform: "node",
    target: "node20",
    define: { __WEBCHAT_VERSION__: JSON.stringify("test") },
  });
}

await (process.argv.includes("--tests") ? buildTests() : buildPage());
