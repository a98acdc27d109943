// Web storage that may be switched off or full. Reading then finds nothing and writing does nothing:
// what would have been kept lives only as long as the page holds it in memory.

type Area = "localStorage" | "sessionStorage";

export function read(area: Area, key: string): string | undefined {
  try {
    return globalThis[area].getItem(key) || undefined;
  } catch {
    return undefined;
  }
}

/** `undefined` removes the key. */
export function write(area: Area, key: string, value: string | undefined): void {
  try {
    if (value === undefined) globalThis[area].removeItem(key);
    else globalThis[area].setItem(key, value);
  } catch {
    // Nothing to do: see the top of the file.
  }
}
