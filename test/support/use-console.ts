import { afterAll, afterEach, beforeAll } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { findChromium, openBrowser } from "../../scripts/open-browser.ts";
import type { LocalAzureUnderTest } from "./use-local-azure.ts";

/** As long as any wait (`eventually`). */
const stepMs = 90_000;

/** Where the console keeps a tab's tokens. */
const sessionKey = "causeway.session";

type Role = "Reader" | "Operator" | "Approver";

export interface ConsoleUnderTest {
  /** A fresh person at the console; what the page complains of is a failure of the test. */
  readonly signIn: (role: Role) => Promise<Page>;
  readonly open: (page: Page, place: string) => Promise<void>;
}

/** One browser for a test file, at the console of its local Azure; what a test opens in it closes with the test. */
export function useConsole(local: LocalAzureUnderTest): ConsoleUnderTest {
  let browser: Browser | undefined;
  // The way over the sign-in is three pages: each role goes it once, and later tests take up its session.
  const sessions = new Map<Role, string>();

  beforeAll(async () => {
    const executablePath = findChromium();
    if (executablePath === undefined) {
      throw new Error(
        "These tests need Chromium: apt-get install chromium-headless-shell, or CHROMIUM_PATH.",
      );
    }
    browser = await openBrowser(executablePath);
  });

  // A page that stays open goes on asking, also when its test failed.
  afterEach(async () => {
    await Promise.all(browser?.contexts().map((context) => context.close()) ?? []);
  });

  afterAll(async () => {
    await browser?.close();
  });

  return {
    signIn: async (role) => {
      if (browser === undefined) throw new Error("the browser has not started");
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
      const page = await context.newPage();
      page.setDefaultTimeout(stepMs);
      page.on("pageerror", (error) => {
        throw error;
      });
      const { consoleUrl } = local.world;
      const session = sessions.get(role);
      if (session === undefined) {
        await signInByHand(page, consoleUrl, role);
        sessions.set(role, await page.evaluate<string>(`sessionStorage["${sessionKey}"]`));
      } else {
        await page.goto(`${consoleUrl}/settings.json`);
        await page.evaluate(`sessionStorage["${sessionKey}"] = ${JSON.stringify(session)}`);
        await page.goto(consoleUrl);
      }
      await page.getByTestId("me").getByText(role).waitFor();
      return page;
    },
    open: async (page, place) => {
      await page.goto(`${local.world.consoleUrl}#/${place}`);
      await page.getByRole("heading", { level: 1 }).waitFor();
    },
  };
}

async function signInByHand(page: Page, consoleUrl: string, role: Role): Promise<void> {
  await page.goto(consoleUrl);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: new RegExp(role) }).click();
  await page.getByTestId("me").waitFor();
}
