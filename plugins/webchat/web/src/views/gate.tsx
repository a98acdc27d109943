// What is shown instead of the chat while the gateway does not let this browser in.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { retryNow, useSecret } from "../app/gateway.ts";
import { standing, type Standing } from "../app/state.ts";
import { CopyButton } from "./copy.tsx";
import { Mark } from "./icons.tsx";
import { ConnectionState, Countdown } from "./standing.tsx";

export function Gate() {
  return (
    <main class="gate">
      <div class="card">
        <header>
          <Mark />
          <h1>Jackfield WebChat</h1>
          <ConnectionState />
        </header>
        <GateBody now={standing.value} />
      </div>
      {!window.isSecureContext && <InsecureNote />}
    </main>
  );
}

function GateBody({ now }: { now: Standing }) {
  switch (now.phase) {
    case "auth":
      return <SecretForm secret={now.secret} missing={now.missing} reason={now.reason} />;
    case "pairing":
      return <Pairing requestId={now.requestId} reason={now.reason} />;
    case "waiting":
      return (
        <>
          <Reason>{now.reason}</Reason>
          <p>
            {now.limited ? "The gateway asks to wait before the next attempt. " : ""}
            <Countdown untilMs={now.retryAtMs} />
          </p>
        </>
      );
    case "blocked":
      return (
        <>
          <Reason>{now.reason}</Reason>
          <button type="button" class="primary" onClick={retryNow}>
            Try again
          </button>
        </>
      );
    case "offline":
      return (
        <>
          <Reason>{now.reason}</Reason>
          <p>
            Is it running? Start it with <code>jackfield gateway</code>.{" "}
            {now.retryAtMs !== undefined && <Countdown untilMs={now.retryAtMs} />}
          </p>
          <button type="button" class="primary" onClick={retryNow}>
            Try now
          </button>
        </>
      );
    default:
      return <p>Connecting to the gateway…</p>;
  }
}

function Reason({ calm = false, children }: { calm?: boolean; children: ComponentChildren }) {
  return (
    <p class={calm ? "reason calm" : "reason"} role="alert" data-testid="error-banner">
      {children}
    </p>
  );
}

function SecretForm({ secret, missing, reason }: { secret: "token" | "password"; missing: boolean; reason: string }) {
  const [value, setValue] = useState("");
  const name = secret === "token" ? "Token" : "Password";
  return (
    <form
      data-testid="token-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (value.trim() !== "") useSecret(value.trim(), secret);
      }}
    >
      {missing ? <p>{reason}</p> : <Reason>{reason}</Reason>}
      <label for="secret">{name}</label>
      <input
        id="secret"
        data-testid="token-input"
        type="password"
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        autofocus
        aria-describedby="secret-help"
        value={value}
        onInput={(event) => setValue(event.currentTarget.value)}
      />
      <p class="help" id="secret-help">
        {secret === "token" ? (
          <>
            <code>jackfield gateway</code> prints the token when it starts. If you chose one yourself, it is in the gateway's
            configuration file.
          </>
        ) : (
          <>The password is the one set in the gateway's configuration file.</>
        )}
      </p>
      <button type="submit" class="primary" data-testid="token-submit" disabled={value.trim() === ""}>
        Connect
      </button>
    </form>
  );
}

function Pairing({ requestId, reason }: { requestId: string | undefined; reason: string }) {
  const command = requestId === undefined ? "jackfield devices list" : `jackfield devices approve ${requestId}`;
  return (
    <>
      <Reason calm>{reason}</Reason>
      <p>On the machine that runs the gateway, {requestId === undefined ? "find the request with:" : "approve it with:"}</p>
      <div class="command">
        <code>{command}</code>
        <CopyButton value={() => command} label="Copy command" />
      </div>
      {requestId !== undefined && (
        <p class="help">
          Request <code data-testid="pairing-request">{requestId}</code>. Check that the number is the same there.
        </p>
      )}
      <p class="help">This page looks every few seconds and goes on by itself once you have approved it.</p>
    </>
  );
}

function InsecureNote() {
  return (
    <p class="note">
      This page came over plain HTTP, so others on the network can read what you write, the token included. Use HTTPS, or open it on
      the gateway's own machine.
    </p>
  );
}
