// Text of a surface is Markdown that a model wrote: rendered, then cleaned of everything that could run.
import DOMPurify from "dompurify";
import { marked } from "marked";

const TAGS = ["p", "h1", "h2", "h3", "h4", "h5", "ul", "ol", "li", "strong", "em", "code", "pre", "br"];

/** The library's components reset what browsers give to text and offer no other way in. */
const STYLES: Record<string, string> = {
  p: "margin:0",
  h1: "margin:0;font-size:1.75em;line-height:1.2",
  h2: "margin:0;font-size:1.4em;line-height:1.25",
  h3: "margin:0;font-size:1.2em;line-height:1.3",
  h4: "margin:0;font-size:1.05em",
  h5: "margin:0;font-size:1em",
  em: "font-style:italic",
  strong: "font-weight:650",
};

/** As the library asks for it; classes are not used here. */
export async function render(text: string): Promise<string> {
  const html = await marked.parse(text, { async: true, gfm: true, breaks: true });
  const clean = DOMPurify.sanitize(html, { ALLOWED_TAGS: TAGS, ALLOWED_ATTR: [] });
  return clean.replace(/<(\w+)>/g, (tag, name: string) =>
    STYLES[name] ? `<${name} style="${STYLES[name]}">` : tag,
  );
}
