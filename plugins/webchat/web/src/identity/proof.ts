// The text a device signs to prove its identity while connecting (payload version 3). Pure.

export interface ProofFields {
  deviceId: string;
  clientId: string;
  clientMode: string;
  role: string;
  scopes: readonly string[];
  /** Milliseconds, taken from the challenge. */
  signedAt: number;
  auth: { token?: string; deviceToken?: string; bootstrapToken?: string };
  nonce: string;
  platform?: string;
  deviceFamily?: string;
}

/** Eleven fields joined by `|`. The token field is never a password. */
export function proofText(fields: ProofFields): string {
  const { auth } = fields;
  return [
    "v3",
    fields.deviceId,
    fields.clientId,
    fields.clientMode,
    fields.role,
    fields.scopes.join(","),
    String(fields.signedAt),
    auth.token || auth.deviceToken || auth.bootstrapToken || "",
    fields.nonce,
    asciiLower(fields.platform),
    asciiLower(fields.deviceFamily),
  ].join("|");
}

/** Only A–Z change: the gateway lowers the same letters, whatever the locale. */
function asciiLower(value: string | undefined): string {
  return (value ?? "").trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
