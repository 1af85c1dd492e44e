import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { checkTargetSettings } from "../../../../functions/src/flows/check-target-settings.ts";
import { FlowError } from "../../../../functions/src/flows/flow-error.ts";
import { loadFlows } from "../../../../functions/src/flows/load-flows.ts";
import { mapEvent } from "../../../../functions/src/flows/map-event.ts";
import { createSchemaSet } from "../../../../functions/src/flows/schema-set.ts";
import type { AppConfig } from "../../../../functions/src/platform/config.ts";
import { canonicalEvent, canonicalInvoice } from "../../../support/canonical-invoice.ts";

const schemas = createSchemaSet();
const shipped = join(import.meta.dirname, "../../../../flows");
let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "causeway-flows-"));
  await cp(shipped, folder, { recursive: true });
});
afterEach(() => rm(folder, { recursive: true }));

async function edit(file: string, change: (text: string) => string): Promise<void> {
  const path = join(folder, "invoice-posted", file);
  await writeFile(path, change(await readFile(path, "utf8")));
}

async function problems(): Promise<readonly string[]> {
  const error: unknown = await loadFlows(folder, schemas).catch((thrown: unknown) => thrown);
  if (!(error instanceof FlowError)) throw new Error("expected a FlowError");
  return error.problems.map(({ file, field, message }) => `${file} ${field}: ${message}`);
}

describe("loadFlows", () => {
  it("finds the shipped flow right, for both invoice events and three targets", async () => {
    const [flow] = await loadFlows(shipped, schemas);
    expect(flow?.flow.businessEvents).toEqual([
      "SalesInvoicePostedBusinessEvent",
      "CustFreeTextInvoicePostedBusinessEvent",
    ]);
    expect(Object.keys(flow?.targets ?? {})).toEqual(["ce", "crm", "email"]);
    expect(Object.keys(flow?.targets["email"]?.texts ?? {}).sort()).toEqual([
      "de",
      "en",
      "en-us",
      "ja",
    ]);
  });

  it("names what is wrong in every file at once", async () => {
    await edit("flow.json", (text) =>
      text.replace('"maxAge"', '"maxAgee"').replace('"dryRun"', '"dryrun"'),
    );
    await edit("crm.mapping.json", (text) => text.replace('"from": "voucher"', '"from": "vouchr"'));
    await edit("mail/de.json", (text) => text.replace("{number}", "{nummer}"));
    expect(await problems()).toEqual([
      'invoice-posted/flow.json targets.ce.mode: must be one of off, dryRun, redirect, live; did you mean "dryRun"?',
      'invoice-posted/flow.json targets.email.maxAgee: is not known here; did you mean "maxAge"?',
      'invoice-posted/crm.mapping.json fields[8] (record.Voucher__c).from: the source has no path "vouchr"; did you mean "voucher"?',
      'invoice-posted/mail/de.json invoice.subject: there is no placeholder "{nummer}"; did you mean "number"?',
    ]);
  });

  it("checks the files against each other", async () => {
    await edit("flow.json", (text) =>
      text
        .replace('"crm.mapping.json"', '"crn.mapping.json"')
        .replace("data.interCompany = false and", "data.interCompny = false and")
        .replace('"recipient": { "policy": "customer" },', ""),
    );
    await rm(join(folder, "invoice-posted/mail/en.json"));
    expect(await problems()).toEqual([
      'invoice-posted/flow.json targets.crm.mapping: there is no file "crn.mapping.json"; did you mean "crm.mapping.json"?',
      "invoice-posted/flow.json targets.email.recipient: is missing: who gets the mail decides which safety rules apply",
      'invoice-posted/flow.json targets.email.when: the source has no name "interCompny"; did you mean "interCompany"?',
      "invoice-posted/flow.json targets.email.mode: redirect is for mail; email has no recipient",
      "invoice-posted/flow.json targets.email.templates: mail/en.json is missing: others fall back to it",
    ]);
  });

  it("refuses files that are no JSON, and two flows for one event", async () => {
    await edit("email.mapping.json", () => "{");
    expect((await problems())[0]).toMatch(/^invoice-posted\/email\.mapping\.json : must be object/);
    await rm(join(folder, "invoice-posted"), { recursive: true });
    await cp(join(shipped, "invoice-posted"), join(folder, "a"), { recursive: true });
    await cp(join(shipped, "invoice-posted"), join(folder, "b"), { recursive: true });
    expect(await problems()).toContain('a/flow.json name: must be the folder\'s name, "a"');
  });
});

describe("checkTargetSettings", () => {
  it("stops the start for a misspelt target, mode or member", async () => {
    const flows = await loadFlows(shipped, schemas);
    const settings = { ce: { mode: "Off" }, emial: { redirectToo: "a@x.example" } };
    const check = (value: object): void =>
      checkTargetSettings(value as AppConfig["targets"], flows, schemas);
    expect(() => check({ ce: { mode: "off" }, email: { mode: "live" } })).not.toThrow();
    expect(() => check(settings)).toThrow(
      [
        "The flows are wrong; nothing was started.",
        '- CAUSEWAY_TARGETS: ce.mode: must be one of off, dryRun, redirect, live; did you mean "off"?',
        '- CAUSEWAY_TARGETS: emial.redirectToo: is not known here; did you mean "redirectTo"?',
        '- CAUSEWAY_TARGETS: emial: no flow has this target; did you mean "email"?',
      ].join("\n"),
    );
  });
});

describe("the shipped mappings", () => {
  const nobody = (requests: readonly unknown[]): Promise<null[]> =>
    Promise.resolve(requests.map(() => null));

  it("make a request that invoice-to-crm takes", async () => {
    const [flow] = await loadFlows(shipped, schemas);
    const mapping = flow?.targets["crm"]?.mapping;
    if (mapping === undefined) throw new Error("no crm target");
    const event = canonicalEvent(canonicalInvoice({ documentType: "creditNote", dueDate: null }));
    const { record } = await mapEvent(mapping, event, nobody);
    const request = { effectKey: event.effectkey, ...record };
    expect(schemas.problems("targets/workflow/invoice-to-crm.v1", request)).toEqual([]);
    expect(record["record"]).toEqual({
      Name: "CIV-000123",
      Company__c: "usmf",
      Document_Type__c: "Credit note",
      Is_Correction__c: false,
      Invoice_Date__c: "2024-06-14",
      Due_Date__c: null,
      Voucher__c: "ARPA-000045",
      Customer_Account__c: "US-001",
      Customer_Name__c: "Contoso Retail",
      Sales_Order__c: "000741",
      Currency__c: "USD",
      Total__c: 1250.5,
      Tax__c: 50.5,
      Charges__c: 0,
      Discount__c: 0,
    });
  });

  it("make the invoice that invoice-email shows", async () => {
    const [flow] = await loadFlows(shipped, schemas);
    const mapping = flow?.targets["email"]?.mapping;
    if (mapping === undefined) throw new Error("no email target");
    const event = canonicalEvent();
    const { record } = await mapEvent(mapping, event, nobody);
    const request = {
      step: "send",
      operationId: event.effectkey,
      generation: 0,
      sender: "a@x.example",
      to: [{ address: "b@x.example" }],
      subject: "s",
      texts: {},
      ...record,
    };
    expect(schemas.problems("targets/workflow/invoice-email.v1", request)).toEqual([]);
    expect(record["invoice"]).toMatchObject({
      number: "CIV-000123",
      total: "1250.50",
      lines: [{ number: 1, amount: "1000.00" }, { number: 2 }],
    });
  });
});
