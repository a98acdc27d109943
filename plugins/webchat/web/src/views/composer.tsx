// Where a message is written. Each conversation has its own draft, which outlives a reload.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { send, stop } from "../app/chat.ts";
import { isConnected, openKey, openThread } from "../app/state.ts";
import { keepDraft, readDraft } from "../conversation/keepsakes.ts";
import { isBusy } from "../conversation/thread.ts";
import { SendIcon, StopIcon } from "./icons.tsx";

/** Old browsers report keys that belong to an input method with this code. */
const KEY_OF_INPUT_METHOD = 229;

export const COMPOSER_ID = "composer";

export function Composer() {
  const key = openKey.value ?? "";
  const area = useRef<HTMLTextAreaElement>(null);
  const [draft, setDraft] = useState("");
  const busy = isBusy(openThread.value);
  const canSend = isConnected.value && draft.trim() !== "";

  const write = (value: string) => {
    setDraft(value);
    keepDraft(key, value);
  };
  const submit = () => {
    if (!canSend) return;
    write("");
    void send(key, draft.trim());
    area.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === KEY_OF_INPUT_METHOD) return;
    event.preventDefault();
    submit();
  };
  useLayoutEffect(() => setDraft(readDraft(key)), [key]);
  useEffect(() => {
    // Where there is a keyboard; elsewhere it would push one up over the messages.
    if (matchMedia("(pointer: fine)").matches) area.current?.focus();
  }, [key]);
  useLayoutEffect(() => fit(area.current!), [draft]);

  return (
    <form
      class="composer column"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <label class="off-screen" for={COMPOSER_ID}>
        Message
      </label>
      <div class="field">
        <textarea
          id={COMPOSER_ID}
          ref={area}
          data-testid="composer"
          rows={1}
          placeholder="Write a message"
          enterkeyhint="send"
          value={draft}
          onInput={(event) => write(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        {busy && (
          <button type="button" class="round stop" data-testid="stop" disabled={!isConnected.value} onClick={() => void stop(key)} aria-label="Stop the reply" title="Stop (Esc)">
            <StopIcon />
          </button>
        )}
        <button type="submit" class="round send" data-testid="send" disabled={!canSend} aria-label="Send" title="Send (Enter)">
          <SendIcon />
        </button>
      </div>
      <p class="hint">
        <kbd>Enter</kbd> sends, <kbd>Shift</kbd>+<kbd>Enter</kbd> starts a new line
      </p>
    </form>
  );
}

/** Grows with its text where the style sheet cannot do it (`field-sizing`); the sheet sets the limit. */
function fit(area: HTMLTextAreaElement): void {
  if (CSS.supports("field-sizing", "content")) return;
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight}px`;
}
