// The way out of the page. Web views of phones and desktops offer a function under a known name.

/** What a person did, as A2UI has it. */
export interface UserAction {
  id: string;
  name: string;
  surfaceId: string;
  sourceComponentId: string;
  timestamp: string;
  context: Record<string, unknown>;
}

interface Port {
  postMessage(message: unknown): void;
}

interface Bridged {
  /** WebKit's form. */
  webkit?: { messageHandlers?: Record<string, Port | undefined> };
  /** That of Android's web view, and of a browser driven from outside. */
  openclawCanvasA2UIAction?: Port;
}

const NAME = "openclawCanvasA2UIAction";

/** Hands an action over; false when there is nobody to take it. */
export function hand(userAction: UserAction): boolean {
  const bridged = globalThis as Bridged;
  const webkit = bridged.webkit?.messageHandlers?.[NAME];
  if (webkit) {
    webkit.postMessage({ userAction });
    return true;
  }
  const other = bridged.openclawCanvasA2UIAction;
  other?.postMessage(JSON.stringify({ userAction }));
  return other !== undefined;
}
