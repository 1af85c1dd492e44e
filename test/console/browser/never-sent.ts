import { describe, expect, it } from "@jest/globals";
import { eventually } from "../../support/eventually.ts";
import { runCauseway } from "../../support/run-causeway.ts";
import { local, open, signIn } from "./one-console.ts";

/**
 * A document of demf about which F&O sends nothing, posted before what verify leaves alone; it sends again afterwards,
 * whatever happens.
 */
async function postUnsent(number: string): Promise<string> {
  const { world } = local;
  await world.setActiveCompanies([]);
  try {
    return (await world.post({ company: "demf", number, minutesAgo: 20 })).number;
  } finally {
    await world.setActiveCompanies(null);
  }
}

describe("documents that F&O never sent", () => {
  it("are on the overview with their companies, and are sent from there", async () => {
    const { folder, world } = local;
    const number = await postUnsent("CONSOLE-MISSING");
    await runCauseway(folder, ["verify", "--since", "30m"]);
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
    });
    await page.getByRole("button", { name: "Compare again" }).click();
    await page.getByTestId("verification").getByText("the same").waitFor();
    await open(page, "overview");
    await page.getByText("0 missing, 0 doubled, 0 differing").waitFor();
    await need.waitFor({ state: "detached" });
  });
});
