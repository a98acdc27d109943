// One entry of a conversation: a recorded message, a message of ours on its way, or a reply being written.
import { discard, retry } from "../app/chat.ts";
import { isConnected } from "../app/state.ts";
import { plainText, type Message, type Part } from "../conversation/message.ts";
import type { Outgoing, Run } from "../conversation/thread.ts";
import type { Entry } from "../conversation/timeline.ts";
import { CopyButton } from "./copy.tsx";
import { ToolIcon } from "./icons.tsx";
import { Markdown } from "./markdown.tsx";

export function EntryView({ entry, conversation }: { entry: Entry; conversation: string }) {
  switch (entry.kind) {
    case "message":
      return <MessageView message={entry.message} />;
    case "outgoing":
      return <OutgoingView outgoing={entry.outgoing} running={entry.running} conversation={conversation} />;
    case "run":
      return <RunView run={entry.run} />;
  }
}

function MessageView({ message }: { message: Message }) {
  const state = message.error !== undefined ? "error" : message.aborted ? "aborted" : "final";
  const words = plainText(message.parts);
  if (message.role === "user") {
    return (
      <article class="message user" data-testid="message" data-role="user" data-state={state}>
        <span class="off-screen">You:</span>
        <div class="bubble" title={message.at === undefined ? undefined : new Date(message.at).toLocaleString()}>
          {message.parts.map((part) => <PartView part={part} plain />)}
        </div>
      </article>
    );
  }
  return (
    <article class={`message ${message.role}`} data-testid="message" data-role={message.role} data-state={state}>
      {message.role === "assistant" && <span class="off-screen">Assistant:</span>}
      {message.parts.map((part) => <PartView part={part} plain={false} />)}
      {message.error !== undefined && <p class="failure">{message.error}</p>}
      {words !== "" && (
        <footer>
          <CopyButton value={() => words} label="Copy reply" />
          {message.at !== undefined && <Time at={message.at} />}
          {message.aborted && <span>Stopped</span>}
        </footer>
      )}
    </article>
  );
}

function PartView({ part, plain }: { part: Part; plain: boolean }) {
  switch (part.kind) {
    case "text":
      return plain ? <p class="plain">{part.text}</p> : <Markdown source={part.text} growing={false} />;
    case "toolCall":
      return <Tool label={`Used ${part.name}`} detail={part.detail} failed={false} />;
    case "toolResult":
      return <Tool label={`${part.failed ? "Failure" : "Result"} of ${part.name}`} detail={part.detail} failed={part.failed} />;
    case "attachment":
      return <p class="attachment">Attachment: {part.label}</p>;
  }
}

function Tool({ label, detail, failed }: { label: string; detail: string; failed: boolean }) {
  const line = (
    <>
      <ToolIcon /> {label}
    </>
  );
  const tone = failed ? "tool failed" : "tool";
  if (detail === "") return <p class={tone}>{line}</p>;
  return (
    <details class={tone}>
      <summary>{line}</summary>
      <pre tabIndex={0}>{detail}</pre>
    </details>
  );
}

function OutgoingView({ outgoing, running, conversation }: { outgoing: Outgoing; running: boolean; conversation: string }) {
  const { state } = outgoing;
  const shown = state === "refused" ? "error" : state === "accepted" && !running ? "final" : "pending";
  return (
    <article class={`message user ${state}`} data-testid="message" data-role="user" data-state={shown}>
      <span class="off-screen">You:</span>
      <div class="bubble">
        <p class="plain">{outgoing.text}</p>
      </div>
      {state === "sending" && <footer>Sending…</footer>}
      {(state === "unknown" || state === "refused") && (
        <div class="failure unsent" role="alert">
          <span>
            {state === "unknown"
              ? "The connection was lost before the gateway confirmed this message. It may have arrived."
              : `Not sent: ${outgoing.error ?? "the gateway refused it."}`}
          </span>
          <span class="choices">
            <button type="button" disabled={!isConnected.value} onClick={() => void retry(conversation, outgoing.key)}>
              Retry
            </button>
            <button type="button" onClick={() => discard(conversation, outgoing.key)}>
              Discard
            </button>
          </span>
        </div>
      )}
    </article>
  );
}

function RunView({ run }: { run: Run }) {
  const active = run.state === "active";
  return (
    <article class="message assistant" data-testid="message" data-role="assistant" data-state={active ? "streaming" : run.state}>
      <span class="off-screen">Assistant:</span>
      {run.text !== "" && <Markdown source={run.text} growing={active} />}
      {active && (run.text === "" || run.phase !== undefined) && <Working phase={run.phase} />}
      {run.state === "error" && <p class="failure">{run.error}</p>}
      {run.state === "aborted" && <footer>{run.error ?? "Stopped"}</footer>}
    </article>
  );
}

function Working({ phase }: { phase: string | undefined }) {
  return (
    <p class="working">
      <span class="dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      {phaseLabel(phase)}
    </p>
  );
}

function phaseLabel(phase: string | undefined): string {
  if (phase?.startsWith("tool:")) return `Using ${phase.slice(5)}…`;
  switch (phase) {
    case "preparing_workspace":
      return "Getting ready…";
    case "preparing_context":
      return "Reading the conversation…";
    case "starting_model":
      return "Starting the model…";
    case "retrying":
      return "Trying again…";
    default:
      return "Thinking…";
  }
}

function Time({ at }: { at: number }) {
  const date = new Date(at);
  return (
    <time dateTime={date.toISOString()} title={date.toLocaleString()}>
      {date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}
    </time>
  );
}
