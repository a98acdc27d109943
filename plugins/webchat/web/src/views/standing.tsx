// How things stand with the gateway, in a word and in a sentence.
import { useEffect, useState } from "preact/hooks";
import { retryNow } from "../app/gateway.ts";
import { problem, standing, type Standing } from "../app/state.ts";
import { CloseIcon } from "./icons.tsx";

const WORDS: Record<Standing["phase"], { state: string; label: string }> = {
  connecting: { state: "connecting", label: "Connecting" },
  connected: { state: "connected", label: "Connected" },
  offline: { state: "offline", label: "Offline" },
  waiting: { state: "offline", label: "Waiting" },
  blocked: { state: "offline", label: "Not connected" },
  auth: { state: "auth", label: "Signed out" },
  pairing: { state: "pairing", label: "Needs approval" },
};

export function ConnectionState() {
  const { state, label } = WORDS[standing.value.phase];
  return (
    <span class="connection" role="status" data-testid="connection-state" data-state={state}>
      <i aria-hidden="true" />
      {label}
    </span>
  );
}

/** Says what is wrong while the chat stays on screen. */
export function Banner() {
  const now = standing.value;
  if (now.phase === "offline") {
    return (
      <div class="banner" role="alert" data-testid="error-banner">
        <p>
          {now.reason} {now.retryAtMs !== undefined && <Countdown untilMs={now.retryAtMs} />}
        </p>
        <button type="button" onClick={retryNow}>
          Try now
        </button>
      </div>
    );
  }
  if (problem.value === undefined) return null;
  return (
    <div class="banner" role="alert" data-testid="error-banner">
      <p>{problem.value}</p>
      <button type="button" class="quiet" aria-label="Dismiss" onClick={() => (problem.value = undefined)}>
        <CloseIcon />
      </button>
    </div>
  );
}

/** Not announced as it counts: the sentence before it has been. */
export function Countdown({ untilMs }: { untilMs: number }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [untilMs]);
  const seconds = Math.max(1, Math.ceil((untilMs - now) / 1000));
  return <span aria-live="off">Trying again in {seconds} s.</span>;
}
