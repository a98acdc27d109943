// Finds a conversation by typing (Ctrl+K or Cmd+K).
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { newConversation, openConversation } from "../app/chat.ts";
import { pickerOpen } from "../app/state.ts";
import type { Conversation } from "../conversation/names.ts";
import { listed } from "./sidebar.tsx";

interface Choice {
  id: string;
  title: string;
  detail: string | undefined;
  choose(): void;
}

export function Picker() {
  const dialog = useRef<HTMLDialogElement>(null);
  const [query, setQuery] = useState("");
  const [index, setIndex] = useState(0);
  const choices = choicesFor(query);
  const current = Math.min(index, choices.length - 1);

  // At once, so that what is typed next goes here.
  useLayoutEffect(() => dialog.current?.showModal(), []);
  useEffect(() => {
    dialog.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [current]);
  const choose = (choice: Choice | undefined) => {
    if (!choice) return;
    dialog.current?.close();
    choice.choose();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (event.key === "Enter") choose(choices[current]);
    else if (event.key === "ArrowDown") setIndex((current + 1) % choices.length);
    else if (event.key === "ArrowUp") setIndex((current + choices.length - 1) % choices.length);
    else return;
    event.preventDefault();
  };
  return (
    <dialog
      class="picker"
      ref={dialog}
      aria-label="Find a conversation"
      onClose={() => (pickerOpen.value = false)}
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}
    >
      <input
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls="picker-list"
        aria-activedescendant={`choice-${current}`}
        aria-label="Find a conversation"
        placeholder="Find a conversation"
        autocomplete="off"
        value={query}
        onInput={(event) => {
          setQuery(event.currentTarget.value);
          setIndex(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul id="picker-list" role="listbox" aria-label="Conversations">
        {choices.map((choice, position) => (
          <li key={choice.id} id={`choice-${position}`} role="option" aria-selected={position === current} onClick={() => choose(choice)}>
            <span class="title">{choice.title}</span>
            {choice.detail !== undefined && <span class="detail">{choice.detail}</span>}
          </li>
        ))}
      </ul>
    </dialog>
  );
}

function choicesFor(query: string): Choice[] {
  const wanted = query.trim().toLowerCase();
  const hasTitle = ({ title }: Conversation) => title.toLowerCase().includes(wanted);
  const found = listed().filter((row) => hasTitle(row) || row.key.toLowerCase().includes(wanted));
  // What the title says comes before what only the key says.
  found.sort((one, other) => Number(hasTitle(other)) - Number(hasTitle(one)));
  const choices = found.map(({ key, title, channel }): Choice => ({ id: key, title, detail: channel, choose: () => openConversation(key) }));
  return [...choices, { id: "new", title: "New conversation", detail: undefined, choose: newConversation }];
}
