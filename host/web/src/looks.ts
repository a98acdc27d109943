// Where the library's own styles leave something unreadable or out of place, and the theme cannot
// reach: boxes beside their words, dates in the dark, tabs and dialogs.
import * as UI from "@a2ui/lit/ui";
import { css } from "lit";

/** Gives the library's elements these looks; they must be defined already. */
export function dress() {
  UI.Checkbox.elementStyles.push(css`
    section {
      display: flex;
      align-items: center;
      gap: 10px;
      min-height: 44px;
    }
    input {
      flex: none;
      width: 20px;
      height: 20px;
      margin: 0;
      accent-color: var(--accent);
    }
  `);
  UI.DateTimeInput.elementStyles.push(css`
    input::-webkit-datetime-edit,
    input::-webkit-datetime-edit-fields-wrapper {
      color: inherit;
    }
  `);
  UI.Slider.elementStyles.push(css`
    input {
      accent-color: var(--accent);
    }
  `);
  UI.Tabs.elementStyles.push(css`
    button {
      font: inherit;
      color: inherit;
      background: none;
      border: none;
      border-bottom: 2px solid var(--line);
      padding: 8px 16px;
      min-height: 44px;
      cursor: pointer;
    }
    button:disabled {
      border-color: var(--accent);
      font-weight: 600;
      cursor: default;
    }
  `);
  UI.Modal.elementStyles.push(css`
    dialog {
      width: min(480px, 100% - 32px);
      color: inherit;
    }
    dialog section {
      background: var(--sheet);
      border: 1px solid var(--line);
      border-radius: var(--radius);
      padding: 4px 16px 16px;
    }
    dialog section #controls {
      margin: 0 -12px;
    }
    dialog section #controls button {
      width: 44px;
      height: 44px;
      padding: 10px;
      color: inherit;
    }
    dialog::backdrop {
      background: rgb(0 0 0 / 50%);
    }
  `);
}
