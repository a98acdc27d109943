// How the library's components look: no classes of its own, a few styles from the page's colours.
import type { v0_8 } from "@a2ui/lit";

type Theme = v0_8.Types.Theme;

const none = {};
const parts = { container: none, element: none, label: none };
const field = {
  font: "inherit",
  color: "inherit",
  background: "var(--sheet)",
  border: "1px solid var(--line)",
  borderRadius: "var(--radius)",
  padding: "8px 10px",
};

export const theme: Theme = {
  components: {
    AudioPlayer: none,
    Button: none,
    Card: none,
    Column: none,
    CheckBox: parts,
    DateTimeInput: parts,
    Divider: none,
    Image: {
      all: none,
      icon: none,
      avatar: none,
      smallFeature: none,
      mediumFeature: none,
      largeFeature: none,
      header: none,
    },
    Icon: none,
    List: none,
    Modal: { backdrop: none, element: none },
    MultipleChoice: parts,
    Row: none,
    Slider: parts,
    Tabs: { container: none, element: none, controls: { all: none, selected: none } },
    Text: { all: none, h1: none, h2: none, h3: none, h4: none, h5: none, caption: none, body: none },
    TextField: parts,
    Video: none,
  },
  elements: {
    a: none,
    audio: none,
    body: none,
    button: none,
    h1: none,
    h2: none,
    h3: none,
    h4: none,
    h5: none,
    iframe: none,
    input: none,
    p: none,
    pre: none,
    textarea: none,
    video: none,
  },
  markdown: { p: [], h1: [], h2: [], h3: [], h4: [], h5: [], ul: [], ol: [], li: [], a: [], strong: [], em: [] },
  additionalStyles: {
    Button: {
      font: "inherit",
      fontWeight: "600",
      color: "var(--on-accent)",
      background: "var(--accent)",
      border: "none",
      borderRadius: "var(--radius)",
      padding: "8px 16px",
      minHeight: "44px",
      cursor: "pointer",
    },
    Card: {
      background: "var(--sheet)",
      border: "1px solid var(--line)",
      borderRadius: "var(--radius)",
      padding: "16px",
    },
    Column: { gap: "12px" },
    Row: { gap: "12px" },
    List: { gap: "12px" },
    TextField: field,
    DateTimeInput: field,
    MultipleChoice: field,
  },
};
