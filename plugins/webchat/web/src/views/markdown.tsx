// Draws Markdown. Blocks that are finished are drawn once; while a reply is being written only its last
// block changes.
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { colour } from "../markdown/highlight.ts";
import { parseBlocks, parseGrowing, type Growing } from "../markdown/parse.ts";
import { sanitise } from "../markdown/sanitise.ts";
import { copyText } from "./copy.tsx";

const COPIED_MS = 1_500;

export function Markdown({ source, growing }: { source: string; growing: boolean }) {
  const before = useRef<Growing | undefined>(undefined);
  const blocks = useMemo(() => {
    if (!growing) return parseBlocks(source);
    before.current = parseGrowing(source, before.current);
    return before.current.blocks;
  }, [source, growing]);
  return (
    <div class="prose">
      {blocks.map((block, index) => (
        <BlockView key={index} html={block.html} settled={!growing || index < blocks.length - 1} />
      ))}
    </div>
  );
}

function BlockView({ html, settled }: { html: string; settled: boolean }) {
  const place = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const fragment = sanitise(html);
    fragment.querySelectorAll("pre").forEach(frameCode);
    fragment.querySelectorAll("table").forEach(frameTable);
    place.current!.replaceChildren(fragment);
  }, [html]);
  useEffect(() => {
    if (!settled) return;
    place.current!.querySelectorAll<HTMLElement>("pre code").forEach((code) => {
      const language = languageOf(code);
      if (language) void colour(code, language);
    });
  }, [html, settled]);
  return <div class="block" ref={place} />;
}

function languageOf(code: Element): string | undefined {
  return /(?:^| )language-(\S+)/.exec(code.className)?.[1];
}

/** Puts a bar with the language and a copy button above a code block. */
function frameCode(pre: HTMLPreElement): void {
  const code = pre.querySelector("code");
  const bar = document.createElement("div");
  bar.className = "code-bar";
  const name = document.createElement("span");
  name.textContent = (code && languageOf(code)) ?? "text";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = "Copy";
  button.setAttribute("aria-label", "Copy code");
  button.addEventListener("click", () => {
    void copyText(pre.textContent ?? "").then((copied) => {
      if (!copied) return;
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), COPIED_MS);
    });
  });
  bar.append(name, button);
  const frame = document.createElement("div");
  frame.className = "code";
  pre.replaceWith(frame);
  pre.tabIndex = 0;
  pre.setAttribute("aria-label", "Code");
  pre.setAttribute("role", "region");
  frame.append(bar, pre);
}

/** Wide tables scroll on their own, also by keyboard. */
function frameTable(table: HTMLTableElement): void {
  const frame = document.createElement("div");
  frame.className = "table";
  frame.tabIndex = 0;
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", "Table");
  table.replaceWith(frame);
  frame.append(table);
}
