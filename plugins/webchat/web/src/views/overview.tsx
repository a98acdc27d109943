// The Channels and Plugins pages. They show; changing things is for the command line.
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { channels, loadOverview, plugins, type Overview } from "../app/overview.ts";
import type { ChannelRow, PluginRow, Tone } from "../app/rows.ts";
import { isConnected } from "../app/state.ts";

const REFRESH_MS = 15_000;

export function Channels() {
  return (
    <OverviewPage
      which="channels"
      overview={channels.value}
      lead="The accounts the gateway is logged in with."
      empty="No channel is set up. Enable a channel plugin in the gateway's configuration, then give it an account."
    >
      {(row: ChannelRow) => (
        <Row name={row.channel} about={row.account} status={row.status} tone={row.tone} error={row.error} />
      )}
    </OverviewPage>
  );
}

export function Plugins() {
  return (
    <OverviewPage
      which="plugins"
      overview={plugins.value}
      lead="The plugins the gateway found, and how they are doing."
      empty="The gateway found no plugin. It looks in the plugin directories of its configuration."
    >
      {(row: PluginRow) => (
        <Row
          name={row.id}
          about={[row.version, isolationLabel(row.isolation)].filter(Boolean).join(" · ")}
          status={capital(row.state)}
          tone={row.tone}
          error={row.error}
        />
      )}
    </OverviewPage>
  );
}

interface PageProps<Item> {
  which: "channels" | "plugins";
  overview: Overview<Item>;
  lead: string;
  empty: string;
  children: (row: Item) => ComponentChildren;
}

function OverviewPage<Item>({ which, overview, lead, empty, children }: PageProps<Item>) {
  const connected = isConnected.value;
  useEffect(() => {
    if (!connected) return;
    void loadOverview(which);
    const timer = setInterval(() => void loadOverview(which), REFRESH_MS);
    return () => clearInterval(timer);
  }, [which, connected]);
  const { rows, error } = overview;
  return (
    <div class="overview">
      <div class="column">
        <p class="lead">{lead}</p>
        {error !== undefined && (
          <p class="failure" role="alert">
            The gateway did not answer this: {error}
          </p>
        )}
        {rows === undefined && error === undefined && <p class="empty">Loading…</p>}
        {rows?.length === 0 && <p class="empty">{empty}</p>}
        {rows !== undefined && rows.length > 0 && <ul class="rows">{rows.map((row) => <li>{children(row)}</li>)}</ul>}
      </div>
    </div>
  );
}

function Row({ name, about, status, tone, error }: { name: string; about: string; status: string; tone: Tone; error: string | undefined }) {
  return (
    <>
      <div class="row">
        <strong>{name}</strong>
        {about !== "" && <span class="about">{about}</span>}
        <span class={`status ${tone}`}>{status}</span>
      </div>
      {error !== undefined && <p class="last-error">{error}</p>}
    </>
  );
}

function isolationLabel(isolation: string | undefined): string | undefined {
  if (isolation === "process") return "own process";
  if (isolation === "in-process") return "inside the gateway";
  return isolation;
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
