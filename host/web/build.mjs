// Builds the page into ../assets/a2ui with stable file names and the same bytes each time.
import { build } from "esbuild";
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const assets = join(here, "..", "assets", "a2ui");

/** The oldest browsers whose web views show the page. */
const browsers = ["chrome110", "firefox115", "safari16.4"];

const result = await (async () => {
  await rm(assets, { recursive: true, force: true });
  await mkdir(assets, { recursive: true });
  return build({
    absWorkingDir: here,
    entryPoints: { a2ui: "src/main.ts" },
    outdir: assets,
    bundle: true,
    format: "iife",
    charset: "utf8",
    minify: true,
    target: browsers,
    legalComments: "none",
    logLevel: "warning",
    metafile: true,
    // An optional renderer that the library looks for; the page brings its own.
    external: ["@a2ui/markdown-it"],
  });
})();
await copyFile(join(here, "src/index.html"), join(assets, "index.html"));
await copyFile(join(here, "src/a2ui.css"), join(assets, "a2ui.css"));
await writeFile(join(assets, "LEGAL.txt"), await legalText(Object.keys(result.metafile.inputs)));

/** The licence of every package that ended up in the bundle. */
async function legalText(inputs) {
  const parts = [
    "The A2UI page of Jackfield is licensed under MIT OR Apache-2.0.\n" +
      "a2ui.js contains the following packages.\n",
  ];
  const names = inputs.map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  for (const name of [...new Set(names.filter(Boolean))].sort()) {
    const folder = join(here, "node_modules", name);
    const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).filter((entry) => /^licen[cs]e/i.test(entry)).sort()[0];
    const text = file ? (await readFile(join(folder, file), "utf8")).replaceAll("\r\n", "\n").trim() : "";
    parts.push(`${"=".repeat(78)}\n${name} ${version} — ${license}\n${"=".repeat(78)}\n\n${text}\n`);
  }
  return parts.join("\n");
}
