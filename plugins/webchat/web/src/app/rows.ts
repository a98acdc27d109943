// Reads the answers of `channels.status` and `plugins.list` into rows. Pure.
import { isRecord, text } from "../wire/frames.ts";

export type Tone = "good" | "busy" | "bad" | "off";

export interface ChannelRow {
  channel: string;
  account: string;
  status: string;
  tone: Tone;
  error: string | undefined;
}

export interface PluginRow {
  id: string;
  version: string | undefined;
  state: string;
  tone: Tone;
  isolation: string | undefined;
  error: string | undefined;
}

export function readChannels(payload: unknown): ChannelRow[] {
  if (!isRecord(payload)) return [];
  const labels = isRecord(payload["channelLabels"]) ? payload["channelLabels"] : {};
  const accounts = isRecord(payload["channelAccounts"]) ? payload["channelAccounts"] : {};
  const ordered = Array.isArray(payload["channelOrder"]) ? payload["channelOrder"].filter((id) => typeof id === "string") : [];
  const ids = new Set<string>([...ordered, ...Object.keys(accounts)]);
  return [...ids].flatMap((id) => {
    const channel = text(labels[id]) ?? id;
    const rows = Array.isArray(accounts[id]) ? accounts[id].filter(isRecord) : [];
    if (rows.length === 0) return [{ channel, account: "", status: "No account", tone: "off" as const, error: undefined }];
    return rows.map((row) => channelRow(channel, row));
  });
}

function channelRow(channel: string, row: Record<string, unknown>): ChannelRow {
  const error = text(row["lastError"]);
  const [status, tone] = channelStatus(row, error !== undefined);
  return { channel, account: text(row["accountId"]) ?? "default", status, tone, error };
}

function channelStatus(row: Record<string, unknown>, failed: boolean): [string, Tone] {
  if (row["enabled"] === false) return ["Switched off", "off"];
  if (row["configured"] === false) return ["Not set up", "off"];
  if (row["connected"] === true) return ["Connected", "good"];
  if (row["running"] === true && row["connected"] === undefined) return ["Running", "good"];
  if (row["running"] === true) return ["Connecting", "busy"];
  return failed ? ["Failed", "bad"] : ["Stopped", "off"];
}

export function readPlugins(payload: unknown): PluginRow[] {
  const list = isRecord(payload) ? payload["plugins"] : payload;
  if (!Array.isArray(list)) return [];
  return list.filter(isRecord).map((row) => {
    const state = text(row["state"]) ?? text(row["status"]) ?? (row["enabled"] === false ? "disabled" : "unknown");
    return {
      id: text(row["id"]) ?? text(row["name"]) ?? "?",
      version: text(row["version"]),
      state,
      tone: pluginTone(state),
      isolation: text(row["isolation"]),
      error: text(row["lastError"]) ?? text(row["error"]),
    };
  });
}

function pluginTone(state: string): Tone {
  if (/fail|error|crash|quarant|reject|refus/i.test(state)) return "bad";
  if (/disab|unload|stop|off|exit|unknown|retired/i.test(state)) return "off";
  return /^(running|loaded|ready|active|enabled|ok)$/i.test(state) ? "good" : "busy";
}
