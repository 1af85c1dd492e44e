import { describe, expect, it } from "@jest/globals";
import { role } from "../../../../../cli/ce/desired-state.ts";
import { applyInstall, planInstall } from "../../../../../cli/ce/install-ce.ts";
import { createCeTargetFixture, invoiceEvent } from "../../../../support/ce-target-fixture.ts";
import type { CeTargetFixture } from "../../../../support/ce-target-fixture.ts";

/** The fixture with what `causeway ce install` makes, the target bound to its role. */
async function installed(): Promise<CeTargetFixture> {
  const fixture = await createCeTargetFixture({}, { installed: false });
  fixture.registerApplicationUser("installer");
  await applyInstall({
    http: fixture.http,
    getToken: () => Promise.resolve("installer"),
    baseUrl: "https://org.crm.example",
    clock: { now: () => fixture.clock.now(), sleep: (ms) => fixture.clock.advance(ms) },
  });
  fixture.registerApplicationUser("causeway", [role.name]);
  return fixture;
}

describe("the CE target with the installed role", () => {
  it("delivers an invoice", async () => {
    const fixture = await installed();

    const [outcome] = await fixture.deliver(invoiceEvent(1));

    expect(outcome).toMatchObject({ kind: "delivered" });
  });

  it("may neither delete nor touch what is not its own", async () => {
    const { call } = await installed();
    const accounts = await call("GET", "accounts?$select=accountid&$top=1");
    const [account] = accounts.json["value"] as readonly { readonly accountid: string }[];

    const path = `accounts(${String(account?.accountid)})`;
    const answers = await Promise.all([
      call("DELETE", path),
      call("PATCH", path, { name: "Mine" }),
      call("GET", "roles"),
      call("POST", "EntityDefinitions(LogicalName='account')/Keys", {}),
    ]);

    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
  });

  it("needs nothing more after an installation", async () => {
    const fixture = await installed();

    const steps = await planInstall({
      http: fixture.http,
      getToken: () => Promise.resolve("installer"),
      baseUrl: "https://org.crm.example",
      clock: { now: () => fixture.clock.now(), sleep: (ms) => fixture.clock.advance(ms) },
    });

    expect(steps.filter(({ state }) => state !== "present")).toEqual([]);
  });
});
