// Copying text to the clipboard, also where `navigator.clipboard` does not exist (plain HTTP).
import { useState } from "preact/hooks";
import { CheckIcon, CopyIcon } from "./icons.tsx";

const SHOWN_MS = 1_500;

export async function copyText(value: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(value);
    return true;
  } catch {
    return copyBySelection(value);
  }
}

function copyBySelection(value: string): boolean {
  const focused = document.activeElement;
  const area = document.createElement("textarea");
  area.value = value;
  area.className = "off-screen";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return copied;
}

/** `value` is asked for when the button is pressed. */
export function CopyButton({ value, label }: { value: () => string; label: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    if (!(await copyText(value()))) return;
    setCopied(true);
    setTimeout(() => setCopied(false), SHOWN_MS);
  };
  return (
    <button type="button" class="quiet small" onClick={() => void copy()} aria-label={copied ? "Copied" : label} title={label}>
      {copied ? <CheckIcon /> : <CopyIcon />}
    </button>
  );
}
