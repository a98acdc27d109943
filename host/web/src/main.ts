// The page's face to whoever shows it: a node's web view or a browser. It renders A2UI surfaces from
// messages and hands what a person does back, as `userAction`, to the native bridge it finds.
import { v0_8 } from "@a2ui/lit";
import { hand, type UserAction } from "./bridge";
import { draw } from "./icons";
import { dress } from "./looks";
import { Surfaces } from "./surfaces";

type Message = Parameters<v0_8.Types.MessageProcessor["processMessages"]>[0][number];

draw();
dress();
customElements.define("jackfield-surfaces", Surfaces);

const surfaces = document.querySelector<Surfaces>("jackfield-surfaces")!;

/** What is asked of the page; the names are those that nodes call. */
const face = {
  /** Takes messages in their order, and says which surfaces stand then. */
  applyMessages(messages: Message[]) {
    if (!Array.isArray(messages)) throw new TypeError("messages must be a list");
    return { ok: true, surfaces: surfaces.apply(messages) };
  },
  /** Takes everything away. */
  reset() {
    surfaces.clear();
    return { ok: true };
  },
  /** The surfaces that stand. */
  getSurfaces: () => surfaces.names(),
};

surfaces.addEventListener("useraction", (event) => {
  const action = (event as CustomEvent<UserAction>).detail;
  if (!hand(action)) surfaces.say("Nothing takes your answer here.");
});

// The node tells how the action fared.
window.addEventListener("openclaw:a2ui-action-status", (event) => {
  const { ok, error } = (event as CustomEvent<{ ok?: boolean; error?: string }>).detail ?? {};
  surfaces.say(ok ? "" : (error ?? "It could not be sent."));
});

Object.assign(globalThis, { openclawA2UI: face, jackfieldA2UI: face });
