import { afterEach, describe, expect, it } from "@jest/globals";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { eventually } from "../../support/eventually.ts";
import { local, open, signIn } from "./one-console.ts";

async function violations(page: Page, only?: string): Promise<readonly string[]> {
  // By the debugger's door: the page's own policy lets no script in. It stays until the page is left.
  if (!(await page.evaluate<boolean>("'axe' in globalThis"))) await page.evaluate(axe.source);
  const { violations: found } = await page.evaluate(
    (rule) =>
      (globalThis as unknown as { axe: typeof axe }).axe.run(
        rule === undefined ? {} : { runOnly: [rule] },
      ),
    only,
  );
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
}

/** The page itself, with its answer: of the one before, or while it loads, nothing is proven. */
async function openWhole(page: Page, place: string): Promise<void> {
  await open(page, place);
  await page.locator(`nav a[href="#/${place}"][aria-current=page]`).waitFor();
  await page.locator(".loading").first().waitFor({ state: "detached" });
}

/** An invoice of usmf that is everywhere by now: what is asked for once is there to be found. */
async function postDelivered(): Promise<string> {
  const { world } = local;
  const { eventId, number } = await world.post({ company: "usmf", wait: true });
  const delivered = { intake: "published", ce: "delivered", crm: "delivered", email: "delivered" };
  await eventually(async () => expect(await world.states(eventId)).toEqual(delivered));
  return number;
}

/** Documents that CE refuses for good; ids of their failures. CE goes on refusing until the test ends. */
async function failInCe(prefix: string, documents: number): Promise<readonly string[]> {
  const { world } = local;
  await world.setFault("dataverse", { status: 400 });
  for (let n = 1; n <= documents; n += 1) {
    await world.post({ number: `${prefix}-${n}`, customer: "US-001", door: "https" });
  }
  return eventually(async () => {
    const failed = await world.failures();
    const own = failed
      .filter(({ body }) => body.includes(prefix))
      .map(({ failureId }) => failureId);
    if (own.length < documents) throw new Error(`${own.length} of ${documents} failed`);
    return own;
  });
}

afterEach(async () => {
  await local.world.setFault("dataverse", null);
});

describe("the console", () => {
  it("finds an invoice by its number and shows every hop, by keyboard alone", async () => {
    const number = await postDelivered();
    const page = await signIn("Reader");
    await open(page, "find");
    await page.getByLabel(/Invoice number/).focus();
    await page.keyboard.type(number.toLowerCase());
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: number }).focus();
    await page.keyboard.press("Enter");
    const ce = page.getByRole("region", { name: "CE" });
    await ce.getByText("delivered").first().waitFor();
    await ce.getByText(/hop 1, 1 try/).waitFor();
    await page.getByText("What came in and was sent on").press("Enter");
    const body = await page.locator("pre").first().textContent();
    expect(body).toContain('"name": "***"');
  });

  it("lets an Operator pause a target and resume it; a Reader only looks", async () => {
    const reader = await signIn("Reader");
    await open(reader, "targets");
    await reader.getByRole("article", { name: "CRM" }).waitFor();
    expect(await reader.getByRole("button", { name: "Pause" }).count()).toBe(0);
    const page = await signIn("Operator");
    await open(page, "targets");
    const crm = page.getByRole("article", { name: "CRM" });
    await crm.getByRole("button", { name: "Pause" }).click();
    await page.keyboard.type("the CRM is being upgraded");
    await page.keyboard.press("Enter");
    await crm.getByText("“the CRM is being upgraded”").waitFor();
    // The other person sees it without doing anything.
    await reader.getByText("“the CRM is being upgraded”").waitFor();
    await crm.getByRole("button", { name: "Resume" }).click();
    await page.getByRole("dialog").getByLabel("Reason").fill("done");
    await page.keyboard.press("Enter");
    await crm.getByText("It answers.").waitFor();
    await crm.getByRole("button", { name: "Pause" }).waitFor();
  });

  it("shows what is left of each target's quota, and when Dataverse told it", async () => {
    await postDelivered();
    const page = await signIn("Reader");
    await open(page, "targets");
    const quotaOf = (target: string) =>
      page.getByRole("article", { name: target }).locator(".quota");
    await quotaOf("CE")
      .getByText(/^[\d,]+ left, \d+ m?s ago$/)
      .first()
      .waitFor();
    expect(await quotaOf("CE").textContent()).toMatch(
      /^requests in 5 minutes, told by Dataverse5,\d{3} left, \d+ m?s ago/,
    );
    for (const [target, window, limit] of [
      ["CRM", "calls a minute", 300],
      ["E-mail", "calls an hour", 90],
    ] as const) {
      const text = (await quotaOf(target).textContent()) ?? "";
      expect(text).toContain(window);
      // How much it is depends on how often a mail was asked for; a minute may have begun just now.
      const [, used, of, left] = /(\d+) of (\d+) used, (\d+) left/.exec(text) ?? [];
      expect([Number(of), Number(used) + Number(left)]).toEqual([limit, limit]);
    }
  });

  it("breaks CE and heals it, and the invoice arrives by itself", async () => {
    const page = await signIn("Operator");
    await open(page, "simulation");
    await page.getByLabel("Fault of CE").selectOption("throttled");
    await page.getByRole("button", { name: "Break CE" }).click();
    await page.getByRole("button", { name: "Heal CE" }).waitFor();
    await page.getByRole("button", { name: "Post one" }).click();
    await page.getByRole("list", { name: "Posted" }).getByRole("link").click();
    const journey = page.url();
    const ce = page.getByRole("region", { name: "CE" });
    await ce.getByText("put off").first().waitFor();
    await open(page, "simulation");
    await page.getByRole("button", { name: "Heal CE" }).click();
    await page.getByRole("button", { name: "Break CE" }).waitFor();
    await page.goto(journey);
    await ce.getByRole("link", { name: "Open the record" }).waitFor();
    await eventually(async () => expect(await ce.getByText("put off").count()).toBeGreaterThan(0));
  });

  it("shows a replay that stops by itself, with its reason", async () => {
    await failInCe("CONSOLE-STOP", 4);
    const page = await signIn("Operator");
    await open(page, "failures");
    await page.getByRole("grid", { name: "Failures by cause" }).getByRole("row").nth(1).click();
    await page.getByRole("button", { name: "Replay the whole group" }).click();
    await page.getByRole("dialog").getByLabel("Reason").fill("perhaps it works now");
    await page.keyboard.press("Enter");
    const replay = page.getByTestId("replay").first();
    await replay.getByText("It stopped by itself:").waitFor();
    expect(await replay.getByRole("alert").textContent()).toMatch(
      /^It stopped by itself: 1 of 1 in step 1 failed again, more than 10 %: 1 \w+$/,
    );
    await replay.getByText(/^Replay stopped: 0 delivered, 1 failed again of \d+$/).waitFor();
    // It is over: nobody can pause or cancel it.
    await eventually(async () => expect(await replay.getByRole("button").count()).toBe(0));
  });

  it("tells the second of two operators that a failure is decided, and keeps his words", async () => {
    const [failureId = ""] = await failInCe("CONSOLE-TWO", 1);
    const [first, second] = [await signIn("Operator"), await signIn("Approver")];
    for (const page of [first, second]) {
      await open(page, `failure/ce/${failureId}`);
      await page.getByRole("button", { name: "Discard this one" }).click();
    }
    const words = "the customer was merged, so this invoice is not wanted";
    await second.getByRole("dialog").getByLabel("Reason").fill(words);
    await first.getByRole("dialog").getByLabel("Reason").fill("posted by mistake");
    await first.keyboard.press("Enter");
    await first.getByTestId("decided").getByText("discarded").waitFor();
    // He did nothing: the page found out by itself while he was typing.
    const decided = second.getByTestId("decided");
    await decided.getByText("This failure is decided").waitFor();
    expect(await decided.textContent()).toContain(`What you typed was not sent: ${words}`);
    await second.getByRole("button", { name: "Discard this one" }).waitFor({ state: "detached" });
    await decided.getByRole("button", { name: "Keep it as a note" }).click();
    await second.getByRole("region", { name: "Notes" }).getByText(words).waitFor();
    await decided.getByText(words).waitFor({ state: "detached" });
  });

  it("fits a narrow window: no page has to be moved sideways", async () => {
    const page = await signIn("Operator");
    await page.setViewportSize({ width: 400, height: 800 });
    const tooWide: string[] = [];
    for (const place of ["overview", "find", "failures", "targets", "flows", "simulation"]) {
      await openWhole(page, place);
      if (place === "flows") await page.getByTestId("record").waitFor();
      const by = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
      if (by > 0) tooWide.push(`${place} by ${by}`);
    }
    expect(tooWide).toEqual([]);
  });

  it("is clean by axe on every page, light and dark, and asks nobody else for anything", async () => {
    const page = await signIn("Approver");
    const own = new URL(local.world.consoleUrl).origin;
    const others: string[] = [];
    page.on("request", (request) => {
      if (!request.url().startsWith(own) && !request.url().startsWith("data:")) {
        others.push(request.url());
      }
    });
    const found: string[] = [];
    for (const place of ["overview", "find", "failures", "targets", "flows"]) {
      await openWhole(page, place);
      found.push(...(await violations(page)).map((text) => `${place} light ${text}`));
      await page.getByRole("button", { name: "Dark" }).click();
      // What differs in the dark are colours.
      const dark = await violations(page, "color-contrast");
      found.push(...dark.map((text) => `${place} dark ${text}`));
      await page.getByRole("button", { name: "Light" }).click();
    }
    expect(found).toEqual([]);
    expect(others).toEqual([]);
  });
});
