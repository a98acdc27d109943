// The secrets this page may hold for one endpoint: the shared token (or password) of the gateway, for
// as long as the tab lives, and the token issued to this browser. A secret is taken from the `#token=`
// fragment or the form, never from the query, and no address but the page's own host is ever used.

import { read, write } from "./storage.ts";

export type SecretKind = "token" | "password";

export interface ConnectAuth {
  token?: string;
  password?: string;
  deviceToken?: string;
}

export class Credentials {
  private shared: string | undefined;
  private kind: SecretKind = "token";
  private readonly sharedKey: string;
  private readonly kindKey: string;
  private readonly deviceKey: string;

  constructor(endpoint: string) {
    this.sharedKey = `jackfield.webchat.secret ${endpoint}`;
    this.kindKey = `jackfield.webchat.secretKind ${endpoint}`;
    this.deviceKey = `jackfield.webchat.deviceToken ${endpoint}`;
    this.shared = read("sessionStorage", this.sharedKey);
    if (read("sessionStorage", this.kindKey) === "password") this.kind = "password";
  }

  get hasShared(): boolean {
    return this.shared !== undefined;
  }

  setShared(secret: string, kind: SecretKind): void {
    this.shared = secret;
    this.kind = kind;
    write("sessionStorage", this.sharedKey, secret);
    write("sessionStorage", this.kindKey, kind);
  }

  forgetShared(): void {
    this.shared = undefined;
    write("sessionStorage", this.sharedKey, undefined);
  }

  setDeviceToken(token: string): void {
    write("localStorage", this.deviceKey, token);
  }

  forgetDeviceToken(): void {
    write("localStorage", this.deviceKey, undefined);
  }

  /** Forgets the token that was refused, unless another tab has a newer one. True if that is so. */
  replaceDeviceToken(refused: string | undefined): boolean {
    const kept = read("localStorage", this.deviceKey);
    if (kept !== undefined && kept !== refused) return true;
    this.forgetDeviceToken();
    return false;
  }

  /** What goes into `connect.auth`: everything known, the gateway picks. */
  auth(): ConnectAuth {
    const auth: ConnectAuth = {};
    if (this.shared !== undefined) auth[this.kind] = this.shared;
    const deviceToken = read("localStorage", this.deviceKey);
    if (deviceToken !== undefined) auth.deviceToken = deviceToken;
    return auth;
  }
}

/** Splits a location fragment into its `token` and what is left of it. Pure. */
export function splitFragment(hash: string): { token: string | undefined; rest: string } {
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  const token = parameters.get("token")?.trim() || undefined;
  if (!parameters.has("token")) return { token: undefined, rest: hash };
  parameters.delete("token");
  const rest = parameters.toString();
  return { token, rest: rest === "" ? "" : `#${rest}` };
}

/** Takes the token out of the address bar and its history entry, at once. */
export function takeFragmentToken(): string | undefined {
  const { token, rest } = splitFragment(location.hash);
  if (rest !== location.hash) history.replaceState(history.state, "", location.pathname + location.search + rest);
  return token;
}
