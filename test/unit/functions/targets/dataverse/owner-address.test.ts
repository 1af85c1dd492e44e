import { describe, expect, it } from "@jest/globals";
import { createDataverseClient } from "../../../../../functions/src/dynamics/dataverse-client.ts";
import { createOwnerAddress } from "../../../../../functions/src/targets/dataverse/owner-address.ts";
import { awayFailureOf } from "../../../../../functions/src/targets/dataverse/patient-question.ts";
import { ManualClock } from "../../../../support/delivery-world.ts";
import { createCeTargetFixture, invoiceEvent } from "../../../../support/ce-target-fixture.ts";
import type { CeTargetFixture } from "../../../../support/ce-target-fixture.ts";

function ownerAddressIn(
  fixture: CeTargetFixture,
  clock = new ManualClock(),
): ReturnType<typeof createOwnerAddress> {
  return createOwnerAddress(
    createDataverseClient({
      http: fixture.http,
      getToken: () => Promise.resolve("causeway"),
      baseUrl: "https://org.crm.example",
      clock,
    }),
    clock,
  );
}

describe("the address of an account's owner", () => {
  it("is asked for once a minute while CE is away, however many want to know", async () => {
    const fixture = await createCeTargetFixture();
    const clock = new ManualClock();
    const ownerAddress = ownerAddressIn(fixture, clock);
    const ask = async (): Promise<unknown> =>
      ownerAddress(invoiceEvent(1)).catch((error: unknown) => awayFailureOf(error)?.afterMs);
    fixture.faultOf = () => ({ status: 503, retryAfter: "90" });

    const first = [await ask(), await ask()];
    clock.advance(90_000);
    const later = await Promise.all([ask(), ask(), ask()]);
    expect(first).toEqual([90_000, 90_000]);
    expect(later).toEqual([90_000, 90_000, 90_000]);
    expect(fixture.requests).toHaveLength(2);

    fixture.faultOf = () => undefined;
    clock.advance(90_000);
    expect(await ask()).toBe("sales@contoso.example");
    expect(await ask()).toBe("sales@contoso.example");
  });

  it("that CE cannot be asked for says nothing about other questions", async () => {
    const fixture = await createCeTargetFixture();
    const ownerAddress = ownerAddressIn(fixture);
    fixture.faultOf = () => ({ status: 400 });
    await expect(ownerAddress(invoiceEvent(1))).rejects.toMatchObject({ fate: "permanent" });
    fixture.faultOf = () => undefined;
    expect(await ownerAddress(invoiceEvent(1))).toBe("sales@contoso.example");
  });

  it("is the user's or the team's", async () => {
    const fixture = await createCeTargetFixture();
    const [account] = fixture.rows("account");
    const [team] = fixture.rows("team");
    const ownerAddress = ownerAddressIn(fixture);

    const user = await ownerAddress(invoiceEvent(1));
    fixture.overwrite("team", String(team?.["teamid"]), { emailaddress: "team@contoso.example" });
    fixture.overwrite("account", String(account?.["accountid"]), {
      _ownerid_value: String(team?.["teamid"]),
      "_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname": "team",
    });

    expect(user).toBe("sales@contoso.example");
    expect(await ownerAddress(invoiceEvent(1))).toBe("team@contoso.example");
  });

  it("is nobody's without an account, or when two have the number", async () => {
    const fixture = await createCeTargetFixture();
    const customer = { account: "US-003", orderAccount: "US-003", name: "N", email: null };
    const ownerAddress = ownerAddressIn(fixture);

    const none = await ownerAddress(invoiceEvent(1, { customer }));
    fixture.addAccount("US-001", "Contoso Retail again");

    expect([none, await ownerAddress(invoiceEvent(1))]).toEqual([null, null]);
  });
});
