// Inline drawings: no icon font, so nothing is missing on a machine without the glyphs.
import type { ComponentChildren } from "preact";

function Icon({ children }: { children: ComponentChildren }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const MenuIcon = () => <Icon><path d="M4 7h16M4 12h16M4 17h16" /></Icon>;
export const CloseIcon = () => <Icon><path d="M6 6l12 12M18 6L6 18" /></Icon>;
export const PlusIcon = () => <Icon><path d="M12 5v14M5 12h14" /></Icon>;
export const SearchIcon = () => <Icon><circle cx="11" cy="11" r="6.5" /><path d="M16 16l4.5 4.5" /></Icon>;
export const SendIcon = () => <Icon><path d="M12 19V5M5.5 11.5L12 5l6.5 6.5" /></Icon>;
export const StopIcon = () => <Icon><rect x="7" y="7" width="10" height="10" rx="2" fill="currentColor" stroke="none" /></Icon>;
export const DownIcon = () => <Icon><path d="M12 5v14M5.5 12.5L12 19l6.5-6.5" /></Icon>;
export const CopyIcon = () => <Icon><rect x="9" y="9" width="11" height="11" rx="2" /><path d="M5 15V6a2 2 0 0 1 2-2h8" /></Icon>;
export const CheckIcon = () => <Icon><path d="M5 12.5l4.5 4.5L19 7.5" /></Icon>;
export const ToolIcon = () => <Icon><path d="M14.5 6.5a4 4 0 0 1 5 5l-8 8a2.1 2.1 0 0 1-3-3l8-8M14.5 6.5l2.5-2.5M19.5 11.5L22 9" /></Icon>;
export const ChannelsIcon = () => <Icon><path d="M5 12a7 7 0 0 1 14 0M8.5 12a3.5 3.5 0 0 1 7 0" /><circle cx="12" cy="14" r="1.5" /><path d="M12 15.5V20" /></Icon>;
export const PluginsIcon = () => <Icon><path d="M9 3v5M15 3v5M6 8h12v3a6 6 0 0 1-12 0zM12 17v4" /></Icon>;
export const SignOutIcon = () => <Icon><path d="M14 4h4a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2h-4M10 8l-4 4 4 4M6 12h10" /></Icon>;

/** The product's mark: a patch panel with one cord plugged in. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" fill="#0f5e5a" />
      <g fill="none" stroke="#f3efe4" stroke-width="2">
        <circle cx="10" cy="10" r="3.5" />
        <circle cx="22" cy="10" r="3.5" />
        <circle cx="22" cy="22" r="3.5" />
      </g>
      <path d="M10 22C10 15 22 17 22 10" fill="none" stroke="#f0b45b" stroke-width="2.6" stroke-linecap="round" />
      <circle cx="10" cy="22" r="3.5" fill="#f0b45b" />
      <circle cx="22" cy="10" r="2" fill="#f0b45b" />
    </svg>
  );
}
