// The element that shows every surface, gives the library what it needs, and turns the library's
// actions into `useraction` events with their context resolved.
import { ContextProvider } from "@lit/context";
import { v0_8 } from "@a2ui/lit";
import * as UI from "@a2ui/lit/ui";
import { LitElement, css, html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { UserAction } from "./bridge";
import { render } from "./markdown";
import { theme } from "./theme";

type Detail = v0_8.Events.StateEventDetailMap["a2ui.action"];
type Processor = ReturnType<typeof v0_8.Data.createSignalA2uiMessageProcessor>;
type Messages = Parameters<Processor["processMessages"]>[0];

export class Surfaces extends LitElement {
  static styles = css`
    :host {
      display: flex;
      flex-direction: column;
      gap: 16px;
    }
    [role="status"]:empty {
      display: none;
    }
    p {
      margin: 0;
      color: var(--quiet);
    }
  `;

  readonly #processor: Processor = v0_8.Data.createSignalA2uiMessageProcessor();
  #status = "";

  constructor() {
    super();
    new ContextProvider(this, { context: UI.Context.theme, initialValue: theme });
    new ContextProvider(this, { context: UI.Context.markdown, initialValue: render });
    this.addEventListener("a2uiaction", (event) => this.#act(event.detail, surfaceOf(event)));
  }

  /** Takes messages; the names of the surfaces that stand then. */
  apply(messages: Messages): string[] {
    this.#processor.processMessages(messages);
    this.#status = "";
    this.requestUpdate();
    return this.names();
  }

  /** Takes every surface away. */
  clear() {
    this.#processor.clearSurfaces();
    this.say("");
  }

  names(): string[] {
    return [...this.#processor.getSurfaces().keys()];
  }

  /** One line for the person. */
  say(status: string) {
    this.#status = status;
    this.requestUpdate();
  }

  override render() {
    const surfaces = [...this.#processor.getSurfaces()];
    const shown = repeat(
      surfaces,
      ([id]) => id,
      ([id, surface]) =>
        // A copy, for the component looks at what it is given by its identity.
        html`<a2ui-surface
          .surfaceId=${id}
          .surface=${{ ...surface }}
          .processor=${this.#processor}
        ></a2ui-surface>`,
    );
    const empty = surfaces.length === 0 ? html`<p>Nothing is shown yet.</p>` : nothing;
    return html`${shown}${empty}<p role="status">${this.#status}</p>`;
  }

  #act(detail: Detail, surfaceId: string) {
    const node = detail.sourceComponent;
    const context: Record<string, unknown> = {};
    for (const { key, value } of detail.action.context ?? []) {
      context[key] =
        value.path !== undefined && node
          ? this.#processor.getData(node, this.#processor.resolvePath(value.path, detail.dataContextPath), surfaceId)
          : (value.literalString ?? value.literalNumber ?? value.literalBoolean ?? null);
    }
    const action: UserAction = {
      id: crypto.randomUUID?.() ?? String(Date.now()),
      name: detail.action.name,
      surfaceId,
      sourceComponentId: detail.sourceComponentId,
      timestamp: new Date().toISOString(),
      context,
    };
    this.dispatchEvent(new CustomEvent("useraction", { detail: action }));
  }
}

/** The surface that an event came through. */
function surfaceOf(event: Event): string {
  const surface = event.composedPath().find((element) => element instanceof UI.Surface);
  return (surface as UI.Surface | undefined)?.surfaceId ?? "@default";
}
