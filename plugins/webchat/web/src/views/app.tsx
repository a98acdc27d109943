// The whole page: the gate until the gateway lets us in, then the chat with its side pages.
import { useEffect, useState } from "preact/hooks";
import { stop } from "../app/chat.ts";
import { drawerOpen, hello, openKey, openThread, page, pickerOpen, standing, type Standing } from "../app/state.ts";
import { isBusy } from "../conversation/thread.ts";
import { COMPOSER_ID, Composer } from "./composer.tsx";
import { Gate } from "./gate.tsx";
import { MenuIcon, SearchIcon } from "./icons.tsx";
import { Log } from "./log.tsx";
import { Channels, Plugins } from "./overview.tsx";
import { Picker } from "./picker.tsx";
import { MENU_ID, Sidebar, listed } from "./sidebar.tsx";
import { Banner, ConnectionState } from "./standing.tsx";

const NARROW = "(max-width: 820px)";
const SHUT: ReadonlySet<Standing["phase"]> = new Set(["auth", "pairing", "waiting", "blocked"]);

export function App() {
  const isShut = hello.value === undefined || SHUT.has(standing.value.phase);
  return isShut ? <Gate /> : <Shell />;
}

function Shell() {
  const narrow = useMatches(NARROW);
  useEffect(() => {
    addEventListener("keydown", onShortcut);
    return () => removeEventListener("keydown", onShortcut);
  }, []);
  const title = titleNow();
  useEffect(() => {
    document.title = `${title} – Jackfield WebChat`;
  }, [title]);
  return (
    <div class="shell">
      <Sidebar narrow={narrow} />
      <main class="main" inert={narrow && drawerOpen.value}>
        <header class="top">
          {narrow && (
            <button type="button" id={MENU_ID} class="quiet" aria-label="Open the menu" aria-expanded={drawerOpen.value} onClick={() => (drawerOpen.value = true)}>
              <MenuIcon />
            </button>
          )}
          <h1>{title}</h1>
          <ConnectionState />
          <button type="button" class="quiet" aria-label="Find a conversation" title="Find a conversation (Ctrl+K)" onClick={() => (pickerOpen.value = true)}>
            <SearchIcon />
          </button>
        </header>
        <Banner />
        <PageBody />
      </main>
      {pickerOpen.value && <Picker />}
    </div>
  );
}

function PageBody() {
  switch (page.value) {
    case "channels":
      return <Channels />;
    case "plugins":
      return <Plugins />;
    case "chat":
      return (
        <>
          <Log />
          <Composer />
        </>
      );
  }
}

function titleNow(): string {
  if (page.value === "channels") return "Channels";
  if (page.value === "plugins") return "Plugins";
  return listed().find((conversation) => conversation.key === openKey.value)?.title ?? "Chat";
}

function onShortcut(event: KeyboardEvent): void {
  if (event.isComposing) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    pickerOpen.value = true;
  } else if (event.key === "Escape" && !pickerOpen.peek()) {
    if (drawerOpen.peek()) drawerOpen.value = false;
    else if (page.peek() === "chat" && isBusy(openThread.peek())) void stop(openKey.peek()!);
  } else if (event.key === "/" && !isTyping(event.target)) {
    event.preventDefault();
    document.getElementById(COMPOSER_ID)?.focus();
  }
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function useMatches(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const onChange = () => setMatches(list.matches);
    list.addEventListener("change", onChange);
    return () => list.removeEventListener("change", onChange);
  }, [query]);
  return matches;
}
