// Ed25519 signing, by WebCrypto with a key that cannot be exported, or in plain JavaScript where the
// page is not a secure context. It must not know where keys are stored.
import { getPublicKey, hashes, sign } from "@noble/ed25519";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { base64url, hex } from "./encoding.ts";

hashes.sha512 = sha512;

/** What is kept of an identity. A `webcrypto` key never leaves the browser's key store. */
export type StoredKey =
  | { kind: "webcrypto"; publicKey: Uint8Array; privateKey: CryptoKey }
  | { kind: "seed"; publicKey: Uint8Array; seed: Uint8Array };

export interface Device {
  /** Hex SHA-256 of the raw public key. */
  id: string;
  /** Raw public key, base64url without padding. */
  publicKey: string;
  /** Signature over the UTF-8 text, base64url without padding. */
  sign(message: string): Promise<string>;
}

export async function createKey(): Promise<StoredKey> {
  if (globalThis.isSecureContext && globalThis.crypto?.subtle) {
    try {
      return await createWebCryptoKey();
    } catch {
      // Older browsers have WebCrypto without Ed25519; the seed below serves them as well.
    }
  }
  return seedKey(crypto.getRandomValues(new Uint8Array(32)));
}

async function createWebCryptoKey(): Promise<StoredKey> {
  const pair = (await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"])) as CryptoKeyPair;
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  return { kind: "webcrypto", publicKey, privateKey: pair.privateKey };
}

export function seedKey(seed: Uint8Array): StoredKey {
  return { kind: "seed", publicKey: getPublicKey(seed), seed };
}

/** Whether this page can use the key: a WebCrypto key is of no use without `crypto.subtle`. */
export function isUsable(key: StoredKey): boolean {
  return key.kind === "seed" || globalThis.crypto?.subtle !== undefined;
}

export function deviceFrom(key: StoredKey): Device {
  return {
    id: hex(sha256(key.publicKey)),
    publicKey: base64url(key.publicKey),
    async sign(message) {
      const bytes = new TextEncoder().encode(message);
      if (key.kind === "seed") return base64url(sign(bytes, key.seed));
      const signature = await crypto.subtle.sign({ name: "Ed25519" }, key.privateKey, bytes);
      return base64url(new Uint8Array(signature));
    },
  };
}
