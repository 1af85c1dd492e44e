import { describe, expect, it } from "@jest/globals";
import { readConfig } from "../../../../functions/src/platform/config.ts";

const settings = {
  CAUSEWAY_ENVIRONMENT_KIND: "production",
  CAUSEWAY_DEFAULT_DOOR: "main",
  ServiceBus__fullyQualifiedNamespace: "sb-causeway.servicebus.windows.net",
  CAUSEWAY_TABLE_ENDPOINT: "https://causeway.table.core.windows.net",
  CAUSEWAY_BLOB_ENDPOINT: "https://causeway.blob.core.windows.net",
  CAUSEWAY_FINANCE_URL: "https://contoso.operations.dynamics.com",
  CAUSEWAY_DATAVERSE_URL: "https://contoso.crm4.dynamics.com",
};

describe("the function app's settings", () => {
  it("go on without a secret that Azure cannot read, and say which it is", () => {
    const reference = "@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/x)";
    expect(readConfig({ ...settings, CAUSEWAY_OWNER_WEBHOOKS: reference })).toMatchObject({
      ownerWebhooks: {},
      unresolvedSettings: ["CAUSEWAY_OWNER_WEBHOOKS"],
    });
  });

  it("take each owner's webhook and mail", () => {
    const mail = {
      endpoint: "https://acs.example",
      apiVersion: "2025-09-01",
      sender: "DoNotReply@mail.example",
      to: { finance: ["ap@contoso.example"] },
    };
    expect(
      readConfig({
        ...settings,
        CAUSEWAY_OWNER_WEBHOOKS: '{"finance":"https://hooks.example/1"}',
        CAUSEWAY_OWNER_MAIL: JSON.stringify(mail),
      }),
    ).toMatchObject({
      ownerWebhooks: { finance: "https://hooks.example/1" },
      ownerMail: mail,
      unresolvedSettings: [],
    });
  });

  it("say how long bodies and ledger are kept, and delete nothing by numbers that make no sense", () => {
    const read = (retention: object) =>
      readConfig({ ...settings, CAUSEWAY_RETENTION: JSON.stringify(retention) });
    expect(read({ bodyDays: 10 }).retention).toEqual({
      bodyDays: 10,
      failureBodyDays: 180,
      escalateDays: 30,
      ledgerMonths: 13,
    });
    expect(() => read({ bodyDays: 0, ledgerMonths: "13" })).toThrow(
      "- CAUSEWAY_RETENTION: bodyDays must be a whole number ≥ 1\n" +
        "- CAUSEWAY_RETENTION: ledgerMonths must be a whole number ≥ 1",
    );
    expect(() => read({ failureBodyDays: 30 })).toThrow(
      "- CAUSEWAY_RETENTION: bodyDays < failureBodyDays < ledgerMonths must hold\n" +
        "- CAUSEWAY_RETENTION: escalateDays must be less than failureBodyDays",
    );
  });

  it("name every mistake at once, and no webhook's address", () => {
    expect(() =>
      readConfig({
        ...settings,
        CAUSEWAY_DEFAULT_DOOR: "",
        CAUSEWAY_OWNER_WEBHOOKS: '{"boss":"http://hooks.example/secret"}',
        CAUSEWAY_OWNER_MAIL: '{"to":{"chief":[]}}',
      }),
    ).toThrow(
      "The function app's settings are wrong; nothing was started.\n" +
        "- CAUSEWAY_DEFAULT_DOOR is not set\n" +
        "- CAUSEWAY_OWNER_WEBHOOKS: there is no owner boss\n" +
        "- CAUSEWAY_OWNER_WEBHOOKS: boss must be an https address\n" +
        "- CAUSEWAY_OWNER_MAIL: there is no owner chief",
    );
  });
});
