// Icons as drawings. The library writes their names and trusts a font of another server to turn them
// into pictures; the page reaches no server, so it brings the drawings of A2UI's catalogue along.
import catalogue from "icons:catalogue";
import * as UI from "@a2ui/lit/ui";
import { css, html, nothing, unsafeCSS } from "lit";
import { unsafeSVG } from "lit/directives/unsafe-svg.js";

const styles = css`
  svg {
    display: block;
    width: 24px;
    height: 24px;
  }
`;

/** The library's dialogs close by a cross of their own. */
const cross = css`
  .g-icon {
    display: block;
    width: 24px;
    height: 24px;
    font-size: 0;
    background: currentColor;
    mask: ${unsafeCSS(`url("data:image/svg+xml,${encodeURIComponent(svg(catalogue.close!))}")`)};
  }
`;

/** Makes the library's elements draw; they must be defined already. */
export function draw() {
  UI.Icon.elementStyles.push(styles);
  UI.Modal.elementStyles.push(cross);
  UI.Icon.prototype.render = function () {
    const name = named(this);
    if (!name) return nothing as never;
    const drawing = catalogue[camel(name)];
    // What is not in the catalogue is better read than not seen.
    if (!drawing) return html`<span>${words(name)}</span>`;
    return html`<section role="img" aria-label=${words(name)}>
      <svg viewBox="0 0 24 24" aria-hidden="true">${unsafeSVG(drawing)}</svg>
    </section>`;
  };
}

/** The name as the surface has it: as it stands there, or from its data. */
function named(icon: UI.Icon): string | undefined {
  const { name, processor, component, surfaceId } = icon;
  const given = name?.literalString ?? name?.literal;
  if (given !== undefined || !name?.path || !processor || !component) return given;
  const found = processor.getData(component, name.path, surfaceId ?? undefined);
  return typeof found === "string" ? found : undefined;
}

function camel(name: string): string {
  return name.replace(/[-_ ]+(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function words(name: string): string {
  return camel(name).replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function svg(drawing: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">${drawing}</svg>`;
}
