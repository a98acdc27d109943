// Models of the protocol for TypeScript and Swift, made by quicktype from the published schema.
//
//   node models.mjs           writes schemas/models/
//   node models.mjs --check   compares with what lies there, type-checks the TypeScript ones, and
//                             prints one line of JSON with what is wrong

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { InputData, JSONSchemaInput, quicktype } from "quicktype-core";
import ts from "typescript";

const schemas = join(dirname(fileURLToPath(import.meta.url)), "../../schemas");
const languages = { typescript: "protocol.ts", swift: "protocol.swift" };
const protocol = JSON.parse(readFileSync(join(schemas, "protocol.schema.json"), "utf8"));

/** `node.pair.list` and `Params` make `NodePairListParams`. */
function typeName(name, ending) {
  const words = name.split(/[.-]/).map((word) => word[0].toUpperCase() + word.slice(1));
  return words.join("") + ending;
}

function shapes() {
  const all = [];
  const add = (name, ending, schema) => all.push({ name: typeName(name, ending), schema: JSON.stringify(schema) });
  for (const [name, schema] of Object.entries(protocol.frames)) add(name, "Frame", schema);
  for (const [name, schema] of Object.entries(protocol.handshake)) add(name, "", schema);
  for (const [name, method] of Object.entries(protocol.methods)) {
    add(name, "Params", method.params);
    add(name, "Result", method.result);
  }
  return all;
}

async function model(lang) {
  const input = new JSONSchemaInput(undefined);
  for (const shape of shapes()) await input.addSource(shape);
  const inputData = new InputData();
  inputData.addInput(input);
  const rendererOptions = { "just-types": "true" };
  const { lines } = await quicktype({ inputData, lang, combineClasses: false, rendererOptions });
  const head = "// Generated from protocol.schema.json by `make schemas`; do not edit.\n\n";
  return `${head}${lines.join("\n").trimEnd()}\n`;
}

function typeProblems(file) {
  const options = { noEmit: true, strict: true, target: ts.ScriptTarget.ES2022 };
  const found = ts.getPreEmitDiagnostics(ts.createProgram([file], options));
  return found.map((one) => ts.flattenDiagnosticMessageText(one.messageText, " "));
}

function lies(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

const told = { stale: [], problems: [], types: shapes().length };
mkdirSync(join(schemas, "models"), { recursive: true });
for (const [lang, file] of Object.entries(languages)) {
  const path = join(schemas, "models", file);
  const fresh = await model(lang);
  if (!process.argv.includes("--check")) writeFileSync(path, fresh);
  else if (lies(path) !== fresh) told.stale.push(file);
}
told.problems = typeProblems(join(schemas, "models", languages.typescript));
console.log(JSON.stringify(told));
