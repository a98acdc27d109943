// Markdown to HTML text, block by block. Pure. Raw HTML in the source is shown as the characters it is
// made of, images become links and only web and mail addresses become links. The result still goes
// through sanitise.ts before it reaches the page.
import { Marked, type Token, type Tokens, type TokensList } from "marked";

export interface Block {
  /** The Markdown of this block. */
  source: string;
  html: string;
}

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    html: ({ text, ...token }: Tokens.HTML | Tokens.Tag) =>
      "block" in token && token.block ? `<p>${escapeHtml(text.trim())}</p>` : escapeHtml(text),
    link({ href, tokens }: Tokens.Link) {
      const label = this.parser.parseInline(tokens);
      const address = safeAddress(href);
      return address === undefined ? label : anchor(address, label);
    },
    image({ href, text }: Tokens.Image) {
      const label = escapeHtml(text || "image");
      const address = safeAddress(href);
      return address === undefined ? `[${label}]` : anchor(address, `${label} (image)`);
    },
    code({ text, lang }: Tokens.Code) {
      const language = /^[\w+#.-]+/.exec(lang ?? "")?.[0]?.toLowerCase();
      const attribute = language ? ` class="language-${escapeHtml(language)}"` : "";
      return `<pre><code${attribute}>${escapeHtml(text)}</code></pre>`;
    },
    checkbox: ({ checked }: Tokens.Checkbox) => (checked ? "☑ " : "☐ "),
  },
});

/** Splits Markdown into its top-level blocks, each with its HTML. */
export function parseBlocks(source: string): Block[] {
  const tokens = marked.lexer(source);
  return tokens.flatMap((token) => {
    if (token.type === "space" || token.type === "def") return [];
    return [{ source: token.raw, html: htmlOf(token, tokens) }];
  });
}

/**
 * Parses a text that grows at its end, reusing `before` (the result for a shorter text) for all but
 * the last block: only that one can change when more is written.
 */
export function parseGrowing(source: string, before: Growing | undefined): Growing {
  const reuse = before && before.blocks.length > 1 && source.startsWith(before.source) ? before : undefined;
  const kept = reuse ? reuse.blocks.slice(0, -1) : [];
  const from = reuse ? reuse.lastStart : 0;
  const tokens = marked.lexer(source.slice(from));
  const blocks = [...kept];
  let offset = from;
  let lastStart = from;
  for (const token of tokens) {
    if (token.type !== "space" && token.type !== "def") {
      blocks.push({ source: token.raw, html: htmlOf(token, tokens) });
      lastStart = offset;
    }
    offset += token.raw.length;
  }
  return { source, blocks, lastStart };
}

export interface Growing {
  source: string;
  blocks: Block[];
  /** Where in `source` the last block begins. */
  lastStart: number;
}

function htmlOf(token: Token, all: TokensList): string {
  const one = Object.assign([token], { links: all.links });
  return marked.parser(one);
}

/** The address if it may be followed: absolute, and http, https or mailto. */
export function safeAddress(href: string): string | undefined {
  try {
    const url = new URL(href);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : undefined;
  } catch {
    return undefined;
  }
}

function anchor(address: string, label: string): string {
  return `<a href="${escapeHtml(address)}" target="_blank" rel="noopener noreferrer">${label}</a>`;
}

export function escapeHtml(value: string): string {
  return value
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
