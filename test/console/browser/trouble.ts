import { describe, expect, it } from "@jest/globals";
import type { Page } from "playwright-core";
import { eventually } from "../../support/eventually.ts";
import { local, open, signIn } from "./one-console.ts";

const api = "**/api/ops/v1/**";

async function typeReason(page: Page, words: string): Promise<void> {
  await open(page, "targets");
  const crm = page.getByRole("article", { name: "CRM" });
  await crm.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("dialog").getByLabel("Reason").fill(words);
}

/** What a script of the page that is open gets from the API: an answer's status, or nothing. */
function askFromPage(page: Page, url: string, method: string, authorization: string) {
  return page.evaluate(
    ([to, how, sign]) =>
      fetch(to, { method: how, headers: { authorization: sign } }).then(
        ({ status }) => status,
        () => "refused",
      ),
    [url, method, authorization] as const,
  );
}

describe("a page of another site", () => {
  it("reads and changes nothing, even if it had a token", async () => {
    const page = await signIn("Operator");
    const asked = page.waitForRequest("**/api/ops/v1/overview");
    await open(page, "overview");
    const request = await asked;
    const { authorization = "" } = request.headers();
    const overview = request.url();
    const pause = overview.replace("overview", "targets/crm/pause");
    const own = await askFromPage(page, overview, "GET", authorization);

    await page.goto(local.environment.mail.baseUrl);
    const foreign = [
      await askFromPage(page, overview, "GET", authorization),
      await askFromPage(page, pause, "POST", authorization),
    ];

    expect({ own, foreign }).toEqual({ own: 200, foreign: ["refused", "refused"] });
  });
});

describe("the console in trouble", () => {
  it("keeps what was typed when the sign-in ends", async () => {
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
  });

  it("says what happened when the ledger is down, and goes on by itself", async () => {
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
    await eventually(async () =>
      expect(await page.getByRole("article", { name: "Intake" }).count()).toBe(1),
    );
  });

  it("goes on by itself after an outage, also where a page asks only once", async () => {
    const { world } = local;
    const { eventId, number } = await world.post({ company: "usmf", wait: true });
    await eventually(async () => expect(await world.states(eventId)).not.toEqual({}));
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
    await eventually(async () => expect(await page.getByRole("alert").count()).toBe(0));
  });

  it("says of a change without an answer that nobody knows, and keeps its words", async () => {
    const page = await signIn("Operator");
    await typeReason(page, "the CRM moves");
    await page.route(api, (route) => route.abort());
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Nobody knows whether it was done.").waitFor();
    expect(await dialog.getByLabel("Reason").inputValue()).toBe("the CRM moves");
  });

  it("lets a person sign in again from the dialog in which the sign-in ended", async () => {
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
  });

  it("finds nothing for nonsense, asks for something where nothing was typed, and survives a cut address", async () => {
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
    await eventually(async () => expect(await page.getByRole("alert").count()).toBe(0));
  });
});
