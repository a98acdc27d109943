// Where the page starts: draws it, then connects.
import { render } from "preact";
import { listener } from "./app/events.ts";
import { start } from "./app/gateway.ts";
import { App } from "./views/app.tsx";

// Connecting comes first: it takes the token out of the address bar.
start(listener);
render(<App />, document.getElementById("app")!);
