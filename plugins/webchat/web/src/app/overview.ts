// The Channels and Plugins pages: asks the gateway for what they show.
import { signal } from "@preact/signals";
import { request } from "./gateway.ts";
import { readChannels, readPlugins, type ChannelRow, type PluginRow } from "./rows.ts";

/** `undefined` rows: not loaded yet. */
export interface Overview<Row> {
  rows: Row[] | undefined;
  error: string | undefined;
}

export const channels = signal<Overview<ChannelRow>>({ rows: undefined, error: undefined });
export const plugins = signal<Overview<PluginRow>>({ rows: undefined, error: undefined });

export async function loadOverview(which: "channels" | "plugins"): Promise<void> {
  try {
    if (which === "channels") channels.value = { rows: readChannels(await request("channels.status", {})), error: undefined };
    else plugins.value = { rows: readPlugins(await request("plugins.list", {})), error: undefined };
  } catch (failure) {
    const error = failure instanceof Error ? failure.message : String(failure);
    if (which === "channels") channels.value = { ...channels.peek(), error };
    else plugins.value = { ...plugins.peek(), error };
  }
}
