import { describe, expect, it } from "@jest/globals";
import { createDataverseFixture } from "../../../support/dataverse-fixture.ts";
import type { DataverseFixture, Json } from "../../../support/dataverse-fixture.ts";

interface Part {
  readonly method: string;
  readonly path: string;
  readonly body?: Json;
}

function toPart({ method, path, body }: Part, contentId: number): string {
  return [
    "Content-Type: application/http",
    "Content-Transfer-Encoding: binary",
    `Content-ID: ${contentId}`,
    "",
    `${method} ${path.startsWith("$") ? path : `/api/data/v9.2/${path}`} HTTP/1.1`,
    "Content-Type: application/json",
    "",
    body === undefined ? "" : JSON.stringify(body),
    "",
  ].join("\r\n");
}

function toChangeset(...parts: readonly Part[]): string {
  const inner = parts.map((part, index) => `--c\r\n${toPart(part, index + 1)}`).join("");
  return `Content-Type: multipart/mixed; boundary=c\r\n\r\n${inner}--c--\r\n`;
}

async function send(
  { call }: DataverseFixture,
  items: readonly string[],
  prefer = "",
): Promise<{
  readonly status: number;
  readonly statuses: readonly string[];
  readonly text: string;
}> {
  const body = `${items.map((item) => `--b\r\n${item}`).join("")}--b--\r\n`;
  const headers = { "content-type": "multipart/mixed; boundary=b", prefer };
  const { status, json } = await call("POST", "$batch", body, headers);
  const text = typeof json["text"] === "string" ? json["text"] : JSON.stringify(json);
  return { status, statuses: text.match(/(?<=HTTP\/1\.1 )\d{3}/g) ?? [], text };
}

const account = (name: unknown): Part => ({ method: "POST", path: "accounts", body: { name } });
const longName = account("x".repeat(161));

describe("a simulated Dataverse's $batch", () => {
  it("undoes a changeset whole and stops at the first failure", async () => {
    const fixture = createDataverseFixture();

    const answer = await send(fixture, [
      toChangeset(account("A"), account("B")),
      toChangeset(account("C"), longName),
      toChangeset(account("D")),
    ]);

    const names = fixture.rows("account").map((row) => row["name"]);
    expect(answer.status).toBe(400);
    expect(answer.statuses).toEqual(["204", "204", "400"]);
    expect(names.slice(5)).toEqual(["A", "B"]);
  });

  it("goes on after a failure when the caller prefers that", async () => {
    const fixture = createDataverseFixture();

    const answer = await send(
      fixture,
      [toChangeset(longName), toChangeset(account("D"))],
      "odata.continue-on-error",
    );

    expect([answer.status, ...answer.statuses]).toEqual([200, "400", "204"]);
  });

  it("undoes what a failing changeset changed in older rows, keys included", async () => {
    const fixture = createDataverseFixture();
    await fixture.install();
    const usd = fixture.rows("transactioncurrency")[0]?.["transactioncurrencyid"];
    const bind = { "transactioncurrencyid@odata.bind": `/transactioncurrencies(${String(usd)})` };
    await fixture.call("PATCH", "invoices(cwy_key='k')", { name: "before", ...bind });

    await send(fixture, [
      toChangeset(
        {
          method: "PATCH",
          path: "invoices(cwy_key='k')",
          body: { name: "after", cwy_key: "moved" },
        },
        longName,
      ),
    ]);

    const read = await fixture.call("GET", "invoices(cwy_key='k')?$select=name");
    const moved = await fixture.call("GET", "invoices(cwy_key='moved')");
    expect([read.json["name"], moved.status]).toEqual(["before", 404]);
  });

  it("lets later operations refer to earlier ones by content id", async () => {
    const fixture = createDataverseFixture();
    const contact = { lastname: "Reed", "parentcustomerid_account@odata.bind": "$1" };

    await send(fixture, [
      toChangeset(
        account("A"),
        { method: "POST", path: "contacts", body: contact },
        { method: "PATCH", path: "$1", body: { telephone1: "555" } },
      ),
    ]);

    const [, , , , , created] = fixture.rows("account");
    expect(created).toMatchObject({ name: "A", telephone1: "555" });
    expect(fixture.rows("contact")).toMatchObject([
      { _parentcustomerid_value: created?.["accountid"] },
    ]);
  });

  it("refuses reads in changesets, bare line feeds and more than a thousand operations", async () => {
    const fixture = createDataverseFixture();
    const many = Array.from({ length: 1001 }, (_, index) => toPart(account(`A${index}`), 1));
    const headers = { "content-type": "multipart/mixed; boundary=b" };

    const read = await send(fixture, [toChangeset({ method: "GET", path: "accounts" })]);
    const feeds = await fixture.call("POST", "$batch", "--b\n\n--b--\n", headers);
    const tooMany = await send(fixture, many);

    expect([read.status, feeds.status, tooMany.status]).toEqual([400, 400, 400]);
    expect(fixture.rows("account")).toHaveLength(5);
  });
});

describe("a simulated Dataverse's bulk messages", () => {
  const target = (values: Json): Json => ({
    "@odata.type": "Microsoft.Dynamics.CRM.account",
    ...values,
  });
  const message = "accounts/Microsoft.Dynamics.CRM";

  it("create all rows or none", async () => {
    const fixture = createDataverseFixture();

    const good = await fixture.call("POST", `${message}.CreateMultiple`, {
      Targets: [target({ name: "A" }), target({ name: "B" })],
    });
    const bad = await fixture.call("POST", `${message}.CreateMultiple`, {
      Targets: [target({ name: "C" }), target({ name: 1 })],
    });

    expect([good.status, bad.status]).toEqual([200, 400]);
    expect(good.json["Ids"]).toHaveLength(2);
    expect(fixture.rows("account")).toHaveLength(7);
  });

  it("upsert by alternate key in one transaction", async () => {
    const fixture = createDataverseFixture();
    await fixture.install();
    const rows = ["a", "b", "a"].map((key, index) => ({
      "@odata.type": "Microsoft.Dynamics.CRM.invoice",
      "@odata.id": `invoices(cwy_key='${key}')`,
      name: `N${index}`,
    }));

    const answer = await fixture.call("POST", "invoices/Microsoft.Dynamics.CRM.UpsertMultiple", {
      Targets: rows,
    });

    expect(answer.status).toBe(204);
    expect(fixture.rows("invoice")).toMatchObject([{ name: "N2" }, { name: "N1" }]);
  });
});
