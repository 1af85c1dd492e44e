import { describe, expect, it } from "@jest/globals";
import { readPosted } from "../../../../functions/src/recovery/verify/read-sources.ts";
import { createDataverseClient } from "../../../../functions/src/dynamics/dataverse-client.ts";
import { createInvoiceReader } from "../../../../functions/src/targets/dataverse/read-invoice-keys.ts";
import { createCeTargetFixture, invoiceEvent } from "../../../support/ce-target-fixture.ts";
import { dataverseUrl } from "../../../support/dataverse-fixture.ts";
import { VerifyWorld } from "../../../support/verify-world.ts";

const suspect = "9f3c1a52-0000-4000-8000-000000000001";
const never = Date.parse("2027-01-01T00:00:00Z");
const signal = new AbortController().signal;

/** CE has CIV-1 of usmf under its key, and one more row of that number and customer. */
async function createScene(): Promise<VerifyWorld> {
  const world = new VerifyWorld();
  await world.post("CIV-1");
  const [document] = await readPosted(world.replay.finance, 0, never, signal);
  if (document === undefined) throw new Error("F&O has posted nothing");
  const { amount, effectKey } = document;
  const kept = { count: 1, amount, ids: ["ours"], suspects: [suspect] };
  world.readers = { ce: () => Promise.resolve(new Map([[effectKey, kept]])) };
  return world;
}

describe("a record beside the key of a document", () => {
  it("doubles it when F&O has no other document of that number", async () => {
    const world = await createScene();

    expect(await world.verify()).toMatchObject({
      counts: [{ doubled: 1 }],
      findings: [{ kind: "doubled", number: "CIV-1", cause: `2 records: ours, ${suspect}` }],
    });
  });

  it("is no double when another company has a document of that number, whenever it was posted", async () => {
    const world = await createScene();
    await world.fno.clock.advance(24 * 3_600_000);
    await world.post("CIV-1", { company: "demf" });

    expect(await world.verify()).toMatchObject({ counts: [{ doubled: 0, good: 1 }], findings: [] });
  });

  it("is no double when its number may mean others too", async () => {
    const world = new VerifyWorld();
    await world.post("CIV-*");
    const [document] = await readPosted(world.replay.finance, 0, never, signal);
    const kept = { count: 1, amount: null, ids: ["ours"], suspects: [suspect] };
    const key = document?.effectKey ?? "";
    world.readers = { ce: () => Promise.resolve(new Map([[key, kept]])) };

    expect(await world.verify()).toMatchObject({ counts: [{ doubled: 0, good: 1 }] });
  });
});

describe("two CE rows of one invoice number, one without our key,", () => {
  it("are doubled", async () => {
    const world = new VerifyWorld();
    await world.post("CIV-1");
    const [document] = await readPosted(world.replay.finance, 0, never, signal);
    if (document === undefined) throw new Error("F&O has posted nothing");
    const { date, effectKey: effectkey, number, voucher } = document;
    const ce = await createCeTargetFixture();
    await ce.deliver({ ...invoiceEvent(1, { number, date, voucher }), effectkey });
    const [own = {}] = ce.rows("invoice");
    await ce.call("POST", "invoices", {
      ...{ invoiceid: suspect, name: "CIV-1", invoicenumber: "CIV-1" },
      "customerid_account@odata.bind": `/accounts(${String(own["_customerid_value"])})`,
      "transactioncurrencyid@odata.bind": `/transactioncurrencies(${String(own["_transactioncurrencyid_value"])})`,
    });
    const client = createDataverseClient({
      ...{ http: ce.http, baseUrl: dataverseUrl, getToken: () => Promise.resolve("causeway") },
      clock: { now: () => ce.clock.now(), sleep: (ms) => ce.clock.sleep(ms) },
    });
    world.readers = { ce: createInvoiceReader(client) };

    expect(await world.verify()).toMatchObject({
      counts: [{ compared: 1, doubled: 1 }],
      findings: [{ kind: "doubled", cause: `2 records: ${String(own["invoiceid"])}, ${suspect}` }],
    });
  });
});
