/*
 * `npm run screenshots [-- <folder>]`: pictures of the console's pages for the documentation, from the local
 * Azure that runs in `.local` (or the folder named). Posts documents and breaks CE to have something to show.
 */
import { spawnSync } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import type { Environment } from "../local/environment.ts";
import { findChromium, openBrowser } from "./open-browser.ts";

const folder = process.argv[2] ?? ".local";
const environment = JSON.parse(
  await readFile(join(folder, "environment.json"), "utf8"),
) as Environment;
const images = "docs/images";
const settleMs = 6_000;
const drawMs = 2_500;

const executablePath = findChromium();
if (executablePath === undefined)
  throw new Error("There is no Chromium: apt-get install chromium-headless-shell");
await mkdir(images, { recursive: true });
const browser = await openBrowser(executablePath);
try {
  const page = await browser.newPage({ viewport: { width: 1240, height: 760 } });
  await signIn(page);
  for (const company of ["usmf", "gbsi", "demf", "jpmf"]) {
    await post({ company, repeat: 10 });
    // Of what was posted in the last 15 minutes nothing is compared.
    await post({ company, repeat: 3, minutesAgo: 20 });
  }
  await page.waitForTimeout(settleMs);
  // Other companies have the numbers of a series, too.
  const number = await post({ company: "usmf", number: "CIV-204711" });
  await page.waitForTimeout(settleMs);
  // While CE still answers: who is compared has to be asked.
  await takeVerification(page);
  await fault("PUT", { status: 429, retryAfter: 20 });
  await post({ company: "usmf", repeat: 5 });
  await post({ company: "usmf", number: "CIV-LATER" });
  await page.waitForTimeout(settleMs);
  await take(page, "overview", "#/overview");
  await page.getByRole("button", { name: "Dark" }).click();
  await take(page, "overview-dark", "#/overview");
  await page.getByRole("button", { name: "Light" }).click();
  await take(page, "targets", "#/targets");
  await failForGood(page);
  await takeFailures(page);
  await take(page, "flows", "#/flows");
  await take(page, "try-it", "#/simulation");
  await find(page, number);
} finally {
  await fault("DELETE");
  await browser.close();
}

/** A document that F&O never sent, and the comparison that finds it. */
async function takeVerification(page: Page): Promise<void> {
  await setActiveCompanies([]);
  await post({ company: "demf", number: "CIV-NEVER-SENT", minutesAgo: 20 });
  await setActiveCompanies(null);
  const command = ["cli/causeway.js", "verify", "--since", "1h"];
  // It exits with 5: there is something to look at.
  spawnSync(process.execPath, [...command, "--folder", folder]);
  await page.goto(`${environment.console.url}#/overview`);
  await page.getByRole("link", { name: /What F&O posted and the targets differ/ }).click();
  await page.getByTestId("counts").waitFor();
  await page.screenshot({ path: join(images, "console-verification.png") });
}

async function setActiveCompanies(legalEntities: readonly string[] | null): Promise<void> {
  const base = `${environment.finance.baseUrl}/sim/endpoints`;
  const endpoints = (await (await fetch(base)).json()) as readonly { readonly name: string }[];
  for (const { name } of endpoints) {
    await fetch(`${base}/${encodeURIComponent(name)}`, {
      method: "PATCH",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ legalEntities }),
    });
  }
}

async function signIn(page: Page): Promise<void> {
  await page.goto(environment.console.url);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: /Operator/ }).click();
  await page.getByTestId("me").waitFor();
}

async function find(page: Page, number: string): Promise<void> {
  await page.goto(`${environment.console.url}#/find`);
  await page.getByLabel(/Invoice number/).fill(number);
  await page.keyboard.press("Enter");
  await page.getByTestId("journeys").waitFor();
  await page.screenshot({ path: join(images, "console-find.png") });
  await page.getByRole("link", { name: number }).click();
  await page.getByRole("region", { name: "CE" }).waitFor();
  await page.screenshot({ path: join(images, "console-journey.png") });
}

/** What waits for a person: invoices that CE refuses, and mails whose domain does. */
async function failForGood(page: Page): Promise<void> {
  await fault("PUT", { status: 400 });
  await customer("PATCH", "usmf/US-002", { PrimaryContactEmail: "ap@bounce.example" });
  for (const company of ["usmf", "demf", "gbsi"]) await post({ company, repeat: 4 });
  await post({ company: "usmf", customer: "US-002", repeat: 3 });
  await retryUntil(async () => (await failuresShown(page)) >= 2);
  await fault("PUT", { status: 429, retryAfter: 20 });
}

async function takeFailures(page: Page): Promise<void> {
  await page.goto(`${environment.console.url}#/failures`);
  await page.getByRole("grid", { name: "Failures by cause" }).getByRole("row").nth(1).click();
  await page.getByRole("grid", { name: "Failures of this cause" }).waitFor();
  await page.getByRole("button", { name: "Plan" }).click();
  await page.getByTestId("plan").waitFor();
  await page.screenshot({ path: join(images, "console-failures.png"), fullPage: true });
}

async function failuresShown(page: Page): Promise<number> {
  await page.goto(`${environment.console.url}#/failures`);
  await page.waitForTimeout(drawMs);
  return page.getByRole("grid", { name: "Failures by cause" }).locator("tbody tr").count();
}

async function retryUntil(isThere: () => Promise<boolean>): Promise<void> {
  for (let times = 0; times < 20; times += 1) if (await isThere()) return;
  throw new Error("The failures have not come.");
}

async function take(page: Page, name: string, place: string): Promise<void> {
  await page.goto(environment.console.url + place);
  // Answers come and the chart is drawn; nothing on the page says that the last one is in.
  await page.waitForTimeout(drawMs);
  await page.screenshot({ path: join(images, `console-${name}.png`) });
}

async function post(body: object): Promise<string> {
  const response = await fetch(`${environment.finance.baseUrl}/sim/post-invoice`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return ((await response.json()) as { readonly number: string }).number;
}

async function customer(method: string, path: string, body: object): Promise<void> {
  await fetch(`${environment.finance.baseUrl}/sim/customers/${path}`, {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

async function fault(method: "PUT" | "DELETE", body?: object): Promise<void> {
  await fetch(`${environment.dataverse.baseUrl}/sim/faults`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}
