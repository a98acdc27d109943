// The only way HTML text becomes part of the page. An allow-list keeps what Markdown can say and nothing
// else, and the result is a tree of nodes, so no HTML string is ever assigned to the page (DOMPurify
// brings its own Trusted Types policy for the parsing inside).
import DOMPurify from "dompurify";
import { safeAddress } from "./parse.ts";

const TAGS = [
  ..."a p br hr em strong del code pre blockquote ul ol li h1 h2 h3 h4 h5 h6 span".split(" "),
  ..."table thead tbody tr th td".split(" "),
];
const ATTRIBUTES = ["href", "class", "start", "align"];

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  const classes = (node.getAttribute("class") ?? "").split(/\s+/).filter((name) => /^(language-|hljs)/.test(name));
  if (classes.length > 0) node.setAttribute("class", classes.join(" "));
  else node.removeAttribute("class");
  if (node.tagName !== "A") return;
  const address = safeAddress(node.getAttribute("href") ?? "");
  if (address === undefined) {
    node.removeAttribute("href");
    return;
  }
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer");
});

export function sanitise(html: string): DocumentFragment {
  return DOMPurify.sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
}
