// Builds the page into ../assets/a2ui with stable file names and the same bytes each time.
import { build } from "esbuild";
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const assets = join(here, "..", "assets", "a2ui");

/** Drawings of what the catalogue of A2UI calls otherwise, or shows filled beside its opposite. */
const drawings = {
  favorite: "favorite",
  favoriteOff: "favorite-outline",
  payment: "credit-card-outline",
  phone: "call-outline",
  star: "star",
  starOff: "star-outline",
};

/** Gives the page one drawing for each icon that the catalogue names, and no others. */
const icons = {
  name: "icons",
  setup(build) {
    build.onResolve({ filter: /^icons:catalogue$/ }, ({ path }) => ({ path, namespace: "icons" }));
    build.onLoad({ filter: /.*/, namespace: "icons" }, async () => ({
      contents: JSON.stringify(await catalogue()),
      loader: "json",
    }));
  },
};

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
    plugins: [icons],
    // An optional renderer that the library looks for; the page brings its own.
    external: ["@a2ui/markdown-it"],
  });
})();
await copyFile(join(here, "src/index.html"), join(assets, "index.html"));
await copyFile(join(here, "src/a2ui.css"), join(assets, "a2ui.css"));
await writeFile(join(assets, "LEGAL.txt"), await legalText(Object.keys(result.metafile.inputs)));

/** Name in the catalogue → drawing, as the inside of an SVG of 24 by 24. */
async function catalogue() {
  const read = async (path) => JSON.parse(await readFile(join(here, "node_modules", path), "utf8"));
  const schema = await read("@a2ui/web_core/src/v0_8/schemas/standard_catalog_definition.json");
  const set = await read("@iconify-json/material-symbols/icons.json");
  const named = schema.components.Icon.properties.name.properties.literalString.enum;
  return Object.fromEntries(
    named.map((name) => {
      const word = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      const known = [drawings[name], `${word}-outline`, word].filter(Boolean);
      const found = known.map((key) => set.icons[set.aliases[key]?.parent ?? key]).find(Boolean);
      if (!found) throw new Error(`no drawing for the icon ${name}; name one in build.mjs`);
      return [name, found.body];
    }),
  );
}

/** The licence of every package that ended up in the bundle. */
async function legalText(inputs) {
  const parts = [
    "The A2UI page of Jackfield is licensed under MIT OR Apache-2.0.\n" +
      "a2ui.js contains the following packages, and of the icons those that A2UI names.\n",
  ];
  const names = inputs.map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  names.push("@iconify-json/material-symbols");
  for (const name of [...new Set(names.filter(Boolean))].sort()) {
    const folder = join(here, "node_modules", name);
    const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).filter((entry) => /^licen[cs]e/i.test(entry)).sort()[0];
    const text = file ? (await readFile(join(folder, file), "utf8")).replaceAll("\r\n", "\n").trim() : "";
    parts.push(`${"=".repeat(78)}\n${name} ${version} — ${license}\n${"=".repeat(78)}\n\n${text}\n`);
  }
  return parts.join("\n");
}
