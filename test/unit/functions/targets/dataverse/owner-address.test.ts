import { describe, expect, it } from "@jest/globals";
import { createDataverseClient } from "../../../../../functions/src/dynamics/dataverse-client.ts";
import { createOwnerAddress } from "../../../../../functions/src/targets/dataverse/owner-address.ts";
import { createCeTargetFixture, invoiceEvent } from "../../../../support/ce-target-fixture.ts";
import type { CeTargetFixture } from "../../../../support/ce-target-fixture.ts";

function ownerAddressIn(fixture: CeTargetFixture): ReturnType<typeof createOwnerAddress> {
  return createOwnerAddress(
    createDataverseClient({
      http: fixture.http,
      getToken: () => Promise.resolve("causeway"),
      baseUrl: "https://org.crm.example",
      clock: { now: () => 0, sleep: () => Promise.resolve() },
    }),
  );
}

describe("the address of an account's owner", () => {
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
