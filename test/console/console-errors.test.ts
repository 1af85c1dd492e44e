import { describe, expect, it } from "@jest/globals";
import type { Page } from "playwright-core";
import { eventually } from "../support/eventually.ts";
import { runCauseway } from "../support/run-causeway.ts";
import { testMs, useConsole } from "../support/use-console.ts";
import { useLocalAzure } from "../support/use-local-azure.ts";

const local = useLocalAzure("console-errors");
const { open, signIn } = useConsole(local);
const api = "**/api/ops/v1/**";

async function typeReason(page: Page, words: string): Promise<void> {
  await open(page, "targets");
  const crm = page.getByRole("article", { name: "CRM" });
  await crm.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("dialog").getByLabel("Reason").fill(words);
}

describe("the console in trouble", () => {
  it(
    "keeps what was typed when the sign-in ends",
    async () => {
      const page = await signIn("Operator");
      await open(page, "find");
      await page.getByLabel(/Invoice number/).fill("CIV-TYPED");
      await page.route("**/api/ops/v1/**", (route) => route.fulfill({ status: 401, body: "{}" }));
      await page.getByRole("button", { name: "Find" }).click();
      await page.getByTestId("signed-out").waitFor();
      await page.unroute("**/api/ops/v1/**");
      await page.getByRole("button", { name: "Sign in again" }).click();
      await page.getByRole("button", { name: /Operator/ }).click();
      await page.getByText("Nothing was found for “CIV-TYPED”").waitFor();
      expect(await page.getByLabel(/Invoice number/).inputValue()).toBe("CIV-TYPED");
      await page.context().close();
    },
    testMs,
  );

  it(
    "says what happened when the ledger is down, and goes on by itself",
    async () => {
      const page = await signIn("Reader");
      await open(page, "overview");
      const error = { code: "LEDGER_UNAVAILABLE", message: "Storage is away.", fix: "Wait." };
      await page.route("**/api/ops/v1/overview", (route) =>
        route.fulfill({ status: 503, json: { error } }),
      );
      const alert = page.getByRole("alert").getByText("LEDGER_UNAVAILABLE");
      await alert.waitFor();
      await page.unroute("**/api/ops/v1/overview");
      await alert.waitFor({ state: "detached" });
      expect(await page.getByRole("article", { name: "Intake" }).count()).toBe(1);
      await page.context().close();
    },
    testMs,
  );

  it(
    "goes on by itself after an outage, also where a page asks only once",
    async () => {
      const { number } = await local.world.post({ company: "usmf", wait: true });
      const page = await signIn("Operator");
      await open(page, "find");
      await page.route(api, (route) => route.abort());
      await page.getByLabel(/Invoice number/).fill(number);
      await page.keyboard.press("Enter");
      await page.getByRole("alert").getByText("NO_ANSWER").waitFor();
      // Opened in the outage, it does not even know who looks.
      await page.reload();
      await page.getByRole("alert").getByText("NO_ANSWER").waitFor();
      await page.unroute(api);
      await page.getByTestId("journeys").getByRole("link", { name: number }).waitFor();
      await page.getByTestId("me").waitFor();
      expect(await page.getByRole("alert").count()).toBe(0);
      await page.context().close();
    },
    testMs,
  );

  it(
    "says of a change without an answer that nobody knows, and keeps its words",
    async () => {
      const page = await signIn("Operator");
      await typeReason(page, "the CRM moves");
      await page.route(api, (route) => route.abort());
      await page.keyboard.press("Enter");
      const dialog = page.getByRole("dialog");
      await dialog.getByText("Nobody knows whether it was done.").waitFor();
      expect(await dialog.getByLabel("Reason").inputValue()).toBe("the CRM moves");
      await page.context().close();
    },
    testMs,
  );

  it(
    "lets a person sign in again from the dialog in which the sign-in ended",
    async () => {
      const page = await signIn("Operator");
      await typeReason(page, "the CRM is late");
      await page.route(api, (route) => route.fulfill({ status: 401, body: "{}" }));
      await page.keyboard.press("Enter");
      const again = page.getByRole("dialog").getByRole("button", { name: "Sign in again" });
      await again.waitFor();
      await page.unroute(api);
      await again.click();
      await page.getByRole("button", { name: /Operator/ }).click();
      const crm = page.getByRole("article", { name: "CRM" });
      await crm.getByRole("button", { name: "Pause" }).click();
      const reason = page.getByRole("dialog").getByLabel("Reason");
      expect(await reason.inputValue()).toBe("the CRM is late");
      await page.context().close();
    },
    testMs,
  );

  it(
    "finds nothing for nonsense, asks for something where nothing was typed, and survives a cut address",
    async () => {
      const page = await signIn("Reader");
      await open(page, "find");
      await page.getByRole("button", { name: "Find" }).click();
      await page.getByText("Type what to look for").waitFor();
      await page.getByLabel(/Invoice number/).fill("<b>' or 1 eq 1 %00 \u202e");
      await page.keyboard.press("Enter");
      await page.getByText("A company outside the flows has to be named").waitFor();
      await open(page, "journey/%E0%A4%A");
      await page.getByRole("alert").getByText("JOURNEY_UNKNOWN").waitFor();
      await page.getByRole("link", { name: "Find" }).first().click();
      await page.getByRole("heading", { name: "Find" }).waitFor();
      expect(await page.getByRole("alert").count()).toBe(0);
      await page.context().close();
    },
    testMs,
  );
});

describe("documents that F&O never sent", () => {
  it(
    "are on the overview with their companies, and are sent from there",
    async () => {
      const { folder, world } = local;
      await world.setActiveCompanies([]);
      const { number } = await world.post({ company: "demf", number: "CONSOLE-MISSING" });
      await world.setActiveCompanies(null);
      const until = new Date(Date.now() + 1_000).toISOString();
      await runCauseway(folder, ["verify", "--since", "1h", "--until", until]);
      const page = await signIn("Operator");
      await open(page, "overview");
      const need = page.getByRole("link", { name: /What F&O posted and the targets differ/ });
      await need.waitFor();
      expect(await need.textContent()).toContain("demf: 1 missing in ce, 1 missing in crm");
      await need.click();
      await page.getByTestId("findings").getByText("F&O sent no event for it").first().waitFor();
      await page.getByRole("button", { name: "Send what is missing" }).click();
      await page.getByText("They are on their way").waitFor();
      await eventually(async () => {
        expect(await world.effects(number)).toMatchObject({ ce: 1, crm: 1, email: 0 });
      }, 30_000);
      await page.getByRole("button", { name: "Compare again" }).click();
      await page.getByTestId("verification").getByText("the same").waitFor();
      await open(page, "overview");
      await page.getByText("0 missing, 0 doubled, 0 differing").waitFor();
      expect(await need.count()).toBe(0);
      await page.context().close();
    },
    testMs,
  );
});
