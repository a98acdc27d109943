// The list of conversations and the way to the other pages. On a narrow screen it is a drawer.
import { useEffect, useRef } from "preact/hooks";
import { newConversation, openConversation } from "../app/chat.ts";
import { signOut } from "../app/gateway.ts";
import { conversations, drawerOpen, hello, knownThread, mainKey, openKey, page, unread, type Page } from "../app/state.ts";
import { readTitle } from "../conversation/keepsakes.ts";
import { titleOf, type Conversation } from "../conversation/names.ts";
import { isBusy } from "../conversation/thread.ts";
import { ChannelsIcon, CloseIcon, Mark, PlusIcon, PluginsIcon, SignOutIcon } from "./icons.tsx";

/** The button that opens the drawer; it gets the focus back. */
export const MENU_ID = "menu";

export function Sidebar({ narrow }: { narrow: boolean }) {
  const open = drawerOpen.value;
  const drawer = useRef<HTMLElement>(null);
  useEffect(() => {
    if (!narrow || !open) return;
    drawer.current?.querySelector("button")?.focus();
    return () => document.getElementById(MENU_ID)?.focus();
  }, [narrow, open]);
  return (
    <>
      {narrow && open && <div class="scrim" onClick={() => (drawerOpen.value = false)} />}
      <aside class={open ? "sidebar open" : "sidebar"} ref={drawer} inert={narrow && !open}>
        <header>
          <Mark />
          <strong>Jackfield WebChat</strong>
          {narrow && (
            <button type="button" class="quiet" aria-label="Close the menu" onClick={() => (drawerOpen.value = false)}>
              <CloseIcon />
            </button>
          )}
        </header>
        <button type="button" class="new" data-testid="new-conversation" onClick={newConversation}>
          <PlusIcon /> New conversation
        </button>
        <nav aria-label="Conversations" class="conversations">
          <ul data-testid="conversation-list">
            {listed().map((conversation) => (
              <ConversationItem key={conversation.key} conversation={conversation} />
            ))}
          </ul>
        </nav>
        <nav aria-label="Gateway" class="pages">
          <PageLink to="channels" label="Channels" icon={<ChannelsIcon />} />
          <PageLink to="plugins" label="Plugins" icon={<PluginsIcon />} />
          <button type="button" class="item" onClick={() => void signOut()}>
            <SignOutIcon /> Sign out
          </button>
          {hello.value && <p class="version">Gateway {hello.value.server.version}</p>}
        </nav>
      </aside>
    </>
  );
}

/** The conversations of the gateway, and the open and the main one also when they have no message yet. */
export function listed(): Conversation[] {
  const rows = conversations.value ?? [];
  const isMissing = (key: string) => !rows.some((row) => row.key === key);
  const key = openKey.value;
  const first = key !== undefined && key !== mainKey.value && isMissing(key) ? [unlisted(key)] : [];
  return [...first, ...rows, ...(isMissing(mainKey.value) ? [unlisted(mainKey.value)] : [])];
}

function unlisted(key: string): Conversation {
  const title = readTitle(key) ?? (/:webchat-/.test(key) ? "New conversation" : titleOf(key));
  return { key, title, channel: undefined, updatedAt: undefined, active: false };
}

function ConversationItem({ conversation }: { conversation: Conversation }) {
  const { key, title, channel } = conversation;
  const isOpen = page.value === "chat" && openKey.value === key;
  const thread = knownThread(key);
  const busy = thread ? isBusy(thread.value) : conversation.active;
  const isUnread = unread.value.has(key);
  return (
    <li>
      <button type="button" class="item" aria-current={isOpen ? "true" : undefined} onClick={() => openConversation(key)}>
        <span class="title">{title}</span>
        {channel !== undefined && <span class="tag">{channel}</span>}
        {busy && <span class="dot busy" role="img" aria-label="A reply is being written" />}
        {!busy && isUnread && <span class="dot" role="img" aria-label="New reply" />}
      </button>
    </li>
  );
}

function PageLink({ to, label, icon }: { to: Page; label: string; icon: preact.ComponentChildren }) {
  const show = () => {
    page.value = to;
    drawerOpen.value = false;
  };
  return (
    <button type="button" class="item" aria-current={page.value === to ? "page" : undefined} onClick={show}>
      {icon} {label}
    </button>
  );
}
