// Colours a finished code block, fetching the highlighter on first use. A block stays as it is when
// the highlighter cannot be fetched or does not know the language.
import { sanitise } from "./sanitise.ts";

type Highlighter = typeof import("./languages.ts");

/** Longer code than this stays plain: colouring it would hold up the page. */
const CODE_CHARS_MAX = 50_000;

let loading: Promise<Highlighter> | undefined;

export async function colour(code: HTMLElement, language: string): Promise<void> {
  const source = code.textContent ?? "";
  if (source.length > CODE_CHARS_MAX) return;
  try {
    // The built page holds this file beside app.js; the name is fixed in build.mjs.
    const file = "./highlight.js";
    loading ??= import(file) as Promise<Highlighter>;
    const html = (await loading).highlight(source, language);
    if (html !== undefined && code.isConnected) code.replaceChildren(sanitise(html));
  } catch {
    loading = undefined;
  }
}
