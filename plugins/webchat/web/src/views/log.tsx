// The messages of the open conversation. It follows the newest one only while the reader is near the end.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { loadOlder } from "../app/chat.ts";
import { openKey, openThread, shown } from "../app/state.ts";
import { isBusy } from "../conversation/thread.ts";
import { timeline, type Entry } from "../conversation/timeline.ts";
import { DownIcon, Mark } from "./icons.tsx";
import { EntryView } from "./message.tsx";

const NEAR_END_PX = 80;

export function Log() {
  const key = openKey.value ?? "";
  const thread = openThread.value;
  const all = timeline(thread);
  const hidden = Math.max(0, all.length - shown.value);
  const entries = all.slice(hidden);
  const { frame, content, far, toEnd, holdPlace } = useFollow(key, thread.outgoing.length);
  const older = async () => {
    const release = holdPlace();
    await loadOlder(key, hidden);
    release();
  };
  return (
    <div class="log-frame">
      <div class="log" ref={frame} role="log" aria-live="polite" aria-busy={isBusy(thread)} aria-label="Messages" tabIndex={0}>
        <div class="column" ref={content}>
          {(hidden > 0 || thread.hasMore) && (
            <button type="button" class="older" onClick={() => void older()}>
              Load older
            </button>
          )}
          {entries.map((entry, index) => (
            <Dated key={entry.id} entry={entry} before={entries[index - 1]} conversation={key} />
          ))}
          {entries.length === 0 && <Empty loaded={thread.loaded} />}
        </div>
      </div>
      {far && (
        <button type="button" class="to-end" onClick={toEnd} aria-label="Jump to the newest message">
          <DownIcon />
        </button>
      )}
    </div>
  );
}

function Empty({ loaded }: { loaded: boolean }) {
  if (!loaded) return <p class="empty">Loading…</p>;
  return (
    <div class="empty">
      <Mark />
      <h2>Nothing here yet</h2>
      <p>Write a message below to start the conversation.</p>
    </div>
  );
}

/** An entry, under a heading when it is the first of its day. */
function Dated({ entry, before, conversation }: { entry: Entry; before: Entry | undefined; conversation: string }) {
  const day = dayOf(entry);
  const heading = day !== undefined && day !== (before && dayOf(before)) ? day : undefined;
  return (
    <>
      {heading && <h2 class="day">{heading}</h2>}
      <EntryView entry={entry} conversation={conversation} />
    </>
  );
}

function dayOf(entry: Entry): string | undefined {
  const at = entry.kind === "message" ? entry.message.at : entry.kind === "outgoing" ? entry.outgoing.at : Date.now();
  if (at === undefined) return undefined;
  const date = new Date(at);
  const today = new Date();
  if (date.toDateString() === today.toDateString()) return "Today";
  const year = date.getFullYear() === today.getFullYear() ? undefined : ("numeric" as const);
  return date.toLocaleDateString([], { weekday: "long", day: "numeric", month: "long", year });
}

/** Scrolling: sticks to the end while near it, and holds the reader's place when older messages come in. */
function useFollow(key: string, sent: number) {
  const frame = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const near = useRef(true);
  const fromEnd = useRef<number | undefined>(undefined);
  const [far, setFar] = useState(false);

  const settle = () => {
    const element = frame.current;
    if (!element) return;
    if (fromEnd.current !== undefined) element.scrollTop = element.scrollHeight - fromEnd.current;
    else if (near.current) element.scrollTop = element.scrollHeight;
  };
  const toEnd = () => {
    near.current = true;
    setFar(false);
    settle();
  };
  useEffect(() => {
    const element = frame.current!;
    const onScroll = () => {
      near.current = element.scrollHeight - element.scrollTop - element.clientHeight <= NEAR_END_PX;
      setFar(!near.current);
    };
    element.addEventListener("scroll", onScroll, { passive: true });
    const observer = new ResizeObserver(settle);
    observer.observe(element);
    observer.observe(content.current!);
    return () => {
      element.removeEventListener("scroll", onScroll);
      observer.disconnect();
    };
  }, []);
  useLayoutEffect(settle);
  // A conversation opens at its end, and one's own message is always brought into view.
  useLayoutEffect(toEnd, [key]);
  const sentBefore = useRef(sent);
  useLayoutEffect(() => {
    if (sent > sentBefore.current) toEnd();
    sentBefore.current = sent;
  }, [sent]);

  const holdPlace = () => {
    const element = frame.current!;
    fromEnd.current = element.scrollHeight - element.scrollTop;
    // Drawing takes a frame or two after the messages have come.
    return () => requestAnimationFrame(() => requestAnimationFrame(() => (fromEnd.current = undefined)));
  };
  return { frame, content, far, toEnd, holdPlace };
}
