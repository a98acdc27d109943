// Markdown to HTML text: what is escaped, what becomes a link, and that a growing text parses the same.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBlocks, parseGrowing, safeAddress, type Growing } from "../src/markdown/parse.ts";

const html = (source: string) =>
  parseBlocks(source)
    .map((block) => block.html.trim())
    .join("\n");

test("raw HTML is shown, not used", () => {
  assert.equal(html("<img src=x onerror=alert(1)>"), "<p>&lt;img src=x onerror=alert(1)&gt;</p>");
  assert.equal(html("a <b>c</b>"), "<p>a &lt;b&gt;c&lt;/b&gt;</p>");
  assert.doesNotMatch(html("<script>\nalert(1)\n</script>\n\ntext"), /<script/);
});

test("only web and mail addresses become links", () => {
  assert.equal(
    html("[a](https://example.org/?a=1&b=2)"),
    '<p><a href="https://example.org/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">a</a></p>',
  );
  for (const address of ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "file:///etc/passwd", "/relative"]) {
    assert.equal(html(`[a](<${address}>)`), "<p>a</p>");
  }
  assert.equal(safeAddress("mailto:somebody@example.org"), "mailto:somebody@example.org");
  assert.equal(safeAddress("\u0001javascript:alert(1)"), undefined);
});

test("images are never loaded", () => {
  assert.equal(
    html("![a map](https://example.org/map.png)"),
    '<p><a href="https://example.org/map.png" target="_blank" rel="noopener noreferrer">a map (image)</a></p>',
  );
  assert.equal(html("![a map](data:image/png;base64,AAAA)"), "<p>[a map]</p>");
});

test("quotes in an address or a language do not end the attribute", () => {
  assert.doesNotMatch(html('[a](<https://example.org/" onclick="x>)'), /" onclick/);
  assert.match(html('```js" onclick="x\n1 < 2\n```'), /^<pre><code class="language-js">1 &lt; 2<\/code><\/pre>$/);
});

test("lists, tables and tasks", () => {
  assert.match(html("| a | b |\n|---|---:|\n| 1 | 2 |"), /<table>[^]*<td align="right">2<\/td>/);
  assert.match(html("- [x] done\n- [ ] open"), /☑ *done[^]*☐ *open/);
});

test("a growing text gives the same blocks as the whole, and keeps the finished ones", () => {
  const whole = "# Title\n\nOne *two*\nthree\n\n- a\n- b\n\n  c\n\n```js\nlet a = 1;\n\nlet b;\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nlast";
  let growing: Growing | undefined;
  let kept = 0;
  for (let length = 1; length <= whole.length; length++) {
    const next = parseGrowing(whole.slice(0, length), growing);
    kept = growing?.blocks[0] === next.blocks[0] ? kept + 1 : kept;
    growing = next;
    assert.deepEqual(
      growing.blocks.map((block) => block.html),
      parseBlocks(whole.slice(0, length)).map((block) => block.html),
      whole.slice(0, length),
    );
  }
  assert.ok(kept > whole.length / 2, `the first block was kept ${kept} times`);
});

test("a text that was replaced starts over", () => {
  const before = parseGrowing("one\n\ntwo", undefined);
  assert.deepEqual(parseGrowing("other", before).blocks.map((block) => block.html), ["<p>other</p>\n"]);
});
