// Text of a surface is Markdown that a model wrote: rendered, then cleaned of everything that could run.
import DOMPurify from "dompurify";
import { marked } from "marked";

const TAGS = ["p", "h1", "h2", "h3", "h4", "h5", "ul", "ol", "li", "strong", "em", "code", "pre", "br"];

/** As the library asks for it; classes are not used here. */
export async function render(text: string): Promise<string> {
  const html = await marked.parse(text, { async: true, gfm: true, breaks: true });
  return DOMPurify.sanitize(html, { ALLOWED_TAGS: TAGS, ALLOWED_ATTR: [] });
}
