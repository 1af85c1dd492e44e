import { createRoot } from "react-dom/client";
import "uplot/dist/uPlot.min.css";
import { App } from "./app.tsx";
import { loadSettings } from "./settings.ts";
import { finishSignIn } from "./sign-in.ts";
import "./styles.css";
import { applyTheme } from "./theme.ts";

applyTheme();
await loadSettings();
const problem = await finishSignIn();
const place = document.getElementById("app");
if (place !== null) createRoot(place).render(<App problem={problem} />);
