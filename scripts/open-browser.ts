import { chromium } from "playwright-core";
import type { Browser } from "playwright-core";
import { existsSync } from "node:fs";

/**
 * Debian's Chromium; undefined where there is none. Its headless shell first (`.ci/run` installs it), which has no
 * windows to draw and takes less of the processor.
 */
export function findChromium(): string | undefined {
  const named = process.env["CHROMIUM_PATH"];
  const candidates = [
    named ?? "",
    "/usr/bin/chromium-headless-shell",
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
  ];
  return candidates.find((path) => path !== "" && existsSync(path));
}

/** Headless, and talking to nobody but the pages that a test opens. */
export function openBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // Everything else than this machine is no address at all.
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ],
  });
}
