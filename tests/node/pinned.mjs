// The published reference client against a gateway that speaks TLS, trusting one certificate alone.
//
//   node pinned.mjs <wss url> <token> <fingerprint>
//
// Prints one line of JSON: what a connection with this fingerprint came to, and one with another.

import { GatewayClient } from "@openclaw/gateway-client";

const [url, token, fingerprint] = process.argv.slice(2);

/** What became of one connection: the protocol it was greeted with, or why it was not. */
function attempt(tlsFingerprint) {
  return new Promise((resolve) => {
    const done = (outcome) => {
      client.stop();
      resolve(outcome);
    };
    const client = new GatewayClient({
      url,
      token,
      tlsFingerprint,
      minProtocol: 4,
      maxProtocol: 4,
      scopes: ["operator.read"],
      onHelloOk: (hello) => done({ protocol: hello.protocol }),
      onConnectError: (error) => done({ error: error.message }),
    });
    client.start();
  });
}

const other = fingerprint.startsWith("00") ? `11${fingerprint.slice(2)}` : `00${fingerprint.slice(2)}`;
console.log(JSON.stringify({ pinned: await attempt(fingerprint), other: await attempt(other) }));
process.exit(0);
